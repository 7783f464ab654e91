// Package dial makes connections to pools: it looks names up and races their
// addresses, goes through SOCKS and HTTP proxies, and does TLS with the pool.
//
//	Direct ─┐                     lookup ─> race of addresses ─> TCP
//	        ├─> stages of ways ─> the same, then SOCKS5 or CONNECT
//	Through ┘                     └─> TLS with the pool ─> the first way through wins
//
// It knows where a pool is and how it proves its identity (Target), never who mines
// there or what is said. It remembers which addresses of a name were worth a
// connection: users report that with Rate, and the next dial begins elsewhere.
// Everything blocks, so it belongs on a goroutine of its own, never on an event loop.
// The bottom of a connection can be exchanged afterwards, which is how an event loop
// takes it over (Conn).
package dial
