package notify

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"farmproxy/alert"
)

// Kind is what a channel leads to.
type Kind string

const (
	Webhook  Kind = "webhook"
	Email    Kind = "email"
	Telegram Kind = "telegram"
	Slack    Kind = "slack"
	Ntfy     Kind = "ntfy"
)

// What a channel may get (Channel.Gets): alerts by their severity, and reports.
const (
	Pages   = string(alert.Page)
	Tickets = string(alert.Ticket)
	Reports = string(alert.Report)
)

// Channel is one way to people. Which fields it needs depends on its kind.
type Channel struct {
	Name   string   // unique
	Kind   Kind     // where it leads to
	Gets   []string // Pages, Tickets, Reports; tests come besides
	URL    string   // webhook; slack: the incoming webhook; ntfy: with the topic; telegram: of the Bot API, "" for Telegram's own
	Secret string   // webhook: signs; email: the password; telegram: the bot's token; ntfy: the password or access token
	User   string   // email, ntfy: who the password is of; "": none is needed
	Server string   // email: host:port
	TLS    TLS      // email
	From   string   // email: an address
	To     []string // email: addresses
	Chat   string   // telegram: a chat's number, or @name

	Trouble string // why its secret is not known: nothing can be delivered; "": it is
}

// TLS says how a mail server is spoken to.
type TLS string

const (
	StartTLS TLS = "starttls" // TLS after the greeting, or nothing
	FromOn   TLS = "tls"      // from the first byte
	NoTLS    TLS = "none"     // in the clear: for a server on this machine
)

// gets reports whether a message is for the channel.
func (c *Channel) gets(m *alert.Message) bool {
	switch m.Kind {
	case alert.Test:
		return true
	case alert.Report:
		return slices.Contains(c.Gets, Reports)
	}
	return slices.ContainsFunc(m.Alerts, func(a alert.Alert) bool { return slices.Contains(c.Gets, string(a.Severity)) })
}

// message is one on its way.
type message struct {
	ID string // the same for each attempt
	alert.Message
}

// urgent reports whether somebody has to look now.
func (m *message) urgent() bool { return m.Severity == alert.Page }

// over reports whether the message says of nothing but that it is over.
func (m *message) over() bool { return len(m.Alerts) > 0 && m.Severity == "" }

// sender delivers messages to one server. Its errors have no secrets.
type sender interface {
	send(context.Context, *message) error

	// reach returns nil if the server can be connected to.
	reach(context.Context) error
}

// failure is an error of which more is known.
type failure struct {
	error
	refused bool          // the server understood, and says no: another attempt helps only if it changes its mind
	after   time.Duration // when it may be asked again; 0: it did not say
}

func (f *failure) Unwrap() error { return f.error }

// broken is the sender of a channel that can't be used: it is listed with the others, and
// what is wrong with it is said where an operator looks for it.
type broken struct{ error }

func (b broken) send(context.Context, *message) error { return &failure{b.error, true, 0} }
func (b broken) reach(context.Context) error          { return b.error }

// newSender returns the sender of a channel. roots are the authorities that sign servers'
// certificates; nil: the machine's.
func newSender(c Channel, agent string, roots *x509.CertPool) (sender, error) {
	if c.Trouble != "" {
		return nil, errors.New(c.Trouble)
	}
	s, err := newSenderOf(&c, agent, roots)
	if err != nil {
		return nil, err
	}
	return &discreet{s, c.secrets()}, nil
}

func newSenderOf(c *Channel, agent string, roots *x509.CertPool) (sender, error) {
	switch c.Kind {
	case Webhook:
		return newWebhook(c, agent, roots)
	case Email:
		return newEmail(c, agent, roots)
	case Telegram:
		return newTelegram(c, agent, roots)
	case Slack:
		return newSlack(c, agent, roots)
	case Ntfy:
		return newNtfy(c, agent, roots)
	}
	return nil, fmt.Errorf("%q is no kind of channel", c.Kind)
}
