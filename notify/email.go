package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/wneessen/go-mail"

	"farmproxy/plain"
)

// email hands messages to a mail server, one for each address: a server that refuses one of
// several takes the message for none of them.
type email struct {
	c      *Channel
	agent  string
	client *mail.Client
	conn   atomic.Pointer[taciturn] // of the attempt that is being made; nil: not connected yet
	domain string                   // of From
	secrets

	last string   // the id of the last message that not all have got
	got  []string // who has
}

// mailTLS are the words of the configuration for those of the library.
var mailTLS = map[TLS]mail.Option{
	StartTLS: mail.WithTLSPolicy(mail.TLSMandatory),
	FromOn:   mail.WithSSL(),
	NoTLS:    mail.WithTLSPolicy(mail.NoTLS),
}

// logins are the ways to log in, the best first. The last two, which show the password, are
// refused by the library without TLS.
var logins = []mail.SMTPAuthType{mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthCramMD5, mail.SMTPAuthPlain, mail.SMTPAuthLogin}

// maxTalk is how much a mail server may say during an attempt, in bytes: certificates, and a
// line for each address. The library reads a line as long as it is.
const maxTalk = 1 << 20

// taciturn is a connection to somebody who may say only so much.
type taciturn struct {
	net.Conn
	left int
}

var errTalk = errors.New("the server says too much: is it a mail server?")

// What is said if the channel's tls is not what the server wants.
var (
	errSilent     = errors.New(`the server says nothing: if it has TLS from the first byte, as usual on port 465, set tls = "tls"`)
	errClear      = errors.New(`the server begins in the clear: set tls = "starttls", as usual on port 587`)
	errNoStartTLS = errors.New(`the server has no STARTTLS: set tls = "tls" if it has TLS from the first byte, or "none" if it is on this machine`)
)

func (t *taciturn) Read(b []byte) (n int, err error) {
	if t.left <= 0 {
		return 0, errTalk
	}
	n, err = t.Conn.Read(b[:min(len(b), t.left)])
	t.left -= n
	return n, err
}

func newEmail(c *Channel, agent string, roots *x509.CertPool) (sender, error) {
	host, text, err := net.SplitHostPort(c.Server)
	if err != nil {
		return nil, fmt.Errorf("%q: expected host:port", c.Server)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q: expected a port from 1 to 65535", c.Server)
	}
	from, err := netmail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("from = %q: expected an address, for example farm@example.com", c.From)
	}
	secure := &tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12}
	e := &email{c: c, agent: agent, secrets: c.secrets(), domain: from.Address[strings.LastIndexByte(from.Address, '@')+1:]}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		t := &taciturn{conn, maxTalk}
		e.conn.Store(t)
		if c.TLS == FromOn {
			return tls.Client(t, secure), nil
		}
		return t, nil
	}
	options := []mail.Option{mail.WithPort(int(port)), mailTLS[c.TLS], mail.WithTLSConfig(secure), mail.WithTimeout(attemptTime), mail.WithDialContextFunc(dial)}
	if c.User != "" {
		options = append(options, mail.WithOpportunisticSMTPAuth(logins...), mail.WithUsername(c.User), mail.WithPassword(c.Secret))
	}
	e.client, err = mail.NewClient(host, options...)
	return e, err
}

func (e *email) send(ctx context.Context, m *message) error {
	e.conn.Store(nil)
	// The library follows ctx only while it dials.
	defer context.AfterFunc(ctx, func() {
		if conn := e.conn.Load(); conn != nil {
			conn.Close()
		}
	})()
	server, err := e.client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return e.mailError(e.mismatch(err))
	}
	defer e.client.CloseWithSMTPClient(server) // what it has taken is taken
	if e.last != m.ID {
		e.last, e.got = m.ID, nil
	}
	var errs []error
	for _, to := range e.c.To {
		if slices.Contains(e.got, to) {
			continue
		}
		letter, err := e.letter(m, to)
		if err == nil {
			err = e.client.SendWithSMTPClient(server, letter)
		}
		if err == nil {
			e.got = append(e.got, to)
			continue
		}
		errs = append(errs, e.mailError(fmt.Errorf("to %s: %w", to, err)))
	}
	return worst(errs)
}

// letter is what one address gets.
func (e *email) letter(m *message, to string) (*mail.Msg, error) {
	l := mail.NewMsg()
	if err := errors.Join(l.From(e.c.From), l.To(to)); err != nil {
		return nil, err
	}
	l.Subject(m.Title)
	l.SetMessageIDWithValue(m.ID + "@" + e.domain)
	l.SetDateWithValue(m.At)
	l.SetUserAgent(e.agent)
	l.SetGenHeader("Auto-Submitted", "auto-generated") // nobody is on holiday, for a machine
	if m.urgent() {
		l.SetImportance(mail.ImportanceHigh)
	}
	l.SetBodyString(mail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		l.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	}
	return l, nil
}

// reach connects to the server.
func (e *email) reach(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", e.c.Server)
	if err != nil {
		return err
	}
	return conn.Close()
}

// mismatch returns what to change if err is that of a server which wants TLS in another way
// than the channel has it; otherwise err.
func (e *email) mismatch(err error) error {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok && e.c.TLS == FromOn {
		return errClear
	}
	if e.c.TLS == StartTLS && strings.Contains(err.Error(), "does not support STARTTLS") { // the library has no error for it
		return errNoStartTLS
	}
	if t := e.conn.Load(); t != nil && t.left == maxTalk && e.c.TLS != FromOn {
		return errSilent
	}
	return err
}

// mailError says whether the server refuses, and leaves out what is no news.
func (e *email) mailError(err error) error {
	text, _, _ := strings.Cut(err.Error(), ", affected ") // recipients, and the message's id
	code := 0
	if said, ok := errors.AsType[*textproto.Error](err); ok {
		code = said.Code
	} else if said, ok := errors.AsType[*mail.SendError](err); ok {
		code = said.ErrorCode()
	}
	said := errors.New(plain.Cut(e.hide(text), 2*maxReason))
	if errors.Is(err, errSilent) {
		said = errSilent // is not worth less for the time that it took
	}
	return &failure{said, code >= 500, 0}
}

// worst joins what was said of several addresses. They are refused if all are.
func worst(errs []error) error {
	if len(errs) < 2 {
		return errors.Join(errs...)
	}
	refused := !slices.ContainsFunc(errs, func(err error) bool {
		f, ok := errors.AsType[*failure](err)
		return !ok || !f.refused
	})
	text := make([]string, len(errs))
	for i, err := range errs {
		text[i] = err.Error()
	}
	return &failure{errors.New(strings.Join(text, "; ")), refused, 0}
}
