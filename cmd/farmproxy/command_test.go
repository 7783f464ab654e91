package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"farmproxy"
	"farmproxy/api"
	"farmproxy/bench/pool"
	"farmproxy/config"
	"farmproxy/stats"
)

const braiinsConf = "../../config/testdata/braiins/split.braiins"

const agentConf = "../../config/testdata/btcagent/go_default.json"

// Each case is a command line, its exit code, and what it prints on each of its two
// outputs.
func TestCommands(t *testing.T) {
	f := func(line string, code int, stdout, stderr string) {
		t.Helper()
		var out, err strings.Builder
		got := dispatch(context.Background(), strings.Fields(line), terminal{out: &out, err: &err})
		if got != code || !strings.Contains(out.String(), stdout) || !strings.Contains(err.String(), stderr) ||
			stdout == "" && out.Len() > 0 || stderr == "" && err.Len() > 0 {
			t.Errorf("farmproxy %s: %d, want %d\nstdout, want %q:\n%s\nstderr, want %q:\n%s", line, got, code, stdout, out.String(), stderr, err.String())
		}
	}
	const imports = "farmproxy import - import from another proxy"
	f("", exitMisused, "", "usage: farmproxy COMMAND\n\n  run ")
	f("-h", exitOK, "  store repair", "")
	f("help", exitOK, "  store repair", "")
	f("help check", exitOK, "farmproxy check [-c FILE] [-connect]", "")
	f("help store", exitOK, "  store repair", "")
	f("help me", exitMisused, "", `unknown command "me"`)
	f("start", exitMisused, "", "farmproxy: unknown command \"start\"\ntry: farmproxy -h\n")
	f("worker", exitMisused, "", `unknown command "worker"; did you mean workers?`)
	f("import btc-agent x", exitMisused, "", "farmproxy import: unknown command \"btc-agent\"; did you mean btcagent?\ntry: farmproxy import -h\n")
	f("version", exitOK, "farmproxy "+farmproxy.Version+"\ncommit ", "")
	f("--version", exitOK, "platform "+runtime.GOOS+"/"+runtime.GOARCH, "")
	f("version -json", exitOK, `"go":"`+runtime.Version()+`"`, "")
	f("version 2", exitMisused, "", `unexpected "2": it takes flags and nothing else`+"\n")
	f("drain a -dryrun", exitMisused, "", "flag provided but not defined: -dryrun; did you mean -dry-run?\ntry: farmproxy drain -h\n")
	f("pools -url farm:8080", exitMisused, "", "flag provided but not defined: -url\n")
	f("pools -connect", exitMisused, "", "flag provided but not defined: -connect\n") // there is -c
	f("alerts -c farm.toml test", exitMisused, "", "farmproxy alerts test: its name comes before all flags: farmproxy alerts test\ntry: farmproxy alerts test -h\n")
	f("alerts tst", exitMisused, "", `unexpected "tst": it takes flags and nothing else; did you mean test?`)
	f("import -h", exitOK, imports, "")
	f("import", exitMisused, "", imports)
	f("import btcagents "+agentConf, exitMisused, "", `unknown command "btcagents"; did you mean btcagent?`)
	f("import stratum-proxy -h", exitOK, "farmproxy import stratum-proxy [-c FILE] FILE", "")
	f("import btcagent --help", exitOK, "farmproxy import btcagent FILE", "")
	f("import btcagent", exitMisused, "", "name a file to import")
	f("import btcagent a.json b.json", exitMisused, "", "name one file at a time")
	f("import btcagent -c x a.json", exitMisused, "", "flag provided but not defined: -c")
	f("import stratum-proxy", exitMisused, "", "name a file to import")
	f("import stratum-proxy old.db -c none.toml", exitFailed, "", "none.toml: file does not exist")
	f("import btcagent "+agentConf, exitOK, `url = "agent+tcp://pool.example:1800"  # pools[1]`, "")
	f("import btcagent none.json", exitFailed, "", "none.json: no such file")
	f("import btcagent ../../systemd/farmproxy.toml", exitFailed, "", "this is not a BTCAgent configuration")
	f("import btcagent ../../config/testdata/btcagent/wrong.json", exitFailed, "", `wrong.json:9: agent_listen_port = 70000: expected`)
	f("import braiins -h", exitOK, "farmproxy import braiins FILE", "")
	f("import braiins", exitMisused, "", "name a file to import")
	f("import braiins "+braiinsConf, exitOK, "weight = 70  # routing[1].goal[1].hr_weight", "")
	f("import braiins none.toml", exitFailed, "", "none.toml: no such file; name the configuration of Braiins Farm Proxy")
	f("import braiins "+agentConf, exitFailed, "", "this is not TOML")
	f("import braiins ../../systemd/farmproxy.toml", exitFailed, "", "this is not a configuration of Braiins Farm Proxy")
	f("import braiins ../../config/testdata/braiins/wrong.braiins", exitFailed, "", `wrong.braiins:3: server[1].port = 70000: expected`)
	f("check -c "+braiinsConf, exitFailed, "", "this is a configuration of Braiins Farm Proxy; try farmproxy import braiins")
	f("run -c "+braiinsConf, exitUnusable, "", "this is a configuration of Braiins Farm Proxy; try farmproxy import braiins")
	f("check -c ../../systemd/farmproxy.toml", exitFailed, "", `pool[1].url = "stratum+tcp://pool.example:3333": this is an example name`)
	f("check -c "+agentConf, exitFailed, "", "warning: this is a BTCAgent configuration, which cannot set farmproxy's other keys; try farmproxy import btcagent")
	f("check a.toml", exitMisused, "", `farmproxy check: unexpected "a.toml"`)
	f("check -c a.toml b.toml", exitMisused, "", `unexpected "b.toml"`)
	f("check -h", exitOK, "-connect", "")
	f("check -c none.toml", exitFailed, "", "configuration file none.toml: file does not exist")
	f("completion", exitMisused, "", "name a shell: bash or zsh")
	f("completion fish", exitMisused, "", "name a shell: bash or zsh")
	f("status -c none.toml", exitFailed, "", "none.toml: file does not exist")
	f("status -socket /nowhere/admin.sock", exitFailed, "", "start farmproxy, or name its socket")
	f("bench -h", exitOK, "usage: farmproxy bench SUBCOMMAND", "")
	f("run -c ../../systemd/farmproxy.toml", exitUnusable, "", "this is an example name")
	f("run -c none.toml", exitUnusable, "", `level=ERROR msg="configuration file none.toml: file does not exist`)
	f("check -c ../../config/testdata/btcagent/ethereum.json", exitFailed, "", `ethereum.json:2: agent_type = "eth"`)
}

// An import reports what became of each row and counts what is lost; its exit code
// tells a script.
func TestImportOfTheAccountProxy(t *testing.T) {
	dir := t.TempDir()
	conf, old := filepath.Join(dir, "farmproxy.toml"), filepath.Join(dir, "proxy.db")
	if err := os.WriteFile(conf, []byte("[[listener]]\naddress = \"127.0.0.1:3333\"\n[store]\nurl = \"sqlite://"+dir+"/accounts.db\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", old)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE hashes (id INTEGER PRIMARY KEY, hash TEXT, divider REAL); INSERT INTO hashes VALUES (1, 'scrypt', 65535);
		CREATE TABLE pools (id INTEGER PRIMARY KEY, host TEXT, port TEXT, hash_id INTEGER); INSERT INTO pools VALUES (1, 'pool.example', '3333', 1);
		CREATE TABLE users (name TEXT, pool_id INTEGER, user TEXT, password TEXT); INSERT INTO users VALUES ('7804e4ad081dc330', 1, 'alice', 'x')`); err != nil {
		t.Fatal(err)
	}
	f := func(code int, says ...string) {
		t.Helper()
		var out strings.Builder
		got := dispatch(context.Background(), []string{"import", "stratum-proxy", "-c", conf, old}, terminal{out: &out, err: &out})
		if got != code {
			t.Errorf("exit %d, want %d", got, code)
		}
		for _, part := range says {
			if !strings.Contains(out.String(), part) {
				t.Errorf("it does not say %q:\n%s", part, out.String())
			}
		}
	}
	f(exitOK, "new: 1 accounts, 1 pools, 0 algorithms; already present: 0\n", "kept as it was here: algorithm scrypt: the divider stays 65536; it was 65535 there")
	if _, err := db.Exec("INSERT INTO users VALUES ('7804e4ad081dc331', 7, 'bob', 'x'), ('7804e4ad081dc332', 8, 'carol', 'x')"); err != nil {
		t.Fatal(err)
	}
	f(exitPartly, "new: 0 accounts, 0 pools, 0 algorithms; already present: 2\n", `not imported: account "7804e4ad081dc331" of user "bob": its pool has no row in pools (pool_id 7)`, `"carol"`, "not imported: 2, for the reasons above")
}

// The printed configuration runs as it is.
func TestImportedFileIsRight(t *testing.T) {
	f := func(kind, old string) {
		t.Helper()
		code, text, said := invoke(t, "import", kind, old)
		if code != exitOK {
			t.Fatalf("%d: %s", code, said)
		}
		file, err := config.Open(fileOf(t, text))
		if err != nil {
			t.Fatal(err)
		}
		if _, problems := file.Check(); len(problems) > 0 {
			t.Errorf("%v\n%s", problems, text)
		}
	}
	f("btcagent", agentConf)
	f("braiins", braiinsConf)
}

// invoke runs a command line and returns its exit code and output.
func invoke(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	code = dispatch(t.Context(), args, terminal{&out, &err, helpWidth})
	return code, out.String(), err.String()
}

// fileOf returns the path of a file with this text.
func fileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "farm.toml")
	fileIn(t, path, text)
	return path
}

// fileIn writes a file.
func fileIn(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A good file is reported as good, with what it turns on; warnings do not change that.
func TestCheckSaysWhatIsOn(t *testing.T) {
	file := fileOf(t, `
[[listener]]
address = "127.0.0.1:0"
[[pool]]
url = "stratum+tls://127.0.0.1:1"
user = "farm"
tls_insecure = true
[http]
address = "127.0.0.1:0"
`)
	code, out, said := invoke(t, "check", "-c", file)
	want := file + `: ok, 1 warning
  listener  127.0.0.1:0
  pool[1]   stratum+tls://127.0.0.1:1, user farm, sha256d
  store     none: [[pool]] serves all miners
  http      127.0.0.1:0, no tokens: for this machine only
  metrics   each worker
  alerts    nobody is told: there is no [[alerts.channel]]; the page says what is wrong
  log       info, as text
`
	if code != exitOK || out != want || !strings.HasPrefix(said, file+":7: warning: pool[1].tls_insecure") || strings.Count(said, "\n") != 1 {
		t.Errorf("%d\n%s\n%s\nwant %s", code, out, said, want)
	}
}

// check finds what run would fail on, and creates nothing.
func TestCheckFindsWhatRunFailsOn(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	go hangUp(taken) // so that nobody waits for a greeting
	f := func(runCode int, text, want string) {
		t.Helper()
		file := fileOf(t, text)
		for name, exit := range map[string]int{"check": exitFailed, "run": runCode} {
			code, _, said := invoke(t, name, "-c", file)
			if code != exit || !strings.Contains(strings.ReplaceAll(said, `\"`, `"`), want) {
				t.Errorf("%s: %d\n%s\nwant %s", name, code, said, want)
			}
		}
	}
	const pool, web = "[[pool]]\nurl = 'stratum+tcp://127.0.0.1:1'\nuser = 'farm'\n", "[http]\naddress = ''\n"
	const listener = "[[listener]]\naddress = '127.0.0.1:0'\n"
	f(exitUnusable, listener+pool+web+"[log]\nlevel = 'loud'\n", `log.level = "loud"`)
	f(exitFailed, "[[listener]]\naddress = '"+taken.Addr().String()+"'\n"+pool+web, "listener[1].address = "+strconv.Quote(taken.Addr().String())+": another program has this port")
	f(exitFailed, "[[listener]]\naddress = '192.0.2.1:3333'\n"+pool+web, "this machine does not have this address")
	f(exitFailed, listener+pool+"[http]\naddress = '"+taken.Addr().String()+"'\n", "http.address = "+strconv.Quote(taken.Addr().String())+": another program has this port")
	f(exitUnusable, listener+pool+web+"token_file = '"+dir+"/none'\n", "http.token_file: "+dir+"/none: no such file")
	f(exitUnusable, listener+pool+"algorithm = 'sha256f'\n"+web, `pool[1].algorithm = "sha256f": farmproxy does not know this algorithm`)
	f(exitUnusable, "[[listener]]\naddress = '127.0.0.1:3399'\n[[pool]]\nurl = 'stratum+tcp://127.0.0.1:3399'\nuser = 'farm'\n"+web, "this is farmproxy itself")

	// run starts without its store; check reports that it is missing.
	code, _, said := invoke(t, "check", "-c", fileOf(t, listener+pool+web+"[store]\nurl = 'sqlite://"+dir+"/no/farm.db'\n"))
	if code != exitFailed || !strings.Contains(said, "store.url: "+dir+"/no: this directory does not exist") {
		t.Errorf("%d %s", code, said)
	}
	if _, err := os.Stat(dir + "/no"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
	}
}

// What is wrong with what was set over the API is said of that file, not of the one beside it.
func TestCheckNamesTheFileThatIsBroken(t *testing.T) {
	dir := t.TempDir()
	file := fileOf(t, "state_dir = '"+dir+"'\n[[listener]]\naddress = '127.0.0.1:0'\n[http]\naddress = ''\n")
	if err := os.WriteFile(dir+"/overlay.toml", []byte("[[pool]]\nurl = 'nowhere'\nuser = 'farm'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, said := invoke(t, "check", "-c", file)
	if code != exitFailed || !strings.Contains(said, dir+"/overlay.toml:2: pool[1].url") || !strings.Contains(said, "\n"+dir+"/overlay.toml: 1 problem") || strings.Contains(said, file) {
		t.Errorf("%d\n%s", code, said)
	}
}

// Whatever keeps farmproxy from running becomes a line of its log.
func TestFatalErrorsAreInTheLog(t *testing.T) {
	const text = "[[listener]]\naddress = '192.0.2.1:3333'\n[[pool]]\nurl = 'stratum+tcp://127.0.0.1:1'\nuser = 'farm'\n[http]\naddress = ''\n[log]\nformat = 'json'\n"
	f := func(file string, exit int, asJSON bool) {
		t.Helper()
		code, _, said := invoke(t, "run", "-c", file)
		if code != exit || said == "" {
			t.Errorf("%d %s", code, said)
		}
		for line := range strings.Lines(said) {
			var entry struct{ Level, Msg string }
			isJSON := json.Unmarshal([]byte(line), &entry) == nil && entry.Level == "ERROR"
			isText := strings.HasPrefix(line, "time=") && strings.Contains(line, " level=ERROR msg=")
			if isJSON != asJSON || isText == asJSON {
				t.Errorf("JSON is wanted: %v, this is %s", asJSON, line)
			}
		}
	}
	f(fileOf(t, text), exitFailed, true)
	f(fileOf(t, text+"[[pools]]\n"), exitUnusable, true)
	f(fileOf(t, text+"level = 'loud'\n"), exitUnusable, false) // [log] is not known
	f(fileOf(t, text+"["), exitUnusable, false)
	f("/nowhere/farm.toml", exitUnusable, false)
}

// A pool is tried as far as its first job; one that gives none is a problem.
func TestCheckConnects(t *testing.T) {
	o := pool.DefaultOptions()
	o.Name = "main"
	pool, err := pool.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	text := "[[listener]]\naddress = '127.0.0.1:0'\n[http]\naddress = ''\n[[pool]]\nurl = 'stratum+tcp://" + pool.Addr() + "'\nuser = 'farm'\n"
	code, out, said := invoke(t, "check", "-c", fileOf(t, text), "-connect")
	if code != exitOK || said != "" || !strings.Contains(out, "\n  pool[1]   gives an extranonce2 of 8 bytes, version mask 1fffe000, difficulty ") || !strings.Contains(out, ", a job after ") {
		t.Errorf("%d\n%s\n%s", code, out, said)
	}
	text += "[[pool]]\nname = 'dead'\nurl = 'stratum+tcp://127.0.0.1:1'\nuser = 'farm'\n[[pool]]\nurl = 'stratum+tcp://pool.example:3333'\nuser = 'farm'\n"
	code, _, said = invoke(t, "check", "-c", fileOf(t, text), "-connect")
	if code != exitFailed || !strings.Contains(said, `:10: pool[2].url = "stratum+tcp://127.0.0.1:1": this pool sends no job: connect to 127.0.0.1:1: `) ||
		strings.Contains(said, `"stratum+tcp://pool.example:3333": this pool sends no job`) || !strings.Contains(said, "farm.toml: 2 problems\n") {
		t.Errorf("%d\n%s", code, said)
	}
}

// Ports held by the running farmproxy are its own.
func TestCheckBesideAFarmproxyThatRuns(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := api.New(api.Options{Book: stats.New(stats.Options{Loops: 1})})
	go server.Serve(web)
	defer server.Shutdown(t.Context())
	f := func(address string, code int, want string) {
		t.Helper()
		text := "[[listener]]\naddress = '" + taken.Addr().String() + "'\n[[pool]]\nurl = 'stratum+tcp://127.0.0.1:1'\nuser = 'farm'\n[http]\naddress = '" + address + "'\n"
		if got, _, said := invoke(t, "check", "-c", fileOf(t, text)); got != code || strings.Count(said, want) != 2 {
			t.Errorf("http on %s: %d %s\nwant %d, %s twice", address, got, said, code, want)
		}
	}
	f(web.Addr().String(), exitOK, "the running farmproxy has this port")
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go http.Serve(other, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"store":"of shoes"}`) }))
	defer other.Close()
	f(other.Addr().String(), exitFailed, "another program has this port")
}

// hangUp closes each new connection, until the listener is closed.
func hangUp(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		conn.Close()
	}
}

// systemd restarts farmproxy at once only if that can help.
func TestRefusal(t *testing.T) {
	wrong, warning, passing := config.Problem{Key: "pool"}, config.Problem{Warning: true}, config.Problem{Key: "listener[1].address", Passing: true}
	f := func(want int, problems ...config.Problem) {
		t.Helper()
		if got := refusal(problems); got != want {
			t.Errorf("%v: exit %d, want %d", problems, got, want)
		}
	}
	f(exitUnusable, wrong)
	f(exitUnusable, passing, wrong)
	f(exitFailed, passing)
	f(exitFailed, warning, passing)
}
