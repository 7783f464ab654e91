package top

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A farmproxy elsewhere is asked with the token, below the path that a reverse proxy gave it.
func TestRemote(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer secret":
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"a token is needed"}`)
		case r.RequestURI == "/farm/api/v1/live":
			fmt.Fprint(w, "data: {\"seq\":1}\n\n: a comment\n\ndata: {\"seq\":2}\n\n")
		case r.RequestURI == "/farm/api/v1/workers?search=a%26b":
			fmt.Fprint(w, `{"workers":[]}`)
		default:
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "<h1>bad gateway</h1>")
		}
	}))
	defer web.Close()
	s, err := Remote(web.URL+"/farm/", "secret")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := s.Get(t.Context(), "/api/v1/workers?search=a%26b"); err != nil || string(a) != `{"workers":[]}` {
		t.Errorf("%s, %v", a, err)
	}
	if _, err := s.Get(t.Context(), "/api/v1/nothing"); err == nil || !strings.Contains(err.Error(), "502 Bad Gateway: is it farmproxy's page?") {
		t.Error(err)
	}
	var events []string
	err = s.Live(t.Context(), func(e json.RawMessage) error { events = append(events, string(e)); return nil })
	if fmt.Sprint(events) != `[{"seq":1} {"seq":2}]` || err == nil || !strings.Contains(err.Error(), "has ended the stream") {
		t.Errorf("%s, %v", events, err)
	}
	enough := errors.New("enough")
	if err := s.Live(t.Context(), func(json.RawMessage) error { return enough }); err != enough {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Live(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	web.Close()
	if _, err := s.Get(t.Context(), "/api/v1/status"); err == nil || err.Error() != web.URL+"/farm/ can't be reached: connect: connection refused; -url is where farmproxy has its page (http.address)" {
		t.Error(err)
	}
}

// Who has no token that is known hears what to do about it.
func TestRemoteWithoutAToken(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"a token is needed"}`)
	}))
	defer web.Close()
	s, err := Remote(web.URL, "wrong")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Live(t.Context(), nil); err == nil || err.Error() != "a token is needed" {
		t.Error(err)
	}
	s, _ = Remote(strings.TrimPrefix(web.URL, "http://"), "")
	if err := s.Live(t.Context(), nil); err == nil || !strings.HasSuffix(err.Error(), " wants a token: name a file that has one, with -token-file") {
		t.Error(err)
	}
}

func TestAddressesOfPages(t *testing.T) {
	for _, address := range []string{"", "box:http", "ftp://box", "http://", "https://user:secret@box/", "http://[::1"} {
		if _, err := Remote(address, ""); err == nil || !strings.Contains(err.Error(), "expected the address of farmproxy's page") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
