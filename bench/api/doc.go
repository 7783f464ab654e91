// Package api uses the proxy's HTTP, as an operator's script would: accounts, pools,
// workers, metrics. It shares nothing with the server's code.
package api
