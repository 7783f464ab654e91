// Package admin owns the command socket: a Unix socket over which an operator on this
// machine asks a running farmproxy for something, and the client's side of it.
//
//	farmproxy status ─ Do ─> socket ─> Server ─> Func ─> answer
//
// The file's permissions are the authentication: whoever can open the socket may do
// everything. So it works when the API's tokens are lost, and without HTTP.
//
// A connection carries one command. The request is one line of JSON, and so is each line
// of the response: any number of events, while the command goes on, and one answer.
//
//	> {"command":"reload","args":{"file":"/etc/farmproxy/farmproxy.toml"}}
//	< {"event":{"step":"..."}}
//	< {"answer":{"changed":3}}
//	< {"error":"why nothing was done","answer":{"problems":[...]}}     instead of the line above
//
// Server knows nothing of what commands do: each is a Func that its owner registers, with
// Handle if it changes something, with Query if it only reads. What changes something is
// logged, with the user and the process that asked, and goes on when the client leaves.
//
// Any goroutine may call everything here; all of it may block, so no event loop may.
package admin
