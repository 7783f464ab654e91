package proxy

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	benchpool "farmproxy/bench/pool"
	"farmproxy/store"
)

// guard sits in front of a pool and rejects the password "wrong".
func guarded(t *testing.T, pool *benchpool.Pool) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", pool.Addr())
			if err != nil {
				near.Close()
				continue
			}
			go func() {
				defer far.Close()
				for lines := bufio.NewScanner(near); lines.Scan(); {
					var r struct{ ID json.RawMessage }
					if strings.Contains(lines.Text(), `"wrong-password"`) && json.Unmarshal(lines.Bytes(), &r) == nil {
						fmt.Fprintf(near, `{"id":%s,"result":false,"error":[24,"no user with wrong-password",null]}`+"\n", r.ID)
						continue
					}
					fmt.Fprintln(far, lines.Text())
				}
			}()
			go func() {
				defer near.Close()
				for lines := bufio.NewScanner(far); lines.Scan(); {
					fmt.Fprintln(near, lines.Text())
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// request sends JSON to the API.
func (p *proxy) request(t *testing.T, method, path, body string) (code int, answer string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+webAt(p)+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	if _, err := bufio.NewReader(resp.Body).WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, text.String()
}

// Someone who may register can't take an account's link away with a password that the
// pool rejects, nor with options under which it can't be reached.
func TestALiveAccountOutlivesAWrongPassword(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	at := guarded(t, pool)
	p, address := startProxy(t, withStore(t), nil)
	p.storeOpens(t)
	if err := p.store.AddPool(t.Context(), store.Pool{Address: at, Algorithm: "sha256d"}); err != nil {
		t.Fatal(err)
	}
	register := func(password string) (code int, answer string) {
		t.Helper()
		return p.request(t, "POST", "/api/v1/users", fmt.Sprintf(`{"pool":%q,"user":"alice","password":%q}`, at, password))
	}
	_, answer := register("good")
	var account struct{ Name string }
	if err := json.Unmarshal([]byte(answer), &account); err != nil || account.Name == "" {
		t.Fatal(answer)
	}
	m := connect(t, address)
	m.work(account.Name + ".rig")
	kept := func(password string) {
		t.Helper()
		m.wantAlive()
		if is := p.store.Snapshot().Account(account.Name).Password.Reveal(); is != password {
			t.Errorf("the password is %q, want %q", is, password)
		}
	}
	links := p.book.Links()[0].Connects

	code, answer := register("wrong-password")
	if code != http.StatusUnprocessableEntity || !strings.Contains(answer, "no user with (hidden)") || !strings.Contains(answer, "nothing was changed") {
		t.Errorf("a wrong password: %d %s", code, answer)
	}
	kept("good")
	code, answer = p.request(t, "PUT", "/api/v1/pools", fmt.Sprintf(`{"pool":%q,"algorithm":"sha256d","tls":true}`, at))
	if code != http.StatusServiceUnavailable || !strings.Contains(answer, "nothing was changed") || p.store.Snapshot().Pool(at).Options.TLS {
		t.Errorf("TLS where there is none: %d %s", code, answer)
	}
	kept("good")
	if now := p.book.Links()[0].Connects; now != links {
		t.Errorf("the account's link was opened %d times more", now-links)
	}

	if code, answer := register("better"); code != http.StatusCreated {
		t.Errorf("a right password: %d %s", code, answer)
	}
	if job := m.job(); string(job.Params[8]) != "true" {
		t.Error("the job over the new link is not clean")
	}
	kept("better")
	if _, answer := p.request(t, "GET", "/api/v1/users/"+account.Name, ""); strings.Contains(answer, `"last_seen":null`) {
		t.Errorf("a miner is connected, but the account was never seen: %s", answer)
	}
}
