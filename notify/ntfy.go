package notify

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"

	"farmproxy/alert"
)

// ntfy publishes to a topic of an ntfy server.
type ntfy struct {
	*client
	root, topic   string
	authorization string // "": none
}

func newNtfy(c *Channel, agent string, roots *x509.CertPool) (sender, error) {
	to, err := newClient(c, c.URL, agent, roots)
	if err != nil {
		return nil, err
	}
	at := *to.base
	slash := strings.LastIndexByte(at.Path, '/')
	topic := at.Path[slash+1:]
	if topic == "" {
		return nil, errors.New("expected the topic at the end of the URL, for example https://ntfy.sh/my-farm-7d1f")
	}
	at.Path, at.RawPath, at.RawQuery = at.Path[:slash+1], "", ""
	n := &ntfy{client: to, root: at.String(), topic: topic}
	switch {
	case c.User != "":
		n.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(c.User+":"+c.Secret))
	case c.Secret != "":
		n.authorization = "Bearer " + c.Secret
	}
	return n, nil
}

// maxNtfy is how long a text may be, in bytes: the server makes a file of a longer one.
const maxNtfy = 4000

// Priorities of ntfy: the highest rings through "do not disturb".
const (
	ntfyLow     = 2
	ntfyDefault = 3
	ntfyUrgent  = 5
)

func (n *ntfy) send(ctx context.Context, m *message) error {
	priority, tag := ntfyDefault, "warning"
	switch {
	case m.urgent():
		priority, tag = ntfyUrgent, "rotating_light"
	case m.over():
		tag = "white_check_mark"
	case m.Kind == alert.Report:
		priority, tag = ntfyLow, "bar_chart"
	case m.Kind == alert.Test:
		tag = "test_tube"
	}
	var headers []string
	if n.authorization != "" {
		headers = []string{"Authorization", n.authorization}
	}
	_, err := n.post(ctx, n.root, map[string]any{
		"topic": n.topic, "title": m.Title, "message": cutLines(m.Text, maxNtfy), "priority": priority, "tags": []string{tag},
	}, headers...)
	return err
}
