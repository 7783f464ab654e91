// Package notify delivers messages of alerts, and reports, to people: as a webhook, by e-mail,
// to Telegram, Slack or ntfy.
//
//	alerts ──Send──> a queue for each channel ──> its sender ──> a server
//	                      ▲                          │
//	                      └── waits, longer each time ┘ an error
//
// Each channel has a goroutine of its own: one that hangs delays no other. A message is
// delivered at least once. It is delivered twice if its server took it and could not say so;
// its id is the same then.
//
// No error and no line of the log has a secret: neither what a channel has of them, nor a URL,
// which often is one.
package notify
