package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"farmproxy/admin"
	"farmproxy/api"
	"farmproxy/bench/fleet"
	benchpool "farmproxy/bench/pool"
	"farmproxy/config"
	"farmproxy/internal/journal"
	"farmproxy/stats"
)

// fileProxy is a proxy that works by a file.
type fileProxy struct {
	*proxy
	t    *testing.T
	file string
	log  *journal.Journal
	stop func()
}

// ports is what the files of these tests begin with: the listeners and HTTP.
const ports = "[[listener]]\naddress = \"127.0.0.1:0\"\n[http]\naddress = \"127.0.0.1:0\"\n"

// poolsText is a file's pools.
func poolsText(user string, pools ...*benchpool.Pool) (text string) {
	for _, p := range pools {
		text += fmt.Sprintf("[[pool]]\nurl = \"stratum+tcp://%s\"\nuser = %q\n", p.Addr(), user)
	}
	return text
}

// startFile runs a proxy by a file with that text.
func startFile(t *testing.T, text string) *fileProxy {
	t.Helper()
	dir := t.TempDir()
	f := &fileProxy{t: t, file: filepath.Join(dir, "farmproxy.toml"), log: new(journal.Journal)}
	f.write("state_dir = %q\n%s", dir, text)
	from, err := config.Open(f.file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := from.Config()
	if err != nil {
		t.Fatal(err)
	}
	f.proxy, f.stop = launch(t, f.log, func(it *config.Config) { *it = *c }, nil)
	t.Cleanup(sync.OnceFunc(f.stop))
	f.running.Store(&running{config: c, file: f.file, from: from})
	return f
}

func (f *fileProxy) write(format string, args ...any) {
	f.t.Helper()
	if err := os.WriteFile(f.file, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// again reloads the file with another text, and returns what has changed.
func (f *fileProxy) again(text string) string {
	f.t.Helper()
	f.write("state_dir = %q\n%s", filepath.Dir(f.file), text)
	r, err := f.reload(f.t.Context(), "")
	if err != nil {
		f.t.Errorf("%v: %q", err, r.Problems)
	}
	return strings.Join(r.Changes, "; ")
}

// refused reloads the file with another text, and returns why that is not possible.
func (f *fileProxy) refused(text string) string {
	f.t.Helper()
	before := f.settings.Load()
	f.write("%s", text)
	r, err := f.reload(f.t.Context(), "")
	if !errors.Is(err, errNotLoaded) || len(r.Problems) == 0 || len(r.Changes) > 0 || r.Error == "" {
		f.t.Errorf("it was loaded: %+v, %v", r, err)
	}
	if f.settings.Load() != before {
		f.t.Error("something has changed")
	}
	for _, p := range r.Problems {
		if !strings.Contains(f.log.String(), "level=ERROR msg="+strconv.Quote(p)) {
			f.t.Errorf("the log does not say %q", p)
		}
	}
	return strings.Join(r.Problems, "\n")
}

// Everything that may change changes under a working fleet, again and again: no miner is
// disconnected, and no share is lost or refused.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	one, two := startPool(t, nil), startPool(t, nil)
	f := startFile(t, ports+poolsText("farm", one))
	o := fleet.DefaultOptions(f.server.Addresses()[0])
	o.Miners, o.Rate = 20, 200
	miners := connectFleet(t, o)
	more := func(what string, pool *benchpool.Pool) {
		t.Helper()
		before := pool.Books().Total().Accepted
		eventually(t, fmt.Sprint("shares go where they belong: ", what), func() bool { return pool.Books().Total().Accepted > before+50 })
	}
	first := f.server.Addresses()[0]
	second := strings.Replace(ports, "[http]", "[[listener]]\naddress = \"127.0.0.2:0\"\n[http]", 1)
	const soon = "[failover]\nreturn_after = \"1ms\"\n"
	for _, step := range []struct {
		text, changes string
		pool          *benchpool.Pool
	}{
		{ports + poolsText("farm", one), "", one},
		{ports + soon + poolsText("farm", one), `set failover.return_after from "2m" to "1ms"`, one},
		{second + soon + poolsText("farm", one), "add listener 127.0.0.2:0", one},
		{second + soon + poolsText("farm", one, two), "add pool " + two.Addr(), one},
		{second + soon + poolsText("farm", two, one), "move pool " + two.Addr() + " from place 2 to 1; move pool " + one.Addr() + " from place 1 to 2", two},
		{second + soon + poolsText("other", two), "remove pool " + one.Addr() + "; set pool " + two.Addr() + `: user from "farm" to "other"`, two},
		{second + soon + "[miners]\nmax = 1\n[log]\nlevel = \"warn\"\n[metrics]\nper_worker = false\n" + poolsText("other", two), `set miners.max from 0 to 1; set metrics.per_worker from true to false; set log.level from "info" to "warn"`, two},
		{strings.Replace(second, "127.0.0.1:0\"\n[[", "127.0.0.3:0\"\n[[", 1) + soon + poolsText("other", two), "", two},
	} {
		changes := f.again(step.text)
		if changes != step.changes && step.changes != "" {
			t.Errorf("changes %q, want %q", changes, step.changes)
		}
		more(step.changes, step.pool)
	}
	if conn, err := net.Dial("tcp", first); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the port that is gone: %v, %v", conn, err)
	}
	connect(t, f.server.Addresses()[1]).work("farm.late")
	if b := miners.Books().Total(); b.Disconnects > 0 || b.Refused > 0 || b.Garbage > 0 || f.opened() != uint64(o.Miners)+1 {
		t.Errorf("%d miners were disconnected, %d shares refused: %v; %d connections; %s", b.Disconnects, b.Refused, b.Reasons, f.opened(), miners.Books().LastTrouble())
	}
}

// What can't be loaded changes nothing, and every reason is told.
func TestReloadsThatAreRefused(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	f := startFile(t, ports+poolsText("farm", pool))
	rest := fmt.Sprintf("state_dir = %q\n", filepath.Dir(f.file))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	m := connect(t, f.server.Addresses()[0])
	m.work("farm.rig")
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"no TOML", "[[listener", []string{"farmproxy.toml:1", "TOML"}},
		{"two mistakes", rest + ports + "[log]\nlevel = \"loud\"\n[difficulty]\nstart = -1\n" + poolsText("farm", pool), []string{"log.level", "difficulty.start"}},
		{"keys that are read at the start", rest + "[miners]\nloops = 7\nmax = 5\n" + ports + poolsText("farm", pool), []string{"farmproxy.toml:3: miners.loops = 7: this can't change while farmproxy runs (it is 0 now)", "farmproxy upgrade"}},
		{"another directory for state", ports + poolsText("farm", pool), []string{"state_dir", "it is \"" + filepath.Dir(f.file)}},
		{"a port of another program", rest + ports + fmt.Sprintf("[[listener]]\naddress = %q\n", taken.Addr()) + poolsText("farm", pool), []string{"another program has this port"}},
		{"our own port in other words", rest + ports + fmt.Sprintf("[[listener]]\naddress = \"0.0.0.0:%d\"\n", taken.Addr().(*net.TCPAddr).Port) + poolsText("farm", pool), []string{"has this port"}},
		{"no token file", rest + ports + "token_file = \"/nonexistent/tokens\"\n" + poolsText("farm", pool), []string{"http.token_file", "no such file"}},
		{"nobody to mine for", rest + ports, []string{"pool"}},
	} {
		said := f.refused(c.text)
		for _, want := range c.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %s\nwant %s", c.name, said, want)
			}
		}
	}
	os.Remove(f.file)
	if r, err := f.reload(t.Context(), ""); err == nil || !strings.Contains(r.Problems[0], "does not exist") {
		t.Errorf("without a file: %+v, %v", r, err)
	}
	if _, text := f.request(t, "GET", "/metrics", ""); !strings.Contains(text, "farmproxy_config_last_reload_successful 0\n") {
		t.Error("the metrics do not say so")
	}
	m.wantAlive()
	if changes := f.again(ports + "[log]\nlevel = \"warn\"\n" + poolsText("farm", pool)); changes != `set log.level from "info" to "warn"` {
		t.Errorf("after all of them: %q", changes)
	}
	if _, text := f.request(t, "GET", "/metrics", ""); !strings.Contains(text, "farmproxy_config_last_reload_successful 1\n") {
		t.Error("the metrics do not say that it is good again")
	}
}

// A pool that is removed while nobody reaches it was listed as down for ever, and an alert
// fired for it. One that comes back is listed again.
func TestARemovedPoolIsNotListed(t *testing.T) {
	t.Parallel()
	const gone = "[[pool]]\nname = \"gone\"\nurl = \"stratum+tcp://127.0.0.1:1\"\nuser = \"farm\"\n"
	pool := poolsText("farm", startPool(t, nil))
	f := startFile(t, ports+pool+gone)
	listed := func() bool {
		_, pools := f.request(t, "GET", "/api/v1/pools", "")
		_, metrics := f.request(t, "GET", "/metrics", "")
		inPools, inMetrics := strings.Contains(pools, `"gone"`), strings.Contains(metrics, `farmproxy_pool_up{pool="gone"}`)
		if inPools != inMetrics {
			t.Errorf("listed in the API: %v, in the metrics: %v", inPools, inMetrics)
		}
		return inPools
	}
	for _, step := range []struct {
		what, text string
		want       bool
	}{{"at the start", "", true}, {"removed", pool, false}, {"back", pool + gone, true}} {
		if step.text != "" {
			f.again(ports + step.text)
		}
		if listed() != step.want {
			t.Errorf("%s: it is listed: %v", step.what, !step.want)
		}
	}
}

// An address that overlaps with an open port can't be opened beside it, and is told from
// a port of another program.
func TestAnAddressThatOverlaps(t *testing.T) {
	f := startFile(t, ports+poolsText("farm", startPool(t, nil)))
	_, port, _ := net.SplitHostPort(f.server.Addresses()[0])
	ours := occupied{ours: &config.Config{Listeners: []config.Listener{{Address: "127.0.0.1:" + port}}}}
	if err := ours.Bind("127.0.0.1:" + port); err != nil {
		t.Errorf("the same: %v", err)
	}
	if err := ours.Bind("0.0.0.0:" + port); err == nil || !strings.Contains(err.Error(), "this farmproxy has the port open as \"127.0.0.1:"+port) {
		t.Errorf("another: %v", err)
	}
	if err := (occupied{ours: new(config.Config)}).Bind("0.0.0.0:" + port); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("another program's: %v", err)
	}
}

// A file that says the same is no change, but the files that it names may be others.
func TestOtherTokensInTheSameFile(t *testing.T) {
	t.Parallel()
	tokens := filepath.Join(t.TempDir(), "tokens")
	write := func(token string) {
		if err := os.WriteFile(tokens, []byte("admin "+token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("the-first-administrator")
	text := ports + fmt.Sprintf("token_file = %q\n", tokens) + poolsText("farm", startPool(t, nil))
	f := startFile(t, text)
	if changes := f.again(text + "# the same\n"); changes != "" {
		t.Errorf("changes %q", changes)
	}
	write("the-second-administrator")
	if changes := f.again(text); changes != "read the file of http.token_file again" {
		t.Errorf("changes %q", changes)
	}
	if code, body := f.request(t, "POST", "/api/v1/reload", ""); code != 401 {
		t.Errorf("without a token: %d %s", code, body)
	}
}

// All ways to ask for a reload, and to see what it would do and has done.
func TestWaysToReload(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	f := startFile(t, ports+poolsText("farm", pool))
	socket := filepath.Join(filepath.Dir(f.file), "admin.sock")
	set := func(level string) string {
		text := fmt.Sprintf("state_dir = %q\n", filepath.Dir(f.file)) + ports + fmt.Sprintf("[log]\nlevel = %q\n", level) + poolsText("farm", pool)
		f.write("%s", text)
		return text
	}

	text := set("warn")
	answer, err := admin.Do(t.Context(), socket, "diff", map[string]string{"file": "new.toml", "text": text}, nil)
	if err != nil || !strings.Contains(string(answer), `"changes":["set log.level from \"info\" to \"warn\""]`) {
		t.Errorf("diff: %s, %v", answer, err)
	}
	if _, err := admin.Do(t.Context(), socket, "diff", map[string]string{"text": "[["}, nil); err == nil {
		t.Error("diff of nonsense: no error")
	}
	if f.settings.Load().log.Level != "info" {
		t.Error("diff has changed something")
	}
	code, body := f.request(t, "POST", "/api/v1/reload", "")
	if code != 200 || !strings.Contains(body, `"changes":["set log.level from`) || f.settings.Load().log.Level != "warn" {
		t.Errorf("over HTTP: %d %s", code, body)
	}

	set("error")
	answer, err = admin.Do(t.Context(), socket, "reload", map[string]string{"file": f.file}, nil)
	if err != nil || !strings.Contains(string(answer), `"changes":["set log.level from`) || f.settings.Load().log.Level != "error" {
		t.Errorf("over the socket: %s, %v", answer, err)
	}
	if _, err := admin.Do(t.Context(), socket, "reload", map[string]string{"file": "farmproxy.toml"}, nil); err == nil || !strings.Contains(err.Error(), "absolute") {
		t.Errorf("a path that is not absolute: %v", err)
	}

	code, body = f.request(t, "GET", "/api/v1/config", "")
	var c struct {
		File, Fingerprint string
		Config            struct {
			Log  struct{ Level string }
			Pool []struct{ User, Password string }
		}
	}
	if err := json.Unmarshal([]byte(body), &c); code != 200 || err != nil || c.File != f.file || len(c.Fingerprint) != 16 || c.Config.Log.Level != "error" || c.Config.Pool[0].Password != "***" || c.Config.Pool[0].User != "farm" {
		t.Errorf("the configuration: %d %s, %v", code, body, err)
	}
	if _, text := f.request(t, "GET", "/metrics", ""); !strings.Contains(text, `farmproxy_config_info{fingerprint="`+c.Fingerprint+`"} 1`) {
		t.Errorf("the metrics have another fingerprint than %s", c.Fingerprint)
	}
}

// A port gets TLS by a reload, a certificate that was renewed is shown after the next one,
// and files that can't be used refuse it. Who is connected stays.
func TestReloadOfTLS(t *testing.T) {
	t.Parallel()
	pool, dir := startPool(t, nil), t.TempDir()
	f := startFile(t, ports+poolsText("farm", pool))
	address := f.server.Addresses()[0]
	plain := connect(t, address)
	plain.work("farm.plain")
	files, roots := certified(t, dir, time.Hour)
	secure := strings.Replace(ports, "\n[http]", fmt.Sprintf("\ntls = { cert = %q, key = %q }\n[http]", files.Cert, files.Key), 1)
	f.again(secure + poolsText("farm", pool))
	first := mustConnectTLS(t, address, roots)
	first.work("farm.first")
	_, renewed := certified(t, dir, 2*time.Hour)
	if changes := f.again(secure + poolsText("farm", pool)); changes != "" {
		t.Errorf("changes %q", changes)
	}
	mustConnectTLS(t, address, renewed).work("farm.second")
	if said := f.refused(fmt.Sprintf("state_dir = %q\n", filepath.Dir(f.file)) + strings.Replace(secure, "key.pem", "no.pem", 1) + poolsText("farm", pool)); !strings.Contains(said, "listener[1].tls") {
		t.Errorf("without a key: %s", said)
	}
	var ends time.Time
	for _, end := range f.certs.ends() {
		ends = end
	}
	metric := fmt.Sprintf("farmproxy_certificate_not_after_seconds{file=%q} ", files.Cert)
	if _, text := f.request(t, "GET", "/metrics", ""); !strings.Contains(text, metric+strconv.FormatInt(ends.Unix(), 10)+"\n") {
		t.Errorf("the metrics do not say that it ends at %v", ends)
	}
	f.again(ports + poolsText("farm", pool))
	if _, text := f.request(t, "GET", "/metrics", ""); strings.Contains(text, metric) {
		t.Error("the metrics still have a certificate that nobody is shown")
	}
	first.wantAlive()
	plain.wantAlive()
}

// SIGHUP reads the file again, each time.
func TestHangup(t *testing.T) {
	t.Parallel()
	var log journal.Journal
	hangups := make(chan os.Signal)
	p := &proxy{hangups: hangups, successor: newSuccessor(), log: slog.New(slog.NewTextHandler(&log, nil)), book: stats.New(stats.Options{})}
	p.running.Store(&running{config: config.Default(), file: filepath.Join(t.TempDir(), "none")})
	p.remember = newRemembering(config.Default(), p.book, func() []api.Ban { return nil }, p.log)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); p.reloadOnHangup(ctx) }()
	const times = 3
	for range times {
		hangups <- syscall.SIGHUP
	}
	cancel()
	<-ended
	if n := strings.Count(log.String(), "does not exist"); n != times {
		t.Errorf("%d reloads, want %d:\n%s", n, times, log.String())
	}
}

// A reload waits for an upgrade. Then the new process has what was in the file when it
// started: that the file was loaded, into the process that ends, was no answer.
func TestAReloadAfterAnUpgrade(t *testing.T) {
	p := &proxy{log: slog.New(slog.DiscardHandler), successor: newSuccessor()}
	close(p.successor.handed)
	if r, err := p.reload(t.Context(), "farmproxy.toml"); !errors.Is(err, errFrozen) || r.Error != errFrozen.Error() {
		t.Errorf("it is answered with %+v, %v", r, err)
	}
}
