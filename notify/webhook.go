package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"farmproxy/alert"
)

// webhook posts messages as JSON, signed as standardwebhooks.com says, for which there are
// libraries in every language.
type webhook struct {
	*client
	to  string
	key []byte // nil: it does not sign
}

// secretPrefix begins a key in base64. Any other secret is the key itself.
const secretPrefix = "whsec_"

func newWebhook(c *Channel, agent string, roots *x509.CertPool) (sender, error) {
	to, err := newClient(c, c.URL, agent, roots)
	if err != nil {
		return nil, err
	}
	w := &webhook{client: to, to: c.URL}
	if c.Secret != "" {
		w.key = []byte(c.Secret)
		if text, ok := strings.CutPrefix(c.Secret, secretPrefix); ok {
			if w.key, err = base64.StdEncoding.DecodeString(text); err != nil {
				return nil, errors.New("expected base64 after " + secretPrefix + " in the secret")
			}
		}
	}
	return w, nil
}

// hook is the body of a webhook: docs/channels.md explains it.
type hook struct {
	Version  int            `json:"version"`
	ID       string         `json:"id"`
	Kind     alert.Kind     `json:"kind"`
	Site     string         `json:"site"`
	At       time.Time      `json:"at"` // to the millisecond, as all times of the API
	Severity alert.Severity `json:"severity"`
	Title    string         `json:"title"`
	Text     string         `json:"text"`
	Alerts   []alert.Alert  `json:"alerts"`
}

// hookVersion changes only if a field changes its meaning or is gone.
const hookVersion = 1

func (w *webhook) send(ctx context.Context, m *message) error {
	h := hook{hookVersion, m.ID, m.Kind, m.Site, m.At.UTC().Truncate(time.Millisecond), m.Severity, m.Title, m.Text, m.Alerts}
	if h.Alerts == nil {
		h.Alerts = []alert.Alert{}
	}
	body, err := json.Marshal(&h)
	if err != nil {
		return err
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	headers := []string{"Webhook-Id", m.ID, "Webhook-Timestamp", at}
	if w.key != nil {
		headers = append(headers, "Webhook-Signature", "v1,"+sign(w.key, m.ID, at, body))
	}
	_, err = w.postBytes(ctx, w.to, body, headers...)
	return err
}

// sign returns the signature of a body that is sent at some time.
func sign(key []byte, id, at string, body []byte) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + at + "."))
	h.Write(body)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
