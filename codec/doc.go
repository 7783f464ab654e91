// Package codec turns bytes into values and back: the lines of Stratum V1, as miners
// and pools write them. The agent protocol's frames are in package agent below.
//
//	miner's line ──> Decoder ──> Request ──> session
//	pool's line  ──> Decoder ──> Notify, Subscription, Reply … ──> upstream
//	session, upstream ──> AppendX(dst, …) ──> line
//
// It owns the limits on what is read (limits.go) and the allow-lists for what is
// spliced into another party's JSON (name.go, id.go). It knows neither sockets nor
// time nor policy: what to do with a message is decided elsewhere.
//
// There are three outcomes: a value; an *Error, which says that the peer sent
// something malformed, and whether the stream can still be trusted; and, for a member
// of a well-formed message, ok == false: wrong type, or missing.
//
// Decoding a line without escape sequences and encoding any line into a buffer
// of sufficient size allocate nothing.
package codec
