// Package transport runs on an event loop what expects a connection that it can
// wait on: crypto/tls first of all, as a client and as a server.
//
//	           bytes of the socket                  what they say
//	loop ── Received(data, take) ─> socket ─> TLS ─> take(plain)
//	loop <─ Append(dst, plain) <─── socket <─ TLS <─ plain
//
// Nothing here waits, and nothing here reads or writes a socket: bytes go in, bytes
// come out, and whoever has the socket decides when. Reading at the bottom of a Stack
// ends with an error that says it is temporary where the rest has yet to come;
// crypto/tls carries on after it, in the middle of a record too. Its handshake does
// not, so it runs on a coroutine, which stops where the rest has yet to come.
//
// A Stack belongs to one caller at a time, which need not always be the same
// goroutine: handshakes, which cost 0.1 to 2 ms of a processor, can be another's.
package transport
