package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

// An event counts when its end has come, in whatever pieces.
func TestEventsOfAPage(t *testing.T) {
	const text = "data: {}\n\ndata: {\"a\":1}\n\ndata: {"
	for name, in := range map[string]io.Reader{"at once": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text))} {
		p := &Page{ended: make(chan struct{})}
		p.listen(io.NopCloser(in))
		if p.Events() != 2 || p.Bytes() != int64(len(text)) {
			t.Errorf("%s: %d events, %d bytes", name, p.Events(), p.Bytes())
		}
	}
}

// A page that is not there is an error; one that is ends with its connection, or is closed.
func TestOpenAPage(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "identity" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		io.WriteString(w, "data: {}\n\n")
	}))
	p, err := At(strings.TrimPrefix(web.URL, "http://")).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	<-p.Ended()
	p.Close()
	if p.Events() != 1 {
		t.Errorf("%d events", p.Events())
	}
	web.Close()
	if _, err := At(strings.TrimPrefix(web.URL, "http://")).Open(t.Context()); err == nil {
		t.Error("a page was opened where nobody is")
	}
	busy := httptest.NewServer(http.NotFoundHandler())
	defer busy.Close()
	if _, err := At(strings.TrimPrefix(busy.URL, "http://")).Open(t.Context()); err == nil || !strings.Contains(err.Error(), "/api/v1/live: 404") {
		t.Error(err)
	}
}
