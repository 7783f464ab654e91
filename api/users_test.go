package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"farmproxy/stats"
	"farmproxy/store"
	"farmproxy/work"
)

// Registration as the account proxy's clients know it, and their mistakes.
func TestRegister(t *testing.T) {
	s := newFarm(t)
	names := map[string]string{} // of accounts, by pool and user
	f := func(what, method, body, account string) {
		t.Helper()
		resp, answer := s.send(t, method, "/api/v1/users", body)
		var got registered
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 201 || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %s, %s: %s", what, resp.Status, resp.Header.Get("Content-Type"), answer)
		}
		if !regexp.MustCompile(`^\{"name":"[0-9a-f]{16}","error":""\}\n$`).MatchString(answer) {
			t.Errorf("%s: %s", what, answer)
		}
		for other, name := range names {
			if (name == got.Name) != (other == account) {
				t.Errorf("%s: %s and %s have the names %s and %s", what, account, other, got.Name, name)
			}
		}
		names[account] = got.Name
	}
	f("a new user", "POST", `{"pool":"a.example:3333","user":"alice","password":"1"}`, "a alice")
	f("again", "POST", `{"pool":"a.example:3333","user":"alice","password":"1"}`, "a alice")
	f("with PUT", "PUT", `{"pool":"a.example:3333","user":"alice","password":"1"}`, "a alice")
	f("another password", "POST", `{"pool":"a.example:3333","user":"alice","password":"2"}`, "a alice")
	f("another letter case", "POST", `{"pool":"a.example:3333","user":"Alice","password":"1"}`, "a Alice")
	f("another pool", "POST", `{"pool":"b.example:3333","user":"alice","password":"1"}`, "b alice")
	f("no password", "POST", `{"pool":"b.example:3333","user":"bob"}`, "b bob")
	f("unknown fields", "POST", `{"pool":"b.example:3333","user":"bob","password":"","colour":["red"]}`, "b bob")
	f("space around it", "POST", " \n{\"pool\":\"b.example:3333\",\"user\":\"bob\"}\r\n", "b bob")
	f("escapes", "POST", `{"pool":"b.example:3333","user":"\u00fcser \"x\""}`, `b üser "x"`)

	account := s.registry.Snapshot().Account(names["a alice"])
	if got := account.Password.Reveal(); got != "2" {
		t.Errorf("the password that is kept: %q, want the last one", got)
	}
}

func TestRegisterRefuses(t *testing.T) {
	s := newFarm(t)
	const want = `want {"pool": a string, "user": a string, "password": a string}`
	f := func(body string, code int, text string) {
		t.Helper()
		for _, method := range []string{"POST", "PUT"} {
			resp, answer := s.send(t, method, "/api/v1/users", body)
			var got registered
			if err := json.Unmarshal([]byte(answer), &got); err != nil {
				t.Errorf("%s: %v in %s", body, err, answer)
				continue
			}
			if resp.StatusCode != code || got.Name != "" || got.Error != text {
				t.Errorf("%.80s: %d, name %q, %s\nwant %d, %s", body, resp.StatusCode, got.Name, got.Error, code, text)
			}
		}
	}
	f(`{"pool":"unknown.example:3333","user":"u"}`, 422, "pool unknown.example:3333 is not known: add it with its algorithm first, or look up the right address in the list of pools")
	f(`{"pool":"a.example","user":"u"}`, 400, `pool "a.example": expected host:port, such as "pool.example.com:3333"`)
	f(`{"pool":"stratum+tcp://a.example:3333","user":"u"}`, 400, `pool "stratum+tcp://a.example:3333": expected host:port without a scheme, such as "pool.example.com:3333"`)
	f(`{"pool":"","user":"u"}`, 400, `pool "": expected host:port, such as "pool.example.com:3333"`)
	f(`{"pool":"a.example:3333","user":""}`, 400, "user is empty: expected the account or wallet address at the pool")
	f(`{"pool":"a.example:3333"}`, 400, "user is empty: expected the account or wallet address at the pool")
	f(`{"pool":"a.example:3333","user":"a\nb"}`, 400, `user "a\nb": expected text without control characters`)
	f(`{"pool":"a.example:3333","user":"`+strings.Repeat("u", 256)+`"}`, 400, "user has 256 bytes: expected at most 255")
	f(`{"pool":"a.example:3333","user":"u","password":"`+strings.Repeat("hunter2", 40)+`"}`, 400, "password has 280 bytes: expected at most 255")
	f(`{"pool":3333,"user":"u"}`, 400, `"pool": want a string, got number`)
	f(`{"pool":"a.example:3333","user":["u"]}`, 400, `"user": want a string, got array`)
	f(`{"pool":"a.example:3333","user":"u","password":31337}`, 400, `"password": want a string, got number`)
	f(`{"pool":"a.example:3333","user":"u","password":"hunter2`, 400, "the body is not JSON, or cut off: "+want)
	f(`{"pool":"a.example:3333","user":"u"}x`, 400, "there is something behind the JSON object: "+want+" and nothing else")
	f(`{"pool":"a.example:3333","user":"u"}{}`, 400, "there is something behind the JSON object: "+want+" and nothing else")
	f(``, 400, "the body is empty: "+want)
	f(`null`, 400, "the body is not a JSON object: "+want)
	f(`["a.example:3333","u"]`, 400, "the body is not a JSON object: "+want)
	f("{\"pool\":\"a.example:3333\",\"user\":\"\xff\"}", 400, "the body is not UTF-8: "+want)
	f(strings.Repeat(`{"pool":`, 1000), 400, "the body is not JSON, or cut off: "+want)
	f(strings.Repeat(" ", maxBody+1), 413, "the request's body is over 8192 bytes: nothing here needs that many")
	if n := s.registry.Snapshot().NumAccounts(); n != 0 {
		t.Errorf("%d accounts were written", n)
	}

	s.Server.options.Registry = nil
	f(`{"pool":"a.example:3333","user":"u"}`, 404, `there is no store of accounts, pools and algorithms: set [store] url = "sqlite:///var/lib/farmproxy/farmproxy.db" in the configuration and restart farmproxy`)
}

// The longest user and password, with every character escaped, fit.
func TestTheLongestRegistrationFits(t *testing.T) {
	s := newFarm(t)
	long := strings.Repeat(`\u0041`, 255)
	s.register(t, fmt.Sprintf(`{"pool":"a.example:3333","user":"%s","password":"%s","comment":"%s"}`, long, long, long))
}

// A client that sends megabytes must see why it was refused, rather than a reset
// connection.
func TestFarTooLargeABodyIsAnswered(t *testing.T) {
	c, err := net.Dial("tcp", serveTCP(t, Options{Book: stats.New(stats.Options{})}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const size = 2 << 20
	body := strings.Repeat("x", size)
	if _, err := fmt.Fprintf(c, "POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, body); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 413 ") || !strings.Contains(string(answer), `{"name":"","error":"the request's body is over`) {
		t.Errorf("%v: %s", err, answer)
	}
}

func TestRegistrationsAreLimited(t *testing.T) {
	registry := newRegistry(t)
	s := newSite(t, func(o *Options) { o.Registry = registry; o.RegistrationsPerMinute = 2 })
	now := noon
	s.registrations.now = func() time.Time { return now }
	f := func(after time.Duration, code int, retry, part string) {
		t.Helper()
		now = now.Add(after)
		resp, body := s.send(t, "POST", "/api/v1/users", `{"pool":"a.example:3333","user":"u"}`)
		if resp.StatusCode != code || resp.Header.Get("Retry-After") != retry || !strings.Contains(body, part) {
			t.Errorf("%d, Retry-After %q, %s; want %d, %q, %s", resp.StatusCode, resp.Header.Get("Retry-After"), body, code, retry, part)
		}
	}
	f(0, 201, "", `"error":""`)
	f(0, 201, "", `"error":""`)
	f(0, 429, "30", `{"name":"","error":"too many registrations from your address: try again in 30 s, or raise http.registrations_per_minute, which is 2"}`)
	f(29*time.Second, 429, "1", "try again in 1 s")
	f(time.Second, 201, "", `"error":""`)
	if resp, _ := s.ask(t, "GET", "/api/v1/users"); resp.StatusCode != 200 {
		t.Errorf("a GET is limited as well: %s", resp.Status)
	}
}

func TestAwayDatabase(t *testing.T) {
	away := closedRegistry(t)
	s := newSite(t, func(o *Options) { o.Registry = away })
	resp, body := s.send(t, "POST", "/api/v1/users", `{"pool":"a.example:3333","user":"u"}`)
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "5" || body != `{"name":"","error":"the database is unavailable: nothing is lost by trying again; the log says why"}`+"\n" {
		t.Errorf("%s, Retry-After %q, %s", resp.Status, resp.Header.Get("Retry-After"), body)
	}
	s.book.SetReady(nil)
	s.book.SetNeedsLink(false)
	s.book.SetStore(func() (int, error) { return 0, &store.Unavailable{Since: noon, Err: io.EOF} })
	resp, body = s.ask(t, "GET", "/readyz")
	if want := `{"ready":true,"error":"","store":"the database has been unavailable since 2026-01-02T12:00:00Z: known accounts keep working, but you cannot register; the log says why"}` + "\n"; resp.StatusCode != 200 || body != want {
		t.Errorf("/readyz: %s, %s\nwant %s", resp.Status, body, want)
	}
}

var timeText = regexp.MustCompile(`"20\d\d-\d\d-\d\dT[0-9:.]+Z"`)

func TestUserAnswers(t *testing.T) {
	s := newFarm(t)
	name := s.register(t, `{"pool":"a.example:3333","user":"alice","password":"hunter2"}`)
	w := s.book.Worker(name + ".rig1")
	w.Connected(noon, "192.0.2.1:4711", "")
	w.Mining(name, "a.example:3333", "scrypt")
	w.Share(0, noon, work.Accepted, 0.5)
	w.Share(0, noon, work.Stale, 0.5)
	want := fmt.Sprintf(`{"name":%q,"pool":"a.example:3333","algorithm":"scrypt","user":"alice","created":TIME,"last_seen":TIME,"goals":[],"miners":1,"hashrate":0,"accepted":1,"rejected":{"stale":1},"work":0.5}`, name)
	f := func(path, want string) {
		t.Helper()
		_, body := s.ask(t, "GET", path)
		if got := strings.TrimSpace(timeText.ReplaceAllString(body, "TIME")); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", path, got, want)
		}
	}
	f("/api/v1/users/"+name, want)
	f("/api/v1/users", `{"total":1,"page":1,"per_page":100,"users":[`+want+`]}`)

	s.want(t, "GET", "/api/v1/users/nobody", "", 404, `{"error":"account \"nobody\" is not known: register it, or see the list of accounts"}`)
	s.want(t, "DELETE", "/api/v1/users/"+name, "", 204, "")
	s.want(t, "DELETE", "/api/v1/users/"+name, "", 404, `{"error":"account \"`+name+`\" is not known: register it, or see the list of accounts"}`)
	s.want(t, "GET", "/api/v1/users", "", 200, `{"total":0,"page":1,"per_page":100,"users":[]}`)
}

// Goals are shown as they were set, without passwords, and may be set again as they are
// shown.
func TestGoalsOfAUser(t *testing.T) {
	s := newFarm(t)
	if err := s.registry.AddPool(t.Context(), store.Pool{Address: "c.example:3333", Algorithm: "scrypt"}); err != nil {
		t.Fatal(err)
	}
	name := s.register(t, `{"pool":"a.example:3333","user":"alice","password":"hunter2"}`)
	path := "/api/v1/users/" + name
	f := func(body string, code int, want string) {
		t.Helper()
		resp, answer := s.send(t, "PUT", path, body)
		_, shown := s.ask(t, "GET", path)
		if code == 200 {
			if answer != shown {
				t.Errorf("%s: answered %s, and then shown %s", body, answer, shown)
			}
			answer = answer[strings.Index(answer, `"goals":`):strings.Index(answer, `,"miners"`)]
			answer = "{" + answer + "}"
		}
		if resp.StatusCode != code || strings.TrimSpace(answer) != want {
			t.Errorf("%s:\ngot  %d %s\nwant %d %s", body, resp.StatusCode, answer, code, want)
		}
	}
	const two = `{"goals":[{"name":"main","weight":70,"pools":[{"pool":"a.example:3333"},{"pool":"c.example:3333","user":"bob"}]},{"name":"second","weight":30,"pools":[{"pool":"c.example:3333"}]}]}`
	f(strings.Replace(two, `"user":"bob"`, `"user":"bob","password":"hunter3"`, 1), 200, two)
	f(two, 200, two)
	if p := s.registry.Snapshot().Account(name).Goals[0].Pools[1]; p.Password.Reveal() != "hunter3" {
		t.Errorf("the password that is kept: %q", p.Password.Reveal())
	}
	f(`{"goals":[]}`, 200, `{"goals":[]}`)
	f(two, 200, two)
	if p := s.registry.Snapshot().Account(name).Goals[0].Pools[1]; p.Password.Reveal() != "" {
		t.Errorf("a password of goals that are gone: %q", p.Password.Reveal())
	}
	f(`{}`, 400, `{"error":"goals: required, such as [{\"name\": \"main\", \"weight\": 70, \"pools\": [{\"pool\": \"pool.example:3333\"}]}, ...]; [] gives all work to the account's own pool again"}`)
	f(`{"goals":{}}`, 400, `{"error":"\"goals\": want a list, got object"}`)
	f(strings.Replace(two, "weight", "hr_weight", 1), 400, `{"error":"\"hr_weight\": no such field; want {\"goals\": a list}"}`)
	f(strings.Replace(two, "a.example:3333", "b.example:3333", 1), 400, `{"error":"pool b.example:3333 has the algorithm sha256d, and the account's own pool a.example:3333 has scrypt: expected one algorithm, since any miner may work at any of them"}`)
	f(strings.Replace(two, "a.example", "d.example", 1), 422, `{"error":"pool d.example:3333 is not known: add it with its algorithm first, or look up the right address in the list of pools"}`)
	s.want(t, "DELETE", "/api/v1/pools/c.example:3333", "", 409, `{"error":"pool c.example:3333 is in the goals of 1 accounts: change their goals first"}`)
	s.want(t, "DELETE", "/api/v1/pools/c.example:3333?with_accounts=true", "", 409, `{"error":"pool c.example:3333 is in the goals of 1 accounts: change their goals first"}`)
	path = "/api/v1/users/nobody"
	f(two, 404, `{"error":"account \"nobody\" is not known: register it, or see the list of accounts"}`)
}

func TestUserPages(t *testing.T) {
	s := newFarm(t)
	for _, user := range []string{"alice", "bob", "carol"} {
		for _, pool := range []string{"a", "b"} {
			s.register(t, fmt.Sprintf(`{"pool":"%s.example:3333","user":%q}`, pool, user))
		}
	}
	f := func(query string, items, total, page, perPage int) {
		t.Helper()
		resp, body := s.ask(t, "GET", "/api/v1/users?"+query)
		var a usersAnswer
		if err := json.Unmarshal([]byte(body), &a); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: %s %v %s", query, resp.Status, err, body)
		}
		if len(a.Users) != items || a.paging != (paging{total, page, perPage}) {
			t.Errorf("%s: %d of %+v, want %d of %d, page %d of %d each", query, len(a.Users), a.paging, items, total, page, perPage)
		}
	}
	f("", 6, 6, 1, 100)
	f("per_page=4", 4, 6, 1, 4)
	f("per_page=4&page=2", 2, 6, 2, 4)
	f("per_page=4&page=3", 0, 6, 3, 4)
	f("pool=a.example:3333", 3, 3, 1, 100)
	f("pool=a.example:3333&user=bob", 1, 1, 1, 100)
	f("user=bo", 0, 0, 1, 100)
	f("search=BO", 2, 2, 1, 100)

	const list = "/api/v1/users?"
	s.want(t, "GET", list+"page=0", "", 400, `{"error":"page: want a whole number from 1, got \"0\""}`)
	s.want(t, "GET", list+"per_page=1001", "", 400, `{"error":"per_page: want a whole number from 1 to 1000, got \"1001\""}`)
	s.want(t, "GET", list+"sort=name", "", 400, `{"error":"\"sort\": no such parameter; want page, per_page, format, pool, user or search"}`)
	s.want(t, "GET", list+"pool=a", "", 400, `{"error":"pool \"a\": expected host:port, such as \"pool.example.com:3333\""}`)
	s.want(t, "GET", list+"search="+strings.Repeat("x", 257), "", 400, `{"error":"search: want up to 256 bytes, got 257"}`)
}

// A pool's password is shown to nobody else.
func TestPasswordsAreShownNowhere(t *testing.T) {
	var logged bytes.Buffer
	registry := newRegistry(t)
	s := newSite(t, func(o *Options) {
		o.Registry = registry
		o.Log = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	shown := ""
	f := func(method, path, body string) {
		t.Helper()
		_, answer := s.send(t, method, path, body)
		shown += answer
	}
	name := s.register(t, `{"pool":"a.example:3333","user":"alice","password":"hunter2"}`)
	s.book.Worker(name).Mining(name, "a.example:3333", "scrypt")
	for _, body := range []string{
		`{"pool":"a.example:3333","user":"alice","password":"hunter2"`,
		`{"pool":"a.example:3333","user":"alice","password":"hunter2"} hunter2`,
		`{"pool":"a.example:3333","user":"alice","password":["hunter2"]}`,
		`{"pool":"a.example:3333","user":"alice","password":"hunter2\n"}`,
		`{"pool":"a.example:3333","user":"","password":"hunter2"}`,
		`{"pool":"c.example:3333","user":"alice","password":"hunter2"}`,
		`"hunter2"`,
	} {
		f("POST", "/api/v1/users", body)
	}
	for _, e := range endpoints {
		path := strings.Replace(e.path, "{}", name, 1)
		f(e.method, path, "")
	}
	if strings.Contains(shown, "hunter2") {
		t.Errorf("answers: %s", shown)
	}
	if text := logged.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "alice") {
		t.Errorf("log: %s", text)
	}
	if !strings.Contains(logged.String(), `"msg":"account registered","account":"`+name+`","pool":"a.example:3333"`) {
		t.Errorf("the log does not tell of the account: %s", logged.String())
	}
}
