package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Client uses the proxy's HTTP, as an operator's script would.
type Client struct {
	base string // http://host:port
}

// At returns a client for the proxy that serves HTTP at addr.
func At(addr string) Client { return Client{"http://" + addr} }

// Bounds of one request.
const (
	restWithin = 30 * time.Second
	restBody   = 256 << 20 // bytes: the metrics of a full link's miners
	restPage   = 1000      // items, the maximum of a page
)

// User is an account, as in /api/v1/users.
type User struct {
	Name     string  `json:"name"`
	Pool     string  `json:"pool"`
	User     string  `json:"user"`
	Accepted int     `json:"accepted"`
	Work     float64 `json:"work"`
	HashRate float64 `json:"hashrate"`
}

// Worker is an item of /api/v1/workers.
type Worker struct {
	Name      string  `json:"name"`
	User      string  `json:"user"`
	Pool      string  `json:"pool"`
	Algorithm string  `json:"algorithm"`
	Accepted  int     `json:"accepted"`
	Work      float64 `json:"work"`
	HashRate  float64 `json:"hashrate"`
}

// Pool is an item of /api/v1/pools.
type Pool struct {
	Pool      string  `json:"pool"`
	Algorithm string  `json:"algorithm"`
	Workers   string  `json:"workers,omitempty"`
	Accepted  int     `json:"accepted,omitempty"`
	Work      float64 `json:"work,omitempty"`
}

// Registration is the body of POST /api/v1/users.
type Registration struct {
	Pool     string `json:"pool"`
	User     string `json:"user"`
	Password string `json:"password"`
}

// Do sends a request, with body as JSON unless nil, and decodes the answer into into
// unless nil. Any status but want is an error.
func (r Client) Do(ctx context.Context, method, path string, want int, body, into any) error {
	text, err := r.text(ctx, method, path, want, body)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

func (r Client) text(ctx context.Context, method, path string, want int, body any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, restWithin)
	defer cancel()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, r.base+path, sent)
	if err != nil {
		return nil, err
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, restBody))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if reply.StatusCode != want {
		return nil, fmt.Errorf("%s %s: %s, want %d: %.200s", method, path, reply.Status, want, text)
	}
	return text, nil
}

// Register returns the name that miners log in with.
func (r Client) Register(ctx context.Context, a Registration) (string, error) {
	var answer struct{ Name, Error string }
	if err := r.Do(ctx, http.MethodPost, "/api/v1/users", http.StatusCreated, a, &answer); err != nil {
		return "", err
	}
	if answer.Name == "" || answer.Error != "" {
		return "", fmt.Errorf("register %s at %s: got name %q, error %q", a.User, a.Pool, answer.Name, answer.Error)
	}
	return answer.Name, nil
}

// User returns the account of that name.
func (r Client) User(ctx context.Context, name string) (u User, err error) {
	err = r.Do(ctx, http.MethodGet, "/api/v1/users/"+url.PathEscape(name), http.StatusOK, nil, &u)
	return u, err
}

// Users returns all accounts.
func (r Client) Users(ctx context.Context) ([]User, error) {
	return pages(ctx, r, "/api/v1/users?", func(p *struct{ Users []User }) []User { return p.Users })
}

// Workers returns all workers of an account.
func (r Client) Workers(ctx context.Context, account string) ([]Worker, error) {
	return pages(ctx, r, "/api/v1/workers?account="+url.QueryEscape(account)+"&", func(p *struct{ Workers []Worker }) []Worker { return p.Workers })
}

// AllWorkers returns all workers, whatever their account.
func (r Client) AllWorkers(ctx context.Context) ([]Worker, error) {
	return pages(ctx, r, "/api/v1/workers?", func(p *struct{ Workers []Worker }) []Worker { return p.Workers })
}

// Pools returns all registered pools.
func (r Client) Pools(ctx context.Context) ([]Pool, error) {
	return pages(ctx, r, "/api/v1/pools?", func(p *struct{ Pools []Pool }) []Pool { return p.Pools })
}

// pages reads all pages of a list.
func pages[P, I any](ctx context.Context, r Client, path string, items func(*P) []I) (all []I, err error) {
	for page := 1; ; page++ {
		var p P
		if err := r.Do(ctx, http.MethodGet, path+"per_page="+strconv.Itoa(restPage)+"&page="+strconv.Itoa(page), http.StatusOK, nil, &p); err != nil {
			return all, err
		}
		some := items(&p)
		all = append(all, some...)
		if len(some) < restPage {
			return all, nil
		}
	}
}

// Series returns the metrics whose names begin with prefix.
func (r Client) Series(ctx context.Context, prefix string) ([]Series, error) {
	text, err := r.text(ctx, http.MethodGet, "/metrics", http.StatusOK, nil)
	if err != nil {
		return nil, err
	}
	return parseSeries(text, prefix)
}
