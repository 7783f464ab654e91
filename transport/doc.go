// Package transport runs on an event loop code that expects a blocking connection:
// mainly crypto/tls, as a client and as a server.
//
//	           bytes of the socket                  what they say
//	loop ── Received(data, take) ─> socket ─> TLS ─> take(plain)
//	loop <─ Append(dst, plain) <─── socket <─ TLS <─ plain
//
// Nothing here waits, and nothing here reads or writes a socket: bytes go in, bytes
// come out, and the owner of the socket decides when. If more bytes have yet to arrive,
// reading at the bottom of a Stack fails with a temporary error; crypto/tls carries on
// after it, even in the middle of a record. Its handshake does not, so it runs on a
// coroutine, which pauses until more bytes arrive.
//
// A Stack belongs to one caller at a time, not necessarily always on the same
// goroutine: handshakes, which cost 0.1 to 2 ms of CPU time, can run on another.
package transport
