// Package api asks the proxy's HTTP, as an operator's script would: accounts,
// pools, workers, metrics. It shares nothing with what answers.
package api
