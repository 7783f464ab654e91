package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// Page is an open page: it hears what changes on the farm, as a browser does. Close it.
type Page struct {
	bytes, events atomic.Int64
	close         context.CancelFunc
	ended         chan struct{}
}

// Open opens a page.
func (r Client) Open(ctx context.Context) (*Page, error) {
	ctx, cancel := context.WithCancel(ctx)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"/api/v1/live", nil)
	if err != nil {
		cancel()
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "identity") // what comes is counted as it comes
	answer, err := http.DefaultClient.Do(request)
	if err == nil && answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		err = fmt.Errorf("%s: %s", request.URL.Path, answer.Status)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	p := &Page{close: cancel, ended: make(chan struct{})}
	go p.listen(answer.Body)
	return p, nil
}

// listen counts what comes, until the page is closed by either side.
func (p *Page) listen(body io.ReadCloser) {
	defer close(p.ended)
	defer body.Close()
	piece := make([]byte, 32<<10)
	newline := false // the last byte was one; two end an event
	for {
		n, err := body.Read(piece)
		events := bytes.Count(piece[:n], []byte("\n\n"))
		if n > 0 {
			if newline && piece[0] == '\n' {
				events++
			}
			newline = piece[n-1] == '\n'
		}
		p.bytes.Add(int64(n))
		p.events.Add(int64(events))
		if err != nil {
			return
		}
	}
}

// Bytes returns how many bytes have come so far.
func (p *Page) Bytes() int64 { return p.bytes.Load() }

// Events returns how many events have come as a whole.
func (p *Page) Events() int64 { return p.events.Load() }

// Ended is closed when nothing more will come.
func (p *Page) Ended() <-chan struct{} { return p.ended }

// Close closes the page.
func (p *Page) Close() {
	p.close()
	<-p.ended
}
