package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"farmproxy/live"
	"farmproxy/work"
)

// An open page gets events until the server stops; they outlast the limit of an ordinary
// answer, which is none of theirs.
func TestLive(t *testing.T) {
	s := newSite(t, withRemembered(t))
	s.book.Pool("main", "stratum+tcp://pool.example:3333", 0)
	s.book.Pool("backup", "stratum+tls://backup.example:3334", 1)
	w := s.book.Worker("farm.<img src=x onerror=alert(1)>")
	w.Connected(time.Now(), "192.0.2.1:7", "bmminer")
	w.Share(0, time.Now(), work.Accepted, 1)
	req, _ := http.NewRequest("GET", "http://localhost"+livePath, nil)
	resp, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	event := func() (m struct {
		Full bool
		Farm live.Farm
		New  [][]any
	}) {
		t.Helper()
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &m); err != nil {
			t.Fatal(err)
		}
		in.ReadString('\n')
		return m
	}
	first := event()
	if !first.Full || len(first.New) != 1 || first.New[0][1] != w.Name() || first.Farm.WorkersUp != 1 || first.Farm.Ready {
		t.Errorf("%+v", first)
	}
	if pools := first.Farm.Pools; len(pools) != 2 || pools[0].State != Enabled || pools[1].State != "drained" || first.Farm.Off == nil {
		t.Errorf("%+v", first.Farm)
	}
	s.book.Worker("farm.b").Connected(time.Now(), "", "")
	s.feed.Tick(time.Now())
	for {
		if e := event(); len(e.New) > 0 {
			if e.Full || e.New[0][1] != "farm.b" {
				t.Errorf("%+v", e)
			}
			break
		}
	}
	go s.Shutdown(t.Context())
	for err == nil {
		_, err = in.ReadByte()
	}
}

// A page whose token is no longer in the file hears nothing more, also if it was open.
func TestLiveEndsWithItsToken(t *testing.T) {
	open := mustTokens(t, allTokens)
	admin := mustTokens(t, "admin "+adminToken)
	for _, x := range []struct {
		what        string
		token       string
		before, now *Tokens
		goesOn      bool
	}{
		{"it is as before", readToken, open, open, true},
		{"it is revoked", readToken, open, admin, false},
		{"another one is revoked", adminToken, open, admin, true},
		{"there are tokens now", "", nil, open, false},
		{"there are none any more", readToken, open, nil, true},
	} {
		t.Run(x.what, func(t *testing.T) {
			s := newSite(t, func(o *Options) { o.Tokens = x.before })
			req, _ := http.NewRequest("GET", "http://localhost"+livePath, nil)
			req.Header.Set("Authorization", "Bearer "+x.token)
			resp, err := s.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			in := bufio.NewReader(resp.Body)
			if _, err := in.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			s.Configure(Settings{Tokens: x.now})
			for i := 0; i < 10 && err == nil; i++ { // the first may be from before
				s.feed.Tick(time.Now())
				in.ReadString('\n') // the end of the last one
				_, err = in.ReadString('\n')
			}
			if (err == nil) != x.goesOn {
				t.Errorf("the next events: %v", err)
			}
		})
	}
}

// Whoever has many pages open is told why there is not one more, and others still get one.
func TestNobodyHasAllPages(t *testing.T) {
	tokens := mustTokens(t, allTokens)
	s := newSite(t, func(o *Options) { o.Tokens = tokens })
	_, name := tokens.allows(readToken)
	for range live.MaxPages / 2 {
		if _, err := s.openPage(name); err != nil {
			t.Fatal(err)
		}
	}
	f := func(token string, code int, retry, begins string) {
		t.Helper()
		req, _ := http.NewRequest("GET", "http://localhost"+livePath, nil)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := s.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body := make([]byte, len(begins))
		_, _ = io.ReadFull(resp.Body, body)
		if resp.StatusCode != code || resp.Header.Get("Retry-After") != retry || string(body) != begins {
			t.Errorf("%s, Retry-After %q, %s; want %d, %q, %s", resp.Status, resp.Header.Get("Retry-After"), body, code, retry, begins)
		}
	}
	f(readToken, 503, "1", `{"error":"busy: too many pages are open with this token or view link, and others need room; close some`)
	f(adminToken, 200, "", "data: {")
}

// rigs is a farm of so many workers.
type rigs int

func (rigs) Farm() *live.Farm { return new(live.Farm) }

func (n rigs) EachWorker(visit func(*live.Worker)) {
	for i := range int(n) {
		visit(&live.Worker{Name: fmt.Sprint("farm.rig", i)})
	}
}

// A page's events are read in pieces of any size, one after the other, until the feed is
// closed; nothing is made of them on the way. In a bubble, a read that waits for what never
// comes ends the test.
func TestEventsInPieces(t *testing.T) { synctest.Test(t, testEventsInPieces) }

func testEventsInPieces(t *testing.T) {
	feed := live.NewFeed(rigs(100))
	page, _ := feed.Open(time.Now(), "")
	e := &events{page: page, may: func() bool { return true }, closed: func() {}}
	piece, text := make([]byte, 100), make([]byte, 0, 100_000)
	read := func() error {
		n, err := e.Read(piece)
		if err == nil && n == 0 || len(text)+n > cap(text) {
			t.Fatalf("%d bytes were read, and now %d", len(text), n)
		}
		text = append(text, piece[:n]...)
		return err
	}
	next := func() {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
	next()
	if made := testing.AllocsPerRun(10, next); made != 0 {
		t.Errorf("%v allocations for a piece", made)
	}
	for range 2 {
		for !bytes.HasSuffix(text, []byte("\n\n")) {
			next()
		}
		event, ok := strings.CutPrefix(string(text), "data: ")
		if !ok || !json.Valid([]byte(event)) || strings.Contains(strings.TrimSpace(event), "\n") {
			t.Fatalf("an event is %q", text)
		}
		text = text[:0]
		feed.Tick(time.Now())
		next()
	}
	feed.Close()
	err := read()
	for err == nil {
		err = read()
	}
	if err != io.EOF {
		t.Error(err)
	}
}
