package config

import (
	"strings"
	"testing"
)

func TestBoundsWithoutAPowerOfTwoBetweenThem(t *testing.T) {
	f := func(low, high float64, want string) {
		t.Helper()
		d := Difficulty{Min: low, Max: high}
		got := d.warnings()
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0].String(), want)) {
			t.Errorf("min = %v, max = %v: %v, want %q", low, high, got, want)
		}
	}
	f(1, 0, "")
	f(1000, 0, "")
	f(1000, 1024, "")
	f(1024, 1024, "")
	f(1000, 1020, "difficulty.max = 1020: no power of two lies between difficulty.min, which is 1000, and this: every miner gets 1020 itself, and some firmware rounds that or refuses it; try 1024, or difficulty.min = 512")
	f(1025, 2047, "try 2048, or difficulty.min = 1024")
	f(2000, 1000, "") // refused anyway
}

// Each case is a line of the file and its warning; a warning stops nothing from
// working.
func TestWarnings(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		c, problems := FileOf("", []byte(text)).Check()
		errors, warnings := problems.Split()
		if c == nil || len(errors) > 0 || want == "" && len(warnings) > 0 || want != "" && (len(warnings) != 1 || !strings.Contains(warnings[0].String(), want)) {
			t.Errorf("%s: %v and %v, want %q", text, errors, warnings, want)
		}
		if _, err := Parse([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	f(smallest, "")
	f(smallest+"tls_insecure = false\n", "")
	f(strings.Replace(smallest, "tcp", "tls", 1)+"tls_insecure = true\n", "line 8: warning: pool[1].tls_insecure = true: anyone between farmproxy and the pool can steal the hash rate")
	f(smallest+"[proxies]\nurls = ['https://proxy.example:443']\ntls_insecure = true\n", "warning: proxies.tls_insecure = true: anyone between farmproxy and the proxy")
	f(smallest+"[http]\nhosts = ['farm.example']\n", "")
	f(smallest+"[http]\nhosts = ['farm.example']\ntoken_file = '/t'\n", "warning: http.hosts: has no effect with http.token_file")
	f(smallest+"[difficulty]\nmin = 1000\nmax = 1010\n", "warning: difficulty.max = 1010: no power of two lies between")
	f(smallest+"[difficulty]\nstart = 1000\nmax = 1010\n", "warning: difficulty.start = 1000: no power of two lies between this and difficulty.max, which is 1010: miners start with 512; try 512")
	f(smallest+"[difficulty]\nstart = 1000\nmax = 1024\n", "")
	f(smallest+"[limits]\nexempt = ['10.0.0.0/8', '::1']\n", "")
	f(smallest+"[limits]\nexempt = ['10.0.0.0/8', '0.0.0.0/0']\n", `warning: limits.exempt = "0.0.0.0/0": everybody is in this network`)
	f(smallest+"[limits]\nexempt = ['::/0']\n", `warning: limits.exempt = "::/0": everybody is in this network`)
	f(strings.Replace(smallest, "[[listener]]\n", "[[listener]]\nproxy_protocol = ['0.0.0.0/0']\n", 1), `warning: listener[1].proxy_protocol = "0.0.0.0/0": everybody is in this network`)
	channel := func(text, want string) {
		t.Helper()
		f(smallest+"[[alerts.channel]]\n"+strings.ReplaceAll(text, ", ", "\n"), want)
	}
	const mail = "kind = 'email', from = 'a@b.example', to = ['c@d.example'], user = 'u', secret = 'S3CR3T', "
	channel(mail+"server = 'mail.example:587'", "")
	channel(mail+"server = 'mail.example:465', tls = 'tls'", "")
	channel(mail+"server = 'mail.example:465'", `warning: alerts.channel[1].tls = "starttls": on port 465 mail servers wait for TLS from the first byte, and no letter would leave; try "tls", or port 587`)
	channel(mail+"server = 'mail.example:25', tls = 'none'", `warning: alerts.channel[1].tls = "none": the letters go in the clear, and the password too if the server asks for it so; try "starttls"; or "tls" with port 465`)
	channel(mail+"server = '127.0.0.1:25', tls = 'none'", "")
	channel(mail+"server = 'localhost:25', tls = 'none'", "")
	channel(strings.Replace(mail, "user = 'u', secret = 'S3CR3T', ", "", 1)+"server = 'mail.example:25', tls = 'none'", "")
	channel("kind = 'ntfy', url = 'http://ntfy.example/topic', secret = 'S3CR3T'", "warning: alerts.channel[1].url: the secret goes in the clear: whoever reads it can use it; try https://")
	channel("kind = 'ntfy', url = 'http://ntfy.example/topic'", "")
	channel("kind = 'ntfy', url = 'http://[::1]:8090/topic', secret = 'S3CR3T'", "")
	channel("kind = 'telegram', url = 'http://telegram.example:8081', chat = '1', secret = 'S3CR3T'", "warning: alerts.channel[1].url: the secret goes in the clear")
	channel("kind = 'slack', url = 'http://chat.example/hooks/S3CR3T'", "warning: alerts.channel[1].url: the URL is the secret, and goes in the clear: whoever reads it can write to the channel; try https://")
	channel("kind = 'webhook', url = 'http://alerts.example/', secret = 'S3CR3T'", "") // it signs, and stays here
	channel("kind = 'webhook', url = 'http://alerts.example/', gets = ['report','report']", `warning: alerts.channel[1].gets[2] = "report": it is there already; try removing one; there are page, ticket, report`)
	curtailment := func(text, want string) {
		t.Helper()
		f(smallest+"[[alerts.curtailment]]\n"+text, want)
	}
	curtailment("from = '00:00'\nto = '00:00'", `warning: alerts.curtailment[1].to = "00:00": from 00:00 on, every day: it never ends, and no alert ever speaks of these miners; try hours, such as from = "17:00" and to = "20:00"`)
	curtailment("from = '00:00'\nto = '24:00'\ndays = 'sun-sat'", `warning: alerts.curtailment[1].to = "24:00"`)
	curtailment("from = '17:00'\nto = '17:00'", `warning: alerts.curtailment[1].to = "17:00"`)
	curtailment("from = '00:00'\nto = '24:00'\ndays = 'sat,sun'", "")
	curtailment("from = '17:00'\nto = '16:59'", "")
}

// Anything with a problem gets no warning as well, and a warning is not a problem.
func TestWarningsStandApart(t *testing.T) {
	_, problems := FileOf("", []byte(smallest+"[difficulty]\nmin = 1000\nmax = 1010\nstart = -1\n")).Check()
	if _, warnings := problems.Split(); len(warnings) > 0 {
		t.Errorf("%v", warnings)
	}
	ps := Problems{{Key: "pool[1].tls_insecure", Warning: true}, {Key: "http.hosts", Warning: true}, {Key: "pool[2].url"}, {Key: "log"}}
	f := func(what string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	f("has a key that is warned of", ps.Has("http.hosts"), false)
	f("has a key", ps.Has("pool[2].url"), true)
	f("has a key of a table", ps.Has("log.level"), true)
	f("within a table that is warned of", ps.Within("pool[1]"), false)
	f("within a table", ps.Within("pool[2]"), true)
	f("within a table itself", ps.Within("log"), true)
	f("within another table", ps.Within("pool"), false)
}
