package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"farmproxy/wish"
)

// Channel is one way on which alerts and reports reach people. Which keys it needs depends on
// its kind.
type Channel struct {
	Name       string   `toml:"name"`        // unique; default: its kind
	Kind       string   `toml:"kind"`        // one of channelKinds
	Gets       []string `toml:"gets"`        // of channelGets
	URL        Secret   `toml:"url"`         // a Secret because it may have one in it
	Secret     Secret   `toml:"secret"`      // what the server asks for
	SecretFile string   `toml:"secret_file"` // absolute: a file that has it, instead
	Server     string   `toml:"server"`      // of e-mail, host:port
	TLS        string   `toml:"tls"`         // of e-mail: MailStartTLS, MailTLS or MailNoTLS
	User       string   `toml:"user"`        // whose password Secret is
	From       string   `toml:"from"`        // an e-mail address
	To         []string `toml:"to"`          // e-mail addresses, up to maxRecipients
	Chat       string   `toml:"chat"`        // a number, or @name
}

// What Channel.Kind may be.
const (
	ChannelWebhook  = "webhook"
	ChannelEmail    = "email"
	ChannelTelegram = "telegram"
	ChannelSlack    = "slack"
	ChannelNtfy     = "ntfy"
)

// How a mail server is spoken to (Channel.TLS).
const (
	MailStartTLS = "starttls" // in the clear until both agree on TLS
	MailTLS      = "tls"      // from the first byte
	MailNoTLS    = "none"     // in the clear
)

var (
	channelKinds = []string{ChannelWebhook, ChannelEmail, ChannelTelegram, ChannelSlack, ChannelNtfy}
	channelGets  = []string{"page", "ticket", "report"}
)

// channelUses are the keys that a kind needs, and those that it may have, besides name, kind
// and gets. The secret of Slack is its URL.
var channelUses = map[string]struct{ needs, may []string }{
	ChannelWebhook:  {[]string{"url"}, []string{"secret"}},
	ChannelEmail:    {[]string{"server", "from", "to"}, []string{"user", "secret"}},
	ChannelTelegram: {[]string{"secret", "chat"}, []string{"url"}},
	ChannelSlack:    {[]string{"url"}, nil},
	ChannelNtfy:     {[]string{"url"}, []string{"user", "secret"}},
}

// channelExamples are what to write for a key of a kind, or of any kind.
var channelExamples = map[string]string{
	"url":         `url = "https://alerts.example/hook"`,
	"ntfy.url":    `url = "https://ntfy.sh/my-farm-7d1fa02c", with a topic that nobody guesses`,
	"slack.url":   `secret_file = "/etc/farmproxy/slack-url", a file with nothing but the incoming webhook's URL, or url = "https://hooks.slack.com/services/..."`,
	"secret":      `secret_file = "/etc/farmproxy/alerts-secret", a file with nothing but the secret`,
	"server":      `server = "mail.example:587"`,
	"from":        `from = "farm@example.com"`,
	"to":          `to = ["ops@example.com"]`,
	"chat":        `chat = "-1001234567890", the number of a chat that the bot was added to`,
	"secret_file": `"/etc/farmproxy/alerts-secret"`,

	// Telegram needs none: a server of one's own has the same API.
	"telegram.url": `removing the key, or "https://" and the host of a Bot API server of your own`,
}

// example is what to write for a key.
func (c *Channel) example(key string) string {
	if own := channelExamples[c.Kind+"."+key]; own != "" {
		return own
	}
	return channelExamples[key]
}

// defaultChannel is the starting point for each [[alerts.channel]].
func defaultChannel() Channel {
	return Channel{Gets: slices.Clone(channelGets), TLS: MailStartTLS}
}

// channels checks all of them, and when reports are sent.
func (a *Alerts) channels(ps *Problems) {
	if n := len(a.Channels); n > maxChannels {
		ps.add("alerts.channel", "", fmt.Sprintf("expected at most %d channels, found %d", maxChannels, n), "one that hands on to others: a mailing list, a webhook")
	}
	taken := make(map[string]int)
	for i := range a.Channels {
		c, key := &a.Channels[i], fmt.Sprintf("alerts.channel[%d]", i+1)
		c.validate(ps, key)
		plain(ps, key+".name", c.Name)
		if other, is := taken[c.Name]; is && c.Name != "" {
			ps.add(key+".name", show(c.Name), fmt.Sprintf("expected a unique name; alerts.channel[%d] has this one", other), strconv.Quote(fmt.Sprintf("%s-%d", c.Name, i+1)))
		}
		taken[c.Name] = i + 1
	}
	if a.ReportDaily != "" {
		clock(ps, "alerts.report_daily", a.ReportDaily, `"07:00"`)
	}
	if _, _, err := a.WeeklyReport(); err != nil {
		ps.add("alerts.report_weekly", show(a.ReportWeekly), "expected a day and a time of day", `"mon 07:00"`)
	}
}

// DailyReport returns when the daily report is sent; false: there is none.
func (a *Alerts) DailyReport() (at wish.Clock, ok bool) {
	at, err := wish.ParseClock(a.ReportDaily)
	return at, err == nil
}

// WeeklyReport returns when the weekly report is sent; no days: there is none.
func (a *Alerts) WeeklyReport() (day wish.Days, at wish.Clock, err error) {
	if a.ReportWeekly == "" {
		return 0, 0, nil
	}
	name, text, _ := strings.Cut(a.ReportWeekly, " ")
	if at, err = wish.ParseClock(strings.TrimSpace(text)); err != nil {
		return 0, 0, err
	}
	if day, err = wish.ParseDays(name); err == nil && day&(day-1) != 0 {
		err = fmt.Errorf("%q is more than one day", name)
	}
	return day, at, err
}

func (c *Channel) validate(ps *Problems, key string) {
	uses, known := channelUses[c.Kind]
	if !known {
		if c.Kind == "" {
			ps.add(key+".kind", "", "required: where it leads to", `kind = "email", or "webhook", "telegram", "slack" or "ntfy"`)
			return
		}
		oneOf(ps, key+".kind", c.Kind, channelKinds...)
		return
	}
	if len(c.Gets) == 0 {
		ps.add(key+".gets", "[]", "expected what it gets: a channel for nothing has no use", `["page", "ticket", "report"]`)
	}
	for i, g := range c.Gets {
		oneOf(ps, fmt.Sprintf("%s.gets[%d]", key, i+1), g, channelGets...)
	}
	for _, k := range []string{"url", "secret", "server", "from", "to", "chat", "user"} {
		needed := slices.Contains(uses.needs, k)
		switch has := c.has(k); {
		case needed && !has:
			ps.add(key+"."+k, "", "required with kind "+show(c.Kind), c.example(k))
		case has && !needed && !slices.Contains(uses.may, k):
			ps.add(key+"."+c.of(k), "", "not used with kind "+show(c.Kind), "removing the key")
		}
	}
	c.values(ps, key)
}

// has reports whether a key, or the file in its place, is given.
func (c *Channel) has(key string) bool {
	switch key {
	case "url":
		return c.URL != "" || c.Kind == ChannelSlack && c.SecretFile != ""
	case "secret":
		return c.Secret != "" || c.SecretFile != "" && c.Kind != ChannelSlack
	case "server":
		return c.Server != ""
	case "from":
		return c.From != ""
	case "to":
		return len(c.To) > 0
	case "chat":
		return c.Chat != ""
	}
	return c.User != ""
}

// of returns the key that has the value of another.
func (c *Channel) of(key string) string {
	if key == "secret" && c.Secret == "" {
		return "secret_file"
	}
	return key
}

// values checks those that are given.
func (c *Channel) values(ps *Problems, key string) {
	if c.URL != "" {
		parsed, err := c.parsedURL()
		switch {
		case err != nil:
			try := c.example("url")
			if whole, err := url.Parse("https://" + string(c.URL)); err == nil && strings.Contains(whole.Host, ".") {
				try = "the same with https:// before it"
			}
			ps.add(key+".url", "", "expected a URL with https:// or http://", try)
		case c.Kind == ChannelNtfy && strings.Trim(parsed.Path, "/") == "":
			ps.add(key+".url", "", "expected the topic at its end", `"https://ntfy.sh/" and a topic that nobody guesses`)
		}
	}
	switch {
	case c.SecretFile == "":
	case c.Secret != "":
		ps.add(key+".secret_file", show(c.SecretFile), "there is a secret as well", "one of the two")
	case c.Kind == ChannelSlack && c.URL != "":
		ps.add(key+".secret_file", show(c.SecretFile), "there is a url as well: the secret of Slack is its URL", "one of the two")
	case !filepath.IsAbs(c.SecretFile):
		ps.add(key+".secret_file", show(c.SecretFile), "expected an absolute path", c.example("secret_file"))
	}
	if len(c.Secret) > maxSecret || strings.ContainsFunc(string(c.Secret), isControl) {
		ps.add(key+".secret", "", fmt.Sprintf("expected at most %d bytes without control characters", maxSecret), "the secret alone, or secret_file")
	}
	if c.Kind == ChannelTelegram && c.Chat != "" && !chatPattern.MatchString(c.Chat) {
		try := c.example("chat")
		if named := "@" + c.Chat; chatPattern.MatchString(named) {
			try = show(named) + ", or the chat's number"
		}
		ps.add(key+".chat", show(c.Chat), "expected the number of a chat, or @ and the name of a public channel or group", try)
	}
	if c.User != "" && !c.has("secret") && slices.Contains(channelUses[c.Kind].may, "user") {
		ps.add(key+".secret", "", "required with user: the password", c.example("secret"))
	}
	if c.Kind != ChannelEmail {
		return
	}
	oneOf(ps, key+".tls", c.TLS, MailStartTLS, MailTLS, MailNoTLS)
	if host, port, err := net.SplitHostPort(c.Server); c.Server != "" && (err != nil || !validHost(host) || !validPort(port)) {
		ps.add(key+".server", show(c.Server), "expected host:port of a mail server", `"mail.example:587", or port 465 with tls = "tls"`)
	}
	if n := len(c.To); n > maxRecipients {
		ps.add(key+".to", "", fmt.Sprintf("expected at most %d addresses, found %d", maxRecipients, n), "a mailing list")
	}
	address(ps, key+".from", c.From)
	for i, to := range c.To {
		address(ps, fmt.Sprintf("%s.to[%d]", key, i+1), to)
	}
}

// chatPattern is how Telegram names chats: users have a number, groups a negative one, and
// those that are public a name.
var chatPattern = regexp.MustCompile(`^(-?[0-9]{1,19}|@[A-Za-z][A-Za-z0-9_]{3,31})$`)

// parsedURL returns the URL, if it is one of HTTP.
func (c *Channel) parsedURL() (*url.URL, error) {
	u, err := url.Parse(string(c.URL))
	if err == nil && (u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		err = errors.New("not a URL of HTTP")
	}
	return u, err
}

// warnings is about what is shown to whoever stands on the way, and what is said twice.
func (c *Channel) warnings(ps *Problems, key string) {
	for i, g := range c.Gets {
		if slices.Contains(c.Gets[:i], g) {
			ps.add(fmt.Sprintf("%s.gets[%d]", key, i+1), show(g), "it is there already", "removing one; there are "+strings.Join(channelGets, ", "))
		}
	}
	if host, _, err := net.SplitHostPort(c.Server); c.Kind == ChannelEmail && c.TLS == MailNoTLS && c.has("secret") && err == nil && !local(host) {
		ps.add(key+".tls", show(c.TLS), "the letters go in the clear, and the password too if the server asks for it so", fmt.Sprintf("%q; or %q with port 465", MailStartTLS, MailTLS))
	}
	if _, port, err := net.SplitHostPort(c.Server); c.Kind == ChannelEmail && err == nil && port == "465" && c.TLS == MailStartTLS {
		ps.add(key+".tls", show(c.TLS), "on port 465 mail servers wait for TLS from the first byte, and no letter would leave", fmt.Sprintf("%q, or port 587", MailTLS))
	}
	u, err := c.parsedURL()
	if c.URL == "" || err != nil || u.Scheme != "http" || local(u.Hostname()) {
		return
	}
	switch c.Kind {
	case ChannelSlack:
		ps.add(key+".url", "", "the URL is the secret, and goes in the clear: whoever reads it can write to the channel", "https://")
	case ChannelTelegram, ChannelNtfy:
		if c.has("secret") {
			ps.add(key+".url", "", "the secret goes in the clear: whoever reads it can use it", "https://")
		}
	}
}

// local reports whether a host is this machine.
func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// address checks an e-mail address.
func address(ps *Problems, key, text string) {
	if _, err := mail.ParseAddress(text); err != nil && text != "" {
		ps.add(key, show(text), "expected an e-mail address", `"ops@example.com"`)
	}
}
