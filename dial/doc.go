// Package dial makes connections to pools: it looks names up and races their
// addresses, goes through SOCKS and HTTP proxies, and does TLS with the pool.
//
//	Direct ─┐                     lookup ─> race of addresses ─> TCP
//	        ├─> stages of ways ─> the same, then SOCKS5 or CONNECT
//	Through ┘                     └─> TLS with the pool ─> the first way through wins
//
// It knows of a pool where it is and how it proves who it is (Target), never who
// mines there or what is said. It keeps which addresses of a name were worth a
// connection: whoever used one says so by Rate, and the next dial begins
// elsewhere. Everything blocks and belongs on a goroutine of its own, never on an
// event loop; a connection's bottom can be exchanged afterwards, which is how an
// event loop takes it over (Conn).
package dial
