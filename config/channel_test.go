package config

import (
	"strings"
	"testing"
)

// What is wrong with a channel, and what to try.
func TestChannels(t *testing.T) {
	const webhook = "kind = 'webhook'\nurl = 'https://a.example/S3CR3T'\n"
	const email = "kind = 'email'\nserver = 'mail.example:587'\nfrom = 'a@b.example'\nto = ['c@d.example']\n"
	const telegram = "kind = 'telegram'\nchat = '1'\nsecret = 'S3CR3T'\n"
	for _, c := range []struct{ name, channel, want string }{
		{"each kind as it should be: webhook", webhook, ""},
		{"signed", webhook + "secret = 'k'", ""},
		{"email", email, ""},
		{"telegram", "kind = 'telegram'\nchat = '1'\nsecret_file = '/etc/t'", ""},
		{"slack", "kind = 'slack'\nurl = 'https://hooks.example/x'", ""},
		{"slack, from a file", "kind = 'slack'\nsecret_file = '/etc/slack'", ""},
		{"ntfy", "kind = 'ntfy'\nurl = 'https://ntfy.example/topic'\nsecret = 'tk'", ""},

		{"no kind", "url = 'https://a.example'", "alerts.channel[1].kind: required"},
		{"another kind", "kind = 'emial'", `alerts.channel[1].kind = "emial": expected "webhook", "email", "telegram", "slack" or "ntfy"; try "email"`},
		{"what it needs", "kind = 'telegram'\nchat = '1'", `alerts.channel[1].secret: required with kind "telegram"; try secret_file = `},
		{"slack needs its URL", "kind = 'slack'", `alerts.channel[1].url: required with kind "slack"; try secret_file = "/etc/farmproxy/slack-url", a file with nothing but the incoming webhook's URL, or url = `},
		{"ntfy needs its topic", "kind = 'ntfy'", `try url = "https://ntfy.sh/my-farm-7d1fa02c", with a topic that nobody guesses`},
		{"what it does not use", webhook + "to = ['a@b.example']", `alerts.channel[1].to: not used with kind "webhook"; try removing the key`},
		{"a file for nothing", "kind = 'slack'\nurl = 'https://a.example/S3CR3T'\nsecret_file = '/x'", "one of the two"},
		{"two secrets", webhook + "secret = 'S3CR3T'\nsecret_file = '/x'", `alerts.channel[1].secret_file = "/x": there is a secret as well`},
		{"gets nothing", webhook + "gets = []", "alerts.channel[1].gets = []: expected what it gets"},
		{"gets what there is not", webhook + "gets = ['pages']", `alerts.channel[1].gets[1] = "pages": expected "page", "ticket" or "report"; try "page"`},
		{"no URL, and it is not shown", "kind = 'webhook'\nurl = 'a.example/S3CR3T'", "alerts.channel[1].url: expected a URL with https:// or http://; try the same with https:// before it"},
		{"no URL of Slack", "kind = 'slack'\nurl = 'S3CR3T'", `alerts.channel[1].url: expected a URL with https:// or http://; try secret_file = "/etc/farmproxy/slack-url", a file with nothing but the incoming webhook's URL, or url = "https://hooks.slack.com/services/..."`},
		{"a topic for a URL", "kind = 'ntfy'\nurl = 'S3CR3T'", `alerts.channel[1].url: expected a URL with https:// or http://; try url = "https://ntfy.sh/my-farm-7d1fa02c", with a topic that nobody guesses`},
		{"another scheme", "kind = 'ntfy'\nurl = 'ftp://S3CR3T.example/t'", `try url = "https://ntfy.sh/my-farm-7d1fa02c"`},
		{"another server for Telegram", telegram + "url = 'S3CR3T'", `try removing the key, or "https://" and the host of a Bot API server of your own`},
		{"a name that is no chat", strings.Replace(telegram, "'1'", "'foo'", 1), `alerts.channel[1].chat = "foo": expected the number of a chat, or @ and the name of a public channel or group; try chat = "-1001234567890", the number of a chat that the bot was added to`},
		{"a name without @", strings.Replace(telegram, "'1'", "'farm_alerts'", 1), `try "@farm_alerts", or the chat's number`},
		{"a name with a space", strings.Replace(telegram, "'1'", "'@x y'", 1), `alerts.channel[1].chat = "@x y": expected the number of a chat`},
		{"the name of a channel", strings.Replace(telegram, "'1'", "'@farm_alerts'", 1), ""},
		{"the number of a group", strings.Replace(telegram, "'1'", "'-1001234567890'", 1), ""},
		{"a user of ntfy without a password", "kind = 'ntfy'\nurl = 'http://ntfy.example/topic'\nuser = 'u'", "alerts.channel[1].secret: required with user: the password; try secret_file = "},
		{"a user for nothing", webhook + "user = 'u'", `alerts.channel[1].user: not used with kind "webhook"; try removing the key`},
		{"no topic", "kind = 'ntfy'\nurl = 'https://ntfy.example'", "expected the topic at its end"},
		{"a mail server without a port", strings.Replace(email, ":587", "", 1), `alerts.channel[1].server = "mail.example": expected host:port`},
		{"a user without a password", email + "user = 'u'", "alerts.channel[1].secret: required with user"},
		{"no address", strings.Replace(email, "c@d.example", "ops", 1), `alerts.channel[1].to[1] = "ops": expected an e-mail address`},
		{"a relative path", "kind = 'telegram'\nchat = '1'\nsecret_file = 't'", "expected an absolute path"},
		{"a name twice", webhook + "[[alerts.channel]]\n" + webhook, `alerts.channel[2].name = "webhook": expected a unique name; alerts.channel[1] has this one; try "webhook-2"`},
	} {
		_, err := Parse([]byte(smallest + "[[alerts.channel]]\n" + c.channel))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		case err != nil && strings.Contains(err.Error(), "S3CR3T"):
			t.Errorf("%s: shows the secret: %v", c.name, err)
		}
	}
}

func TestReportTimes(t *testing.T) {
	for text, right := range map[string]bool{"mon 07:00": true, "Sunday 18:30": true, "": true, "07:00": false, "mon": false, "mon-tue 07:00": false, "mon 7:00": false} {
		_, err := Parse([]byte(smallest + "[alerts]\nreport_weekly = '" + text + "'\n"))
		if (err == nil) != right {
			t.Errorf("%q: %v", text, err)
		}
	}
	c, err := Parse([]byte(smallest + "[alerts]\nreport_daily = ''\nreport_weekly = 'wed 18:30'\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Alerts.DailyReport(); ok {
		t.Error("there is a daily report")
	}
	if day, at, _ := c.Alerts.WeeklyReport(); day != 1<<3 || at.String() != "18:30" {
		t.Errorf("day %b at %s", day, at)
	}
}
