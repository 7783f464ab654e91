package top

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Source is the running farmproxy. Its methods are called at the same time.
type Source interface {
	// Live passes on the events of a page until ctx ends, tell fails, or the connection
	// does; it never returns nil.
	Live(ctx context.Context, tell func(event json.RawMessage) error) error

	// Get returns what a GET of a path of the API answers.
	Get(ctx context.Context, path string) (json.RawMessage, error)
}

const (
	// maxEvent bounds an event: 70,000 workers with names of 256 bytes.
	maxEvent = 32 << 20

	// maxAnswer bounds an answer: 1,000 workers, or a month of steps.
	maxAnswer = 4 << 20

	// silence is how long events may stay away: they come every 2 s.
	silence = 20 * time.Second
)

// remote is a Source behind the REST API.
type remote struct {
	base  *url.URL
	token string
}

// Remote returns the farmproxy whose page is at an address, as http://localhost:8080, or
// localhost:8080. token may be "", where there are no tokens.
func Remote(address, token string) (Source, error) {
	full := address
	if !strings.Contains(address, "://") {
		full = "http://" + address
	}
	u, err := url.Parse(full)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("%q: expected the address of farmproxy's page, as http://localhost:8080", address)
	}
	return &remote{u.JoinPath("/"), token}, nil
}

// request sends a GET, and returns a body that is to be closed.
func (r *remote) request(ctx context.Context, path string) (io.ReadCloser, error) {
	u, err := r.base.Parse(strings.TrimPrefix(path, "/"))
	if err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if r.token != "" {
		q.Header.Set("Authorization", "Bearer "+r.token)
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, fmt.Errorf("%s can't be reached: %w; -url is where farmproxy has its page (http.address)", r.base, reason(err))
	}
	if a.StatusCode == http.StatusOK {
		return a.Body, nil
	}
	defer a.Body.Close()
	if a.StatusCode == http.StatusUnauthorized && r.token == "" {
		return nil, fmt.Errorf("%s wants a token: name a file that has one, with -token-file", r.base)
	}
	var refused struct {
		Error string `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(a.Body, maxAnswer)).Decode(&refused); err != nil || refused.Error == "" {
		return nil, fmt.Errorf("%s answers %s: is it farmproxy's page?", r.base, a.Status)
	}
	return nil, errors.New(refused.Error)
}

// reason is why a request failed, without what was asked and the address, of which there is
// more than enough.
func reason(err error) error {
	if whole := (*url.Error)(nil); errors.As(err, &whole) {
		err = whole.Err
	}
	if whole := (*net.OpError)(nil); errors.As(err, &whole) {
		err = whole.Err
	}
	return err
}

func (r *remote) Get(ctx context.Context, path string) (json.RawMessage, error) {
	body, err := r.request(ctx, path)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(body, maxAnswer))
}

func (r *remote) Live(ctx context.Context, tell func(event json.RawMessage) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(silence, func() { cancel(fmt.Errorf("%s has been silent for %v", r.base, silence)) })
	defer quiet.Stop()
	body, err := r.request(ctx, "/api/v1/live")
	if err != nil {
		return ended(ctx, err)
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		quiet.Reset(silence)
		event, is := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !is {
			continue
		}
		if err := tell(bytes.Clone(event)); err != nil {
			return err
		}
	}
	if err = lines.Err(); err == nil {
		err = fmt.Errorf("%s has ended the stream", r.base)
	}
	return ended(ctx, err)
}

// ended returns why ctx has ended, or else err.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
