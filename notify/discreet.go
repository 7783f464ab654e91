package notify

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// secrets are what nobody else should read of a channel, the longest first: a server may
// repeat what it was sent.
type secrets []string

// shortSecret is the least length of what is looked for: what is shorter is part of words, and
// stands in errors for other reasons.
const shortSecret = 6

// secrets returns those of a channel, in all forms in which they are sent.
func (c *Channel) secrets() (list secrets) {
	list = append(list, c.Secret)
	if c.Secret != "" {
		for _, login := range []string{c.Secret, c.User + ":" + c.Secret, "\x00" + c.User + "\x00" + c.Secret} {
			list = append(list, base64.StdEncoding.EncodeToString([]byte(login)))
		}
	}
	if u, err := url.Parse(c.URL); err == nil {
		list = append(list, strings.Trim(u.Path, "/"), strings.Trim(u.EscapedPath(), "/"), u.RawQuery)
		for _, values := range u.Query() {
			list = append(list, values...)
		}
		if password, has := u.User.Password(); has {
			list = append(list, password, base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
		}
	}
	list = slices.DeleteFunc(list, func(secret string) bool { return len(secret) < shortSecret })
	slices.SortFunc(list, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return list
}

// hide returns a text without them. It comes before a text is cut, since half a secret is
// not found.
func (s secrets) hide(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}

// discreet keeps secrets out of errors, whatever they are from.
type discreet struct {
	sender
	secrets
}

func (d *discreet) send(ctx context.Context, m *message) error { return d.tell(d.sender.send(ctx, m)) }
func (d *discreet) reach(ctx context.Context) error            { return d.tell(d.sender.reach(ctx)) }

// tell returns an error without the secrets.
func (d *discreet) tell(err error) error {
	if err == nil {
		return nil
	}
	text := d.hide(err.Error())
	if text == err.Error() {
		return err
	}
	hidden := &failure{error: errors.New(text)}
	if known, ok := errors.AsType[*failure](err); ok {
		hidden.refused, hidden.after = known.refused, known.after
	}
	return hidden
}
