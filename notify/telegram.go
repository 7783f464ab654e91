package notify

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"farmproxy/plain"
)

// telegram sends as a bot.
type telegram struct {
	*client
	to   string // with the bot's token
	chat string
}

// telegramAPI is Telegram's own server; there are others, which a farm can run.
const telegramAPI = "https://api.telegram.org"

func newTelegram(c *Channel, agent string, roots *x509.CertPool) (sender, error) {
	server := c.URL
	if server == "" {
		server = telegramAPI
	}
	to, err := newClient(c, server, agent, roots)
	if err != nil {
		return nil, err
	}
	return &telegram{to, strings.TrimSuffix(server, "/") + "/bot" + c.Secret + "/sendMessage", c.Chat}, nil
}

// maxTelegram is how long a text may be: 4096 UTF-16 units, which are never more than bytes.
const maxTelegram = 4096

// telegramAnswer is what the API says, in whatever status.
type telegramAnswer struct {
	OK          bool   `json:"ok"`
	Description string `json:"description"`
	Parameters  struct {
		RetryAfter int   `json:"retry_after"`        // seconds
		Moved      int64 `json:"migrate_to_chat_id"` // a group that became a supergroup
	} `json:"parameters"`
}

func (t *telegram) send(ctx context.Context, m *message) error {
	// Without parse_mode a text is just that, whatever a miner calls itself.
	answer, err := t.post(ctx, t.to, map[string]any{
		"chat_id": t.chat, "text": cutLines(m.Title+"\n"+m.Text, maxTelegram),
		"link_preview_options": map[string]bool{"is_disabled": true},
		"disable_notification": !m.urgent() && len(m.Alerts) > 0,
	})
	var a telegramAnswer
	understood := json.Unmarshal(answer, &a) == nil
	var f *failure
	if !errors.As(err, &f) || !understood || a.Description == "" {
		if err == nil && !(understood && a.OK) {
			return errors.New("the server does not answer as the Bot API does: is the URL right?")
		}
		return err
	}
	why := a.Description
	switch {
	case a.Parameters.Moved != 0:
		why += ": the group has another number now, name that one as chat"
	case strings.Contains(why, "chat not found"):
		why += ": is chat right, and has the bot been added to it, or been written to?"
	case strings.Contains(why, "Unauthorized"), strings.Contains(why, "Not Found"):
		why += ": is the bot's token right?"
	}
	return &failure{errors.New(plain.Cut(t.hide(why), 2*maxReason)), f.refused, max(f.after, time.Duration(a.Parameters.RetryAfter)*time.Second)}
}
