package proxy

import (
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"strings"
	"time"
	"unicode"

	"farmproxy/config"
	"farmproxy/notify"
	"farmproxy/report"
	"farmproxy/textfile"
)

// maxSecretFile is room for a secret and the end of its line, in bytes.
const maxSecretFile = 1 << 10

// notifySettingsOf say who is told. It reads the files of secrets. A channel that is of no use
// keeps nobody from mining.
func notifySettingsOf(a *config.Alerts) notifySettings {
	s := notifySettings{site: siteOf(a), reports: reportTimes(a)}
	for i := range a.Channels {
		c, err := channelOf(&a.Channels[i])
		if err != nil {
			c.Trouble = err.Error()
		}
		s.channels = append(s.channels, c)
	}
	return s
}

// siteOf is what messages call this box; "": it has no name.
func siteOf(a *config.Alerts) string {
	if a.Site != "" {
		return a.Site
	}
	name, _ := os.Hostname()
	return name
}

func reportTimes(a *config.Alerts) report.Times {
	t := report.Times{Zone: a.Location(), Has: make(map[report.Kind]bool)}
	t.Daily, t.Has[report.Daily] = a.DailyReport()
	days, at, _ := a.WeeklyReport() // config has checked it
	if days != 0 {
		t.Weekly, t.Has[report.Weekly], t.On = at, true, time.Weekday(bits.TrailingZeros8(uint8(days)))
	}
	return t
}

// channelOf is a channel with its secret. The error begins with the key.
func channelOf(c *config.Channel) (notify.Channel, error) {
	n := notify.Channel{
		Name: c.Name, Kind: notify.Kind(c.Kind), Gets: c.Gets, URL: string(c.URL), Secret: string(c.Secret), User: c.User,
		Server: c.Server, TLS: notify.TLS(c.TLS), From: c.From, To: c.To, Chat: c.Chat,
	}
	if c.SecretFile != "" {
		text, err := textfile.Read(c.SecretFile, maxSecretFile, true)
		if errors.Is(err, fs.ErrNotExist) {
			return n, fmt.Errorf("secret_file = %q: there is no such file: write the secret into it, and let the user that farmproxy runs as read it", c.SecretFile)
		}
		if err != nil {
			return n, fmt.Errorf("secret_file = %q: %w", c.SecretFile, err)
		}
		text = strings.TrimSpace(text)
		switch {
		case text == "":
			return n, fmt.Errorf("secret_file = %q: the file is empty: write the secret into it, and nothing else", c.SecretFile)
		case strings.ContainsFunc(text, unicode.IsControl):
			return n, fmt.Errorf("secret_file = %q: the file has several lines, or control characters: the secret alone belongs into it", c.SecretFile)
		}
		if c.Kind == config.ChannelSlack {
			n.URL = text
		} else {
			n.Secret = text
		}
	}
	if err := notify.Check(n); err != nil {
		return n, fmt.Errorf("kind = %q: %w", c.Kind, err)
	}
	return n, nil
}
