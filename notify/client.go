package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"farmproxy/plain"
)

const (
	// maxAnswer is how much of a server's answer is read: a reason is a line.
	maxAnswer = 4 << 10

	// maxHead is how long an answer's headers may be.
	maxHead = 64 << 10

	// maxReason is how much of it an error repeats.
	maxReason = 200

	// idleTime is how long a connection is kept for the next message, which seldom comes
	// soon.
	idleTime = 10 * time.Second
)

// client posts JSON to one server.
type client struct {
	base  *url.URL
	agent string
	http  *http.Client
	secrets
}

// newClient returns a client of the server of a URL, for a channel. It takes the way that
// the environment names for the web (HTTPS_PROXY), as other programs do.
func newClient(c *Channel, text, agent string, roots *x509.CertPool) (*client, error) {
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("expected a URL with https:// or http://") // the URL may be a secret
	}
	return &client{base, agent, &http.Client{
		Transport: &http.Transport{
			Proxy:           http.ProxyFromEnvironment,
			TLSClientConfig: &tls.Config{RootCAs: roots},
			IdleConnTimeout: idleTime,
			MaxIdleConns:    1,

			MaxResponseHeaderBytes: maxHead,
		},
		// A redirect would take the secrets elsewhere, and turns POST into GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, c.secrets()}, nil
}

// post sends v as JSON to a URL with these headers, and returns the answer if the server
// has taken it.
func (c *client) post(ctx context.Context, to string, v any, headers ...string) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return c.postBytes(ctx, to, body, headers...)
}

func (c *client) postBytes(ctx context.Context, to string, body []byte, headers ...string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, bare(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", c.agent)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, bare(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch code := answer.StatusCode; {
	case code/100 == 2 && err != nil:
		return nil, fmt.Errorf("the server's answer is cut off: %w", bare(err))
	case code/100 == 2:
		return text, nil
	case code/100 == 3:
		return nil, &failure{fmt.Errorf("the server sends to another URL (%s): name that one", answer.Status), true, 0}
	default:
		return text, &failure{errors.New(answer.Status + c.saying(text)), refuses(code), retryAfter(answer.Header.Get("Retry-After"))}
	}
}

// refuses reports whether a status is a decision, and not a state that passes.
func refuses(code int) bool {
	return code/100 == 4 && code != http.StatusRequestTimeout && code != http.StatusTooEarly && code != http.StatusTooManyRequests
}

// retryAfter reads the header of that name: seconds, which everybody sends here; 0: it has
// none.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// saying quotes what a server answers, unless it is a page for people.
func (s secrets) saying(answer []byte) string {
	text := strings.ToValidUTF8(strings.TrimSpace(string(answer)), "?")
	if text == "" || text[0] == '<' {
		return ""
	}
	return fmt.Sprintf(": %q", plain.Cut(s.hide(text), maxReason))
}

// reach connects to the server: whatever it answers, it is there.
func (c *client) reach(ctx context.Context) error {
	root := &url.URL{Scheme: c.base.Scheme, Host: c.base.Host, Path: "/"}
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, root.String(), nil)
	if err != nil {
		return bare(err)
	}
	r.Header.Set("User-Agent", c.agent)
	answer, err := c.http.Do(r)
	if err != nil {
		return bare(err)
	}
	return answer.Body.Close()
}

// bare returns an error without the URL, which may have secrets.
func bare(err error) error {
	if of, ok := errors.AsType[*url.Error](err); ok {
		err = of.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("the server did not answer in time")
	}
	return err
}
