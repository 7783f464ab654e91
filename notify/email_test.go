package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http/httptest"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"farmproxy/alert"
)

// mailServer speaks SMTP, as far as needed, to one client at a time.
type mailServer struct {
	address string
	roots   *x509.CertPool
	secure  *tls.Config
	fromOn  bool              // TLS from the first byte
	plain   bool              // no STARTTLS
	mute    bool              // it hangs up before it says anything
	says    map[string]string // answers by a command's beginning, instead of the usual ones
	letters chan string
	logins  chan string
}

func newMailServer(t *testing.T, change func(*mailServer)) *mailServer {
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	certified.Close()
	s := &mailServer{roots: x509.NewCertPool(), says: map[string]string{}, letters: make(chan string, 10), logins: make(chan string, 10)}
	s.roots.AddCert(certified.Certificate())
	s.secure = &tls.Config{Certificates: certified.TLS.Certificates}
	if change != nil {
		change(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.address = l.Addr().String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if s.fromOn {
				conn = tls.Server(conn, s.secure)
			}
			if s.mute {
				conn.Close()
				continue
			}
			s.talk(conn)
		}
	}()
	return s
}

func (s *mailServer) talk(conn net.Conn) {
	defer func() { conn.Close() }()
	r := bufio.NewReader(conn)
	say := func(text string) { fmt.Fprintf(conn, "%s\r\n", text) }
	say("220 mail.example ESMTP")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		if i := slices.IndexFunc(sortedKeys(s.says), func(begin string) bool { return strings.HasPrefix(line, begin) }); i >= 0 {
			say(s.says[sortedKeys(s.says)[i]])
			continue
		}
		_, isSecure := conn.(*tls.Conn)
		switch verb, rest, _ := strings.Cut(line, " "); verb {
		case "EHLO":
			say("250-mail.example")
			if !isSecure && !s.plain {
				say("250-STARTTLS")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go on")
			conn = tls.Server(conn, s.secure)
			r.Reset(conn)
		case "AUTH":
			login, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			s.logins <- string(login)
			say("235 welcome")
		case "DATA":
			say("354 go on")
			var letter strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil || line == ".\r\n" {
					break
				}
				letter.WriteString(line)
			}
			s.letters <- letter.String()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func sortedKeys(m map[string]string) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (s *mailServer) channel(to ...string) Channel {
	c := Channel{Kind: Email, Server: s.address, TLS: StartTLS, User: "farm", Secret: "pass", From: "Farm <farm@example.com>", To: to}
	if s.fromOn {
		c.TLS = FromOn
	}
	if s.plain {
		c.TLS, c.User, c.Secret = NoTLS, "", ""
	}
	return c
}

// A letter over each kind of connection: who it is from and to, that it logs in, and that
// machines do not answer it.
func TestLetter(t *testing.T) {
	for name, change := range map[string]func(*mailServer){
		"STARTTLS":     nil,
		"TLS from on":  func(s *mailServer) { s.fromOn = true },
		"in the clear": func(s *mailServer) { s.plain = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := newMailServer(t, change)
			if err := mustSender(t, s.channel("ops@example.com"), s.roots).send(t.Context(), poolDown()); err != nil {
				t.Fatal(err)
			}
			if !s.plain {
				if login := <-s.logins; login != "\x00farm\x00pass" {
					t.Errorf("login %q", login)
				}
			}
			letter, err := mail.ReadMessage(strings.NewReader(<-s.letters))
			if err != nil {
				t.Fatal(err)
			}
			subject, _ := new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
			for _, x := range [][2]string{
				{subject, "[north] Pool <a> is down"},
				{letter.Header.Get("From"), `"Farm" <farm@example.com>`},
				{letter.Header.Get("To"), "<ops@example.com>"},
				{letter.Header.Get("Message-Id"), "<ID1@example.com>"},
				{letter.Header.Get("Auto-Submitted"), "auto-generated"},
				{letter.Header.Get("Importance"), "high"},
				{letter.Header.Get("Date"), "Thu, 26 Nov 2026 14:02:00 +0000"},
			} {
				if x[0] != x[1] {
					t.Errorf("%q, want %q", x[0], x[1])
				}
			}
			if body, _ := io.ReadAll(letter.Body); !strings.Contains(string(body), "has been down since 14:02") {
				t.Errorf("body %q", body)
			}
		})
	}
}

// A report is text and HTML: the reader's choice.
func TestReportAsLetter(t *testing.T) {
	s := newMailServer(t, nil)
	m := &message{ID: "R", Message: alert.Message{Kind: alert.Report, Title: "Report", Text: "in words", HTML: "<b>in HTML</b>"}}
	if err := mustSender(t, s.channel("a@example.com"), s.roots).send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	letter := <-s.letters
	for _, part := range []string{"multipart/alternative", "text/plain", "in words", "text/html", "<b>in HTML</b>"} {
		if !strings.Contains(letter, part) {
			t.Errorf("no %q in:\n%s", part, letter)
		}
	}
}

// An address that the server does not know keeps the message from nobody else, and those
// that have it do not get it with the next attempt.
func TestOneAddressIsRefused(t *testing.T) {
	s := newMailServer(t, func(s *mailServer) { s.says["RCPT TO:<typo@example.com>"] = "550 5.1.1 nobody of that name" })
	e := mustSender(t, s.channel("typo@example.com", "ops@example.com"), s.roots)
	for range 2 {
		err := e.send(t.Context(), poolDown())
		var f *failure
		if !errors.As(err, &f) || !f.refused || !strings.Contains(err.Error(), "to typo@example.com") || !strings.Contains(err.Error(), "nobody of that name") {
			t.Fatalf("error %v", err)
		}
	}
	if n := len(s.letters); n != 1 {
		t.Errorf("%d letters, want 1", n)
	}
}

// What goes wrong, and whether another attempt makes sense.
func TestMailFails(t *testing.T) {
	for _, c := range []struct {
		name, command, answer, want string
		refused                     bool
	}{
		{"a wrong password", "AUTH", "535 5.7.8 who are you", "who are you", true},
		{"greylisting", "RCPT", "451 4.7.1 come back later", "come back later", false},
		{"the sender is refused", "MAIL", "550 not you", "not you", true},
		{"no STARTTLS", "EHLO", "250 mail.example", "STARTTLS", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newMailServer(t, func(s *mailServer) { s.says[c.command] = c.answer })
			err := mustSender(t, s.channel("a@example.com"), s.roots).send(t.Context(), poolDown())
			var f *failure
			if !errors.As(err, &f) || !strings.Contains(err.Error(), c.want) || f.refused != c.refused {
				t.Errorf("error %v, refused %v; want %q, %v", err, f != nil && f.refused, c.want, c.refused)
			}
		})
	}
}

// A server that wants TLS in another way is left with what to change.
func TestMailTLSMismatch(t *testing.T) {
	clear := func(s *mailServer) { s.plain = true }
	mute := func(s *mailServer) { s.mute = true }
	for _, c := range []struct {
		name   string
		server func(*mailServer)
		tls    TLS
		want   error
	}{
		{"in the clear, STARTTLS wanted", clear, StartTLS, errNoStartTLS},
		{"in the clear, TLS from the first byte wanted", clear, FromOn, errClear},
		{"STARTTLS, TLS from the first byte wanted", nil, FromOn, errClear},
		{"TLS from the first byte, which waits for a client, STARTTLS wanted", mute, StartTLS, errSilent},
		{"the same, in the clear wanted", mute, NoTLS, errSilent},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newMailServer(t, c.server)
			channel := s.channel("ops@example.com")
			channel.TLS = c.tls
			if err := mustSender(t, channel, s.roots).send(t.Context(), poolDown()); err == nil || err.Error() != c.want.Error() {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

// slow is a server that takes longer than an attempt, and then says so.
type slow struct{ error }

func (s slow) send(ctx context.Context, _ *message) error {
	<-ctx.Done()
	return &failure{s.error, false, 0}
}
func (s slow) reach(context.Context) error { return nil }

// That a server says nothing is said rather than that it takes long.
func TestMailServerSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for said, want := range map[error]string{errSilent: errSilent.Error(), io.EOF: "the server takes longer than 20s"} {
			if err := attempt(t.Context(), slow{said}, poolDown()); err == nil || err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
		}
	})
}

// A letter that was taken is sent, whatever becomes of the connection then.
func TestQuitFails(t *testing.T) {
	s := newMailServer(t, func(s *mailServer) { s.says["QUIT"] = "421 4.4.2 too late" })
	if err := mustSender(t, s.channel("a@example.com"), s.roots).send(t.Context(), poolDown()); err != nil {
		t.Error(err)
	}
}

// A server whose certificate nobody knows gets no password.
func TestMailCertificate(t *testing.T) {
	s := newMailServer(t, nil)
	err := mustSender(t, s.channel("a@example.com"), nil).send(t.Context(), poolDown())
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error %v", err)
	}
	if len(s.logins) > 0 {
		t.Error("it got the password")
	}
}

// A line that does not end is no answer, and takes no memory.
func TestAMailServerThatSaysTooMuch(t *testing.T) {
	s := newMailServer(t, func(s *mailServer) { s.plain = true })
	s.says["MAIL"] = "250 " + strings.Repeat("x", 2*maxTalk)
	c := s.channel("a@b.example")
	if err := mustSender(t, c, s.roots).send(t.Context(), poolDown()); err == nil || !strings.Contains(err.Error(), errTalk.Error()) {
		t.Errorf("error %.200v", err)
	}
}
