package notify

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"farmproxy/alert"
)

// received is a request that a server got.
type received struct {
	path   string
	header http.Header
	body   []byte
}

// serve starts a server that gives one answer to every request, over TLS.
func serve(t *testing.T, code int, answer string, headers ...string) (url string, roots *x509.CertPool, got <-chan received) {
	requests := make(chan received, 10)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- received{r.URL.Path, r.Header, body}
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, answer)
	}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.URL, roots, requests
}

// poolDown is a message as the rules make it. A miner chose the name.
func poolDown() *message {
	at := time.Date(2026, 11, 26, 14, 2, 0, 0, time.UTC)
	return &message{ID: "ID1", Message: alert.Message{
		Kind: alert.Alerts, At: at.Add(123456 * time.Nanosecond), Site: "north", Severity: alert.Page, Title: "[north] Pool <a> is down",
		Text:   "Pool <a> & *b* has been down since 14:02: connection refused\n<!channel>",
		Alerts: []alert.Alert{{Rule: "pool_down", Subject: "<a>", State: alert.Firing, Severity: alert.Page, Since: at, Text: "Pool <a> is down", Do: "farmproxy pools"}},
	}}
}

func mustSender(t *testing.T, c Channel, roots *x509.CertPool) sender {
	t.Helper()
	s, err := newSender(c, "farmproxy/1.0", roots)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// object returns a JSON object, with its values as JSON.
func object(t *testing.T, text []byte) map[string]string {
	t.Helper()
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	m := make(map[string]string)
	for k, v := range raw {
		m[k] = string(v)
	}
	return m
}

// What each service gets, over HTTPS.
func TestWhatIsPosted(t *testing.T) {
	for _, c := range []struct {
		name, path, answer string
		channel            Channel // URL is what comes after the server's
		want               map[string]string
		header             map[string]string
	}{
		{
			"webhook", "/hook", "", Channel{Kind: Webhook, URL: "/hook", Secret: "k"},
			map[string]string{
				"version": `1`, "id": `"ID1"`, "kind": `"alerts"`, "site": `"north"`, "at": `"2026-11-26T14:02:00Z"`, "severity": `"page"`,
				"title":  `"[north] Pool \u003ca\u003e is down"`,
				"text":   `"Pool \u003ca\u003e \u0026 *b* has been down since 14:02: connection refused\n\u003c!channel\u003e"`,
				"alerts": `[{"rule":"pool_down","subject":"\u003ca\u003e","state":"firing","severity":"page","since":"2026-11-26T14:02:00Z","until":null,"text":"Pool \u003ca\u003e is down","do":"farmproxy pools"}]`,
			},
			map[string]string{"Webhook-Id": "ID1", "Content-Type": "application/json", "User-Agent": "farmproxy/1.0"},
		},
		{
			"slack: nobody is mentioned", "/services/T/B/x", "ok", Channel{Kind: Slack, URL: "/services/T/B/x"},
			map[string]string{
				"text":   `"[north] Pool \u0026lt;a\u0026gt; is down\nPool \u0026lt;a\u0026gt; \u0026amp; *b* has been down since 14:02: connection refused\n\u0026lt;!channel\u0026gt;"`,
				"mrkdwn": `false`,
			}, nil,
		},
		{
			"telegram: plain text", "/bot110:AAH/sendMessage", `{"ok":true,"result":{}}`, Channel{Kind: Telegram, Secret: "110:AAH", Chat: "-100"},
			map[string]string{
				"chat_id": `"-100"`, "text": `"[north] Pool \u003ca\u003e is down\nPool \u003ca\u003e \u0026 *b* has been down since 14:02: connection refused\n\u003c!channel\u003e"`,
				"link_preview_options": `{"is_disabled":true}`, "disable_notification": `false`,
			}, nil,
		},
		{
			"ntfy: with a token", "/sub/", `{"id":"x"}`, Channel{Kind: Ntfy, URL: "/sub/farm", Secret: "tk_x"},
			map[string]string{
				"topic": `"farm"`, "title": `"[north] Pool \u003ca\u003e is down"`, "priority": `5`, "tags": `["rotating_light"]`,
				"message": `"Pool \u003ca\u003e \u0026 *b* has been down since 14:02: connection refused\n\u003c!channel\u003e"`,
			}, map[string]string{"Authorization": "Bearer tk_x"},
		},
		{
			"ntfy: with a password", "/", `{}`, Channel{Kind: Ntfy, URL: "/farm", User: "u", Secret: "p"},
			nil, map[string]string{"Authorization": "Basic dTpw"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, roots, got := serve(t, 200, c.answer)
			c.channel.URL = url + c.channel.URL
			if err := mustSender(t, c.channel, roots).send(t.Context(), poolDown()); err != nil {
				t.Fatal(err)
			}
			r := <-got
			if r.path != c.path {
				t.Errorf("POST %s, want %s", r.path, c.path)
			}
			body := object(t, r.body)
			for k, want := range c.want {
				if body[k] != want {
					t.Errorf("%s: %s\nwant %s", k, body[k], want)
				}
				delete(body, k)
			}
			if c.want != nil && len(body) > 0 {
				t.Errorf("besides: %v", body)
			}
			for k, want := range c.header {
				if r.header.Get(k) != want {
					t.Errorf("%s: %q, want %q", k, r.header.Get(k), want)
				}
			}
		})
	}
}

// A receiver can check with any library for Standard Webhooks. This is the example of its
// specification.
func TestSignature(t *testing.T) {
	s, err := newWebhook(&Channel{URL: "https://x.example", Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	got := sign(s.(*webhook).key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

// What is posted is what is signed.
func TestWebhookIsSigned(t *testing.T) {
	url, roots, got := serve(t, 204, "")
	if err := mustSender(t, Channel{Kind: Webhook, URL: url, Secret: "plain"}, roots).send(t.Context(), poolDown()); err != nil {
		t.Fatal(err)
	}
	r := <-got
	want := "v1," + sign([]byte("plain"), r.header.Get("Webhook-Id"), r.header.Get("Webhook-Timestamp"), r.body)
	if have := r.header.Get("Webhook-Signature"); have != want {
		t.Errorf("signature %s, want %s", have, want)
	}
}

// A server that says no, or not now.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name    string
		kind    Kind
		code    int
		answer  string
		headers []string
		want    string
		refused bool
		after   time.Duration
	}{
		{"a refusal is one", Webhook, 403, "", nil, "403 Forbidden", true, 0},
		{"its reason is repeated", Slack, 404, "no_service\n", nil, `404 Not Found: "no_service"`, true, 0},
		{"a page is not", Webhook, 502, "<html>", nil, "502 Bad Gateway", false, 0},
		{"too many requests pass", Webhook, 429, "", []string{"Retry-After", "7"}, "429 Too Many Requests", false, 7 * time.Second},
		{"a redirect leads elsewhere", Webhook, 302, "", []string{"Location", "https://elsewhere.example"}, "another URL", true, 0},
		{"telegram: the wait is in the body", Telegram, 429, `{"ok":false,"description":"Too Many Requests: retry after 31","parameters":{"retry_after":31}}`, nil, "retry after 31", false, 31 * time.Second},
		{"telegram: which chat", Telegram, 400, `{"ok":false,"description":"Bad Request: chat not found"}`, nil, "is chat right, and has the bot been added", true, 0},
		{"telegram: which token", Telegram, 401, `{"ok":false,"description":"Unauthorized"}`, nil, "is the bot's token right?", true, 0},
		{"telegram: the group moved", Telegram, 400, `{"ok":false,"description":"Bad Request: group chat was upgraded","parameters":{"migrate_to_chat_id":-100}}`, nil, "another number", true, 0},
		{"telegram: not its API", Telegram, 200, `<html>`, nil, "is the URL right?", false, 0},
		{"telegram: nothing is sent with ok false", Telegram, 200, `{"ok":false,"description":"no"}`, nil, "does not answer as the Bot API", false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, roots, _ := serve(t, c.code, c.answer, c.headers...)
			err := mustSender(t, Channel{Kind: c.kind, URL: url, Secret: "s"}, roots).send(t.Context(), poolDown())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			var f *failure
			errors.As(err, &f)
			if refused := f != nil && f.refused; refused != c.refused {
				t.Errorf("refused: %v, want %v", refused, c.refused)
			}
			if f != nil && f.after != c.after {
				t.Errorf("ask again after %v, want %v", f.after, c.after)
			}
		})
	}
}

// Whatever fails, no error has a secret: URLs and tokens are some.
func TestErrorsHaveNoSecrets(t *testing.T) {
	const secret = "S3CR3T"
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []Channel{
		{Kind: Webhook, URL: gone.URL + "/" + secret, Secret: secret},
		{Kind: Slack, URL: gone.URL + "/" + secret},
		{Kind: Telegram, URL: gone.URL, Secret: secret, Chat: "1"},
		{Kind: Ntfy, URL: gone.URL + "/" + secret, Secret: secret},
		{Kind: Email, Server: strings.TrimPrefix(gone.URL, "http://"), TLS: NoTLS, User: "u", Secret: secret, From: "a@b.example", To: []string{"c@d.example"}},
		{Kind: Webhook, URL: "https://u:" + secret + "@ x"},
		{Kind: Webhook, URL: gone.URL, Secret: "whsec_" + secret},
	} {
		s, err := newSender(c, "", nil)
		if err == nil {
			err = errors.Join(s.send(t.Context(), poolDown()), s.reach(t.Context()))
		}
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: error %v", c.Kind, err)
		}
	}
}

// A server that repeats what it was sent tells nobody else, and its no is still one.
func TestAServerThatRepeatsSecrets(t *testing.T) {
	const secret = "T0KEN-of-the-channel"
	url, roots, _ := serve(t, 403, "no "+secret+" at /services/"+secret)
	err := mustSender(t, Channel{Kind: Slack, URL: url + "/services/" + secret, Secret: secret}, roots).send(t.Context(), poolDown())
	known, ok := errors.AsType[*failure](err)
	if !ok || !known.refused || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "no ***") {
		t.Errorf("error %v", err)
	}
}

// A secret is one in whatever form it is sent, and wherever an error is cut.
func TestServersThatRepeatOtherForms(t *testing.T) {
	const secret = `T0"KEN%of`
	for at, repeated := range []string{
		"/hook?key=T0%22KEN%25of", "Basic " + base64.StdEncoding.EncodeToString([]byte("farm:"+secret)), secret,
		strings.Repeat(".", maxReason-6) + secret, // an error has the beginning of it
	} {
		address, roots, _ := serve(t, 403, repeated)
		to := strings.Replace(address, "://", "://farm:"+url.QueryEscape(secret)+"@", 1) + "/hook?key=" + url.QueryEscape(secret)
		for _, c := range []Channel{{Kind: Webhook, URL: to}, {Kind: Ntfy, URL: address + "/farm", User: "farm", Secret: secret}} {
			err := mustSender(t, c, roots).send(t.Context(), poolDown())
			if c.Kind == Ntfy && at == 0 {
				continue // none of its own
			}
			if err == nil || strings.Contains(err.Error(), "T0") || strings.Contains(err.Error(), "ZmFybT") {
				t.Errorf("%s, %d: error %v", c.Kind, at, err)
			}
		}
	}
}

// A server may answer as much as it likes: little of it is read.
func TestAServerThatSaysTooMuch(t *testing.T) {
	url, roots, _ := serve(t, 403, strings.Repeat("x", 16<<20))
	if err := mustSender(t, Channel{Kind: Slack, URL: url}, roots).send(t.Context(), poolDown()); err == nil || len(err.Error()) > 2*maxReason {
		t.Errorf("error %v", err)
	}
	url, roots, _ = serve(t, 200, "", "X", strings.Repeat("x", 2*maxHead))
	if err := mustSender(t, Channel{Kind: Slack, URL: url}, roots).send(t.Context(), poolDown()); err == nil {
		t.Error("long headers were read")
	}
}

// A server can be reached whatever it answers.
func TestReach(t *testing.T) {
	url, roots, _ := serve(t, 404, "")
	if err := mustSender(t, Channel{Kind: Slack, URL: url + "/services/x"}, roots).reach(t.Context()); err != nil {
		t.Error(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := mustSender(t, Channel{Kind: Slack, URL: url}, roots).reach(over); err == nil {
		t.Error("reached after the end")
	}
}

func TestCutLines(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"short", 5, "short"},
		{"longer", 5, "lo…"},
		{"äöü", 5, "ä…"},
		{"a\nb\nc", 5, "a\nb\nc"},
		{"aa\nbb\ncc", 7, "aa\n…"},
		{"aaaaaaaa", 7, "aaaa…"},
	} {
		if got := cutLines(c.text, c.most); got != c.want || len(got) > c.most {
			t.Errorf("%q in %d bytes: %q, want %q", c.text, c.most, got, c.want)
		}
	}
}
