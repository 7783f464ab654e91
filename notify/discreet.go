package notify

import (
	"context"
	"errors"
	"net/url"
	"strings"
)

// discreet keeps a channel's secrets out of errors: a server may repeat what it was sent.
type discreet struct {
	sender
	secrets []string
}

// shortSecret is the least length of what is looked for: what is shorter is part of words, and
// stands in errors for other reasons.
const shortSecret = 6

// secrets returns what nobody else should read of a channel.
func (c *Channel) secrets() (list []string) {
	if len(c.Secret) >= shortSecret {
		list = append(list, c.Secret)
	}
	if u, err := url.Parse(c.URL); err == nil {
		if path := strings.Trim(u.Path, "/"); len(path) >= shortSecret {
			list = append(list, path)
		}
	}
	return list
}

func (d *discreet) send(ctx context.Context, m *message) error { return d.hide(d.sender.send(ctx, m)) }
func (d *discreet) reach(ctx context.Context) error            { return d.hide(d.sender.reach(ctx)) }

// hide returns an error without the secrets.
func (d *discreet) hide(err error) error {
	if err == nil {
		return nil
	}
	said := err.Error()
	text := said
	for _, secret := range d.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	if text == said {
		return err
	}
	hidden := &failure{error: errors.New(text)}
	if known, ok := errors.AsType[*failure](err); ok {
		hidden.refused, hidden.after = known.refused, known.after
	}
	return hidden
}
