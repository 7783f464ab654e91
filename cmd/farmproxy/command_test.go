package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const agentConf = "../../config/testdata/btcagent/go_default.json"

// A command line, how it ends, and what it says on each of its two outputs.
func TestCommands(t *testing.T) {
	f := func(line string, code int, stdout, stderr string) {
		t.Helper()
		var out, err strings.Builder
		got := dispatch(context.Background(), strings.Fields(line), &out, &err)
		if got != code || !strings.Contains(out.String(), stdout) || !strings.Contains(err.String(), stderr) ||
			stdout == "" && out.Len() > 0 || stderr == "" && err.Len() > 0 {
			t.Errorf("farmproxy %s: %d, want %d\nstdout, want %q:\n%s\nstderr, want %q:\n%s", line, got, code, stdout, out.String(), stderr, err.String())
		}
	}
	const usage = "farmproxy import - take over"
	f("import -h", exitOK, usage, "")
	f("import stratum-proxy -h", exitOK, usage, "")
	f("import btcagent -h", exitOK, usage, "")
	f("import btcagent --help", exitOK, usage, "")
	f("import", exitMisused, "", usage)
	f("import btcagents "+agentConf, exitMisused, "", usage)
	f("import btcagent", exitMisused, "", "which file?")
	f("import btcagent a.json b.json", exitMisused, "", "One file at a time")
	f("import btcagent -c x a.json", exitMisused, "", "flag provided but not defined: -c")
	f("import stratum-proxy", exitMisused, "", "which file?")
	f("import btcagent "+agentConf, exitOK, `url = "agent+tcp://pool.example:1800"  # pools[1]`, "")
	f("import btcagent none.json", exitFailed, "", "none.json: there is no such file")
	f("import btcagent ../../systemd/farmproxy.toml", exitFailed, "", "this is no configuration of BTCAgent")
	f("import btcagent ../../config/testdata/btcagent/wrong.json", exitFailed, "", `wrong.json:9: agent_listen_port = 70000: expected`)
	f("check -c ../../systemd/farmproxy.toml", exitOK, "ok: 1 listeners, 1 pools", "")
	f("check -c "+agentConf, exitOK, "ok: 1 listeners, 2 pools", "farmproxy import btcagent makes one of farmproxy's")
	f("check -c ../../config/testdata/btcagent/ethereum.json", exitFailed, "", `ethereum.json:2: agent_type = "eth"`)
}

// An import says of each row what became of it, counts what is lost, and its exit
// code tells a script.
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
		got := dispatch(context.Background(), []string{"import", "stratum-proxy", "-c", conf, old}, &out, &out)
		if got != code {
			t.Errorf("exit %d, want %d", got, code)
		}
		for _, part := range says {
			if !strings.Contains(out.String(), part) {
				t.Errorf("it does not say %q:\n%s", part, out.String())
			}
		}
	}
	f(exitOK, "new: 1 accounts, 1 pools, 0 algorithms; there already: 0\n", "as it was here: algorithm scrypt: the divider stays 65536; it was 65535 there")
	if _, err := db.Exec("INSERT INTO users VALUES ('7804e4ad081dc331', 7, 'bob', 'x'), ('7804e4ad081dc332', 8, 'carol', 'x')"); err != nil {
		t.Fatal(err)
	}
	f(exitPartly, "new: 0 accounts, 0 pools, 0 algorithms; there already: 2\n", `not taken over: account "7804e4ad081dc331" of user "bob": its pool has no row in pools (pool_id 7)`, `"carol"`, "not taken over: 2, for the reasons above")
}

// What is printed runs as it is.
func TestImportedFileIsRight(t *testing.T) {
	var text, said strings.Builder
	if code := dispatch(context.Background(), []string{"import", "btcagent", agentConf}, &text, &said); code != exitOK {
		t.Fatalf("%d: %s", code, said.String())
	}
	path := filepath.Join(t.TempDir(), "farmproxy.toml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if code := dispatch(context.Background(), []string{"check", "-c", path}, &text, &said); code != exitOK || said.Len() > 0 {
		t.Errorf("%d: %s", code, said.String())
	}
}
