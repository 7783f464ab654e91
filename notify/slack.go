package notify

import (
	"context"
	"crypto/x509"
	"strings"
)

// slack posts to an incoming webhook of Slack, or of what understands the same: Mattermost,
// Rocket.Chat.
type slack struct {
	*client
	to string
}

func newSlack(c *Channel, agent string, roots *x509.CertPool) (sender, error) {
	to, err := newClient(c, c.URL, agent, roots)
	if err != nil {
		return nil, err
	}
	return &slack{to, c.URL}, nil
}

// maxSlack is how long a text may be, in bytes; Slack cuts off what is over 40,000
// characters, and nobody reads as many.
const maxSlack = 16 << 10

// A text of Slack's has these three as entities: names that miners choose mention nobody and
// are no links.
var slackEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (s *slack) send(ctx context.Context, m *message) error {
	text := slackEscaper.Replace(cutLines(m.Title+"\n"+m.Text, maxSlack))
	_, err := s.post(ctx, s.to, map[string]any{"text": text, "mrkdwn": false})
	return err
}
