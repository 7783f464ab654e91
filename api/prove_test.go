package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/stats"
	"farmproxy/store"
)

// prover is a pool that accepts the right password, and counts.
type prover struct {
	right string
	away  bool
	asked []string // pool, user, password, and the pool options
	hold  chan struct{}
}

func (p *prover) prove(_ context.Context, pool store.Pool, a store.Account) error {
	p.asked = append(p.asked, fmt.Sprint(pool.Address, " ", a.User, " ", a.Password.Reveal(), " ", pool.Options.TLS, " ", pool.Algorithm))
	if p.hold != nil {
		<-p.hold
	}
	switch {
	case p.away:
		return store.Unasked("pool " + pool.Address + " can't be asked now")
	case a.Password.Reveal() != p.right:
		return store.Refused(`pool "` + pool.Address + `" refused user "` + a.User + `": it said "wrong password"`)
	}
	return nil
}

// proving returns a farm whose pools accept p's password.
func proving(t *testing.T, p *prover, set ...func(*Options)) *farm {
	t.Helper()
	r := newRegistry(t)
	set = append(set, func(o *Options) { o.Registry, o.Prove, o.Uses = r, p.prove, func(string) bool { return true } })
	return &farm{newSite(t, set...), r}
}

// A password in use is replaced only by one that the pool has accepted.
func TestNewPasswordsAreProvenFirst(t *testing.T) {
	p := &prover{right: "good"}
	s := proving(t, p)
	name := s.register(t, `{"pool":"a.example:3333","user":"alice","password":"old"}`)
	f := func(what, password string, code int, answer, kept string, asked int) {
		t.Helper()
		before := len(p.asked)
		resp, body := s.send(t, "POST", "/api/v1/users", `{"pool":"a.example:3333","user":"alice","password":"`+password+`"}`)
		if resp.StatusCode != code || !strings.Contains(body, answer) {
			t.Errorf("%s: %d %s; want %d and %q", what, resp.StatusCode, body, code, answer)
		}
		if is := s.registry.Snapshot().Account(name).Password.Reveal(); is != kept {
			t.Errorf("%s: the password is %q, want %q", what, is, kept)
		}
		if n := len(p.asked) - before; n != asked {
			t.Errorf("%s: the pool was asked %d times, want %d", what, n, asked)
		}
	}
	f("the same", "old", 201, name, "old", 0)
	f("a wrong one", "bad", 422, `it said \"wrong password\"; nothing was changed`, "old", 1)
	p.away = true
	f("while the pool is away", "good", 503, "can't be asked now; nothing was changed", "old", 1)
	p.away = false
	f("a right one", "good", 201, name, "good", 1)
	f("again", "good", 201, name, "good", 0)
	if want := "a.example:3333 alice good false scrypt"; p.asked[2] != want {
		t.Errorf("the pool was asked about %q, want %q", p.asked[2], want)
	}
	s.register(t, `{"pool":"a.example:3333","user":"bob","password":"bad"}`) // nobody mines with a new account
	if len(p.asked) != 3 {
		t.Errorf("asked about a new account: %q", p.asked)
	}
}

// Anyone who may register can cause links for proofs: there are few of them, in total
// and at a time.
func TestProofsAreFew(t *testing.T) {
	p := &prover{right: "good"}
	s := proving(t, p)
	now := noon
	s.proofs.now = func() time.Time { return now }
	s.register(t, `{"pool":"a.example:3333","user":"alice","password":"good"}`)
	s.register(t, `{"pool":"b.example:3333","user":"alice","password":"good"}`)
	ask := func(pool, password string) (code int, retry, body string) {
		resp, body := s.send(t, "PUT", "/api/v1/users", `{"pool":"`+pool+`.example:3333","user":"alice","password":"`+password+`"}`)
		return resp.StatusCode, resp.Header.Get("Retry-After"), body
	}
	for i := range proofsPerMinute {
		if code, _, body := ask("a", fmt.Sprint("guess", i)); code != 422 {
			t.Errorf("guess %d: %d %s", i, code, body)
		}
	}
	if code, retry, body := ask("a", "one more"); code != 429 || retry != "10" || !strings.Contains(body, "6 times within a minute") || len(p.asked) != proofsPerMinute {
		t.Errorf("one more: %d, Retry-After %s, %s; asked %d times", code, retry, body, len(p.asked))
	}
	if code, _, _ := ask("b", "another pool"); code != 422 {
		t.Errorf("at another pool: %d", code)
	}
	if code, _, _ := ask("a", "good"); code != 201 {
		t.Errorf("what is no change: %d", code)
	}
	now = now.Add(10 * time.Second)
	if code, _, _ := ask("a", "later"); code != 422 {
		t.Errorf("10 s later: %d", code)
	}
	now = now.Add(time.Hour)
	s.proofs.take("c.example:1")
	if n := len(s.proofs.pools); n != 1 {
		t.Errorf("%d pools are remembered an hour later, want the last one", n)
	}
}

func TestProofsAtATime(t *testing.T) {
	p := &prover{right: "good", hold: make(chan struct{})}
	s := proving(t, p)
	for range maxProofs {
		s.proofs.gate.inside <- struct{}{}
	}
	s.register(t, `{"pool":"a.example:3333","user":"alice","password":"old"}`)
	resp, body := s.send(t, "POST", "/api/v1/users", `{"pool":"a.example:3333","user":"alice","password":"good"}`)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "5" || !strings.Contains(body, "no more than 4 proofs") || len(p.asked) != 0 {
		t.Errorf("%s %s", resp.Status, body)
	}
	if maxProofs >= maxRegistry {
		t.Error("proofs can take all the room that requests to the store have")
	}
}

// Likewise for a pool's options: the links of all its accounts are made with them.
func TestNewOptionsOfAPoolAreProvenFirst(t *testing.T) {
	p := &prover{right: "good"}
	used := true
	s := proving(t, p)
	s.options.Uses = func(string) bool { return used }
	put := func(what, options string, code int, asked int) {
		t.Helper()
		before := len(p.asked)
		resp, body := s.send(t, "PUT", "/api/v1/pools", `{"pool":"a.example:3333","algorithm":"scrypt"`+options+`}`)
		if resp.StatusCode != code || len(p.asked)-before != asked {
			t.Errorf("%s: %d %s, asked %d times; want %d, %d times", what, resp.StatusCode, body, len(p.asked)-before, code, asked)
		}
	}
	put("without accounts", `,"links":2`, 200, 0)
	s.register(t, `{"pool":"a.example:3333","user":"alice","password":"good"}`)
	put("TLS", `,"tls":true`, 200, 1)
	put("the same again", `,"tls":true`, 200, 0)
	p.away = true
	put("a pool that does not answer", ``, 503, 1)
	p.away, p.right = false, "another"
	put("a pool that refuses", ``, 422, 1)
	put("nonsense", `,"links":-1`, 400, 0)
	if o := s.registry.Snapshot().Pool("a.example:3333").Options; !o.TLS {
		t.Errorf("the options are %+v", o)
	}
	if want := "a.example:3333 alice good true scrypt"; p.asked[0] != want {
		t.Errorf("asked about %q, want %q", p.asked[0], want)
	}
	used = false
	put("nobody works there", ``, 200, 0)
}

// The log says who changed what, and shows no secret.
func TestTheLogSaysWhoChangedWhat(t *testing.T) {
	var logged bytes.Buffer
	p := &prover{right: "good-password"}
	s := proving(t, p, func(o *Options) {
		o.Tokens = mustTokens(t, allTokens)
		o.Log = slog.New(slog.NewJSONHandler(&logged, nil))
	})
	send := func(token, method, path, body string) {
		s.send(t, method, path, body, "Authorization", "Bearer "+token)
	}
	name := s.register(t, `{"pool":"a.example:3333","user":"alice","password":"old-password"}`, "Authorization", "Bearer "+registerToken)
	send(registerToken, "POST", "/api/v1/users", `{"pool":"a.example:3333","user":"alice","password":"bad-password"}`)
	send(registerToken, "POST", "/api/v1/users", `{"pool":"a.example:3333","user":"alice","password":"good-password"}`)
	send(adminToken, "PUT", "/api/v1/pools", `{"pool":"b.example:3333","algorithm":"x11","mode":"direct"}`)
	send(adminToken, "PUT", "/api/v1/algorithms", `{"name":"x11","divider":2}`)
	send(adminToken, "DELETE", "/api/v1/users/"+name, "")
	send(adminToken, "DELETE", "/api/v1/pools/b.example:3333", "")
	f := func(what, line string, more ...string) {
		t.Helper()
		for entry := range strings.Lines(logged.String()) {
			var e map[string]any
			if err := json.Unmarshal([]byte(entry), &e); err != nil {
				t.Fatal(err)
			}
			if e["msg"] != what {
				continue
			}
			if e["by"] != line || e["address"] == nil {
				t.Errorf("%s: by %v of %v, want %s", what, e["by"], e["address"], line)
			}
			for _, part := range more {
				if !strings.Contains(entry, part) {
					t.Errorf("%s does not tell %q: %s", what, part, entry)
				}
			}
			return
		}
		t.Errorf("nothing tells: %s\n%s", what, logged.String())
	}
	f("account registered", "token of line 3", name)
	f("a change was not made: the pool does not let the account in so", "token of line 3", name, "wrong password")
	f("password of an account changed", "token of line 3", name)
	f("pool set", "token of line 4", "b.example:3333", "x11", "direct")
	f("algorithm set", "token of line 4", "x11")
	f("account deleted", "token of line 4", name)
	f("pool deleted", "token of line 4", "b.example:3333")
	for _, secret := range []string{"old-password", "bad-password", "good-password", registerToken, adminToken} {
		if strings.Contains(logged.String(), secret) {
			t.Errorf("the log shows %s:\n%s", secret, logged.String())
		}
	}
}

// Tokens are compared whole: one whose hash merely begins like a known one's is a
// different token.
func TestTokensAreComparedAsAWhole(t *testing.T) {
	tokens := mustTokens(t, allTokens)
	known := tokens.hashes[0]
	for i := range 20_000 { // each byte begins about 80 of these hashes
		guess := fmt.Sprintf("guess-of-a-token-%d", i)
		if s, name := tokens.allows(guess); s != scopeNone || name != "" {
			t.Fatalf("%s is taken for a token, whose hash begins with %x: scope %v", guess, known[:2], s)
		}
	}
	for token, want := range map[string]scope{readToken: scopeRead, registerToken: scopeRegister, adminToken: scopeAdmin, twoToken: scopeRead | scopeRegister} {
		if got, _ := tokens.allows(token); got != want {
			t.Errorf("a token allows %b, want %b", got, want)
		}
	}
}

// What went wrong in the store goes to the log only.
func TestErrorsOfTheStoreAreForTheLog(t *testing.T) {
	var logged bytes.Buffer
	s := New(Options{Book: stats.New(stats.Options{}), Log: slog.New(slog.NewTextHandler(&logged, nil))})
	for _, err := range []error{
		errors.New("host=db.farm.example user=farm"),
		fmt.Errorf("%w: host=db.farm.example user=farm", store.ErrUnavailable),
		fmt.Errorf("%w: host=db.farm.example user=farm", store.ErrDiskFull),
	} {
		told := s.registryError(new(fasthttp.RequestCtx), err)
		if answer, ok := errors.AsType[*httpError](told); !ok || answer.code < 500 || strings.Contains(answer.text, "db.farm") || !strings.Contains(answer.text, "the log says why") {
			t.Errorf("%v is told as %v", err, told)
		}
	}
	if n := strings.Count(logged.String(), "db.farm.example"); n != 3 {
		t.Errorf("the log does not say why:\n%s", logged.String())
	}
}
