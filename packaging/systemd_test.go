// Package packaging tests the packages that make deb, rpm and tarball build, as an
// operator meets them: with a systemd of its own that installs, upgrades and removes them.
package packaging

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// farm is a configuration for the pool that runs inside.
const farm = `
[[listener]]
address = "127.0.0.1:3333"

[[listener]]
address = "127.0.0.1:3334"
tls     = { cert = "/etc/farmproxy/cert.pem", key = "/etc/farmproxy/key.pem" }

[[pool]]
url  = "stratum+tcp://127.0.0.1:4444"
user = "account"

[store]
url      = "sqlite:///var/lib/farmproxy/farmproxy.db"
key_file = "/etc/farmproxy/store.key"

[http]
address    = "127.0.0.1:8080"
token_file = "/etc/farmproxy/tokens"
`

const config = "/etc/farmproxy/farmproxy.toml"

// A package goes through its whole life while miners mine: each step goes on where the
// one before it ended.
func TestPackageOnSystemd(t *testing.T) {
	packages := strings.Fields(os.Getenv("FARMPROXY_PACKAGES"))
	if len(packages) != 2 {
		t.Skip("make test-packages builds two versions and names them in FARMPROXY_PACKAGES")
	}
	b := boot(t)
	for i, name := range []string{"old", "new"} {
		b.put(name+".deb", packages[i]+".deb")
		b.put(name+".rpm", packages[i]+".rpm")
		b.put(name+".tar.gz", packages[i]+".tar.gz")
	}
	// Pool and miners are none of the package's: they must outlive it.
	b.run("cd /run/stage && dpkg-deb --fsys-tarfile old.deb | tar -xO ./usr/bin/farmproxy >bench && chmod +x bench")
	b.put("sudo", "testdata/sudo")
	b.run("install /run/stage/sudo /usr/local/bin/")
	life := []struct {
		name string
		step func(*box)
	}{
		{"install", install},
		{"units", units},
		{"start", start},
		{"reload", reload},
		{"tokens", tokens},
		{"upgrade", upgrade},
		{"crash", crash},
		{"backup", backup},
		{"restart loop", restartLoop},
		{"remove", remove},
		{"rpm", rpm},
		{"tarball", tarball},
	}
	for _, stage := range life {
		if !t.Run(stage.name, func(t *testing.T) { stage.step(&box{t, b.stage, b.init}) }) {
			b.try("journalctl -q -n 200 -o short-precise -t systemd; journalctl -q -n 100 -o short-precise")
			return
		}
	}
}

// install: it is enabled, but has no pool yet, says so, and does not try for ever.
func install(b *box) {
	b.run(listFiles("before"))
	b.want("dpkg -i /run/stage/old.deb 2>&1", `needs your pool first`)
	b.want("systemctl is-enabled farmproxy", `^enabled$`)
	b.run("ls /usr/share/zsh/vendor-completions/_farmproxy /usr/share/bash-completion/completions/farmproxy /usr/share/man/man8/farmproxy.8.gz")
	b.want("stat -c '%a %U:%G' /etc/farmproxy "+config, `^750 root:farmproxy\n640 root:farmproxy$`)
	b.want("getent passwd farmproxy", `nologin$`)
	b.refuses("systemctl start farmproxy", `failed`)
	b.want("systemctl show -P Result -P NRestarts -P ExecMainStatus farmproxy", `^exit-code\s+0\s+78$`)
	b.want("journalctl -u farmproxy -o cat", `pool\.example.*does not exist`)
	b.want("systemctl is-active farmproxy-retry || true", `^activating$`)
	b.tells("farmproxy-retry", "systemctl stop farmproxy", `^Stopped farmproxy-retry`)
}

// units: systemd has nothing to say against them.
func units(b *box) {
	b.want("systemd-analyze verify farmproxy.service farmproxy-retry.service 2>&1", `^$`)
	b.run("systemd-analyze security --threshold=15 farmproxy.service")
}

// start: as docs/operations.md says, with tokens and keys.
func start(b *box) {
	b.tells("pool", "systemd-run -q --unit=pool /run/stage/bench bench pool -listen 127.0.0.1:4444", `pool listens`)
	b.write("/root/farmproxy.toml", farm)
	b.run("cp /root/farmproxy.toml " + config)
	b.run("cd /root && " + documented(b.T, "Tokens and keys"))
	b.want("stat -c '%a %U:%G' /etc/farmproxy/*", `^(640 root:farmproxy\n?){5}$`)
	b.want("sudo -u farmproxy farmproxy check -connect -c "+config, `toml: ok\n(?s:.*)127\.0\.0\.1:4444`)
	b.run("systemctl start farmproxy")
	b.want("systemctl show -P LimitNOFILE farmproxy", `^1048576$`)
	b.want("cat /proc/sys/net/core/somaxconn", `^65535$`)
	b.want("systemctl show -P User -P WatchdogUSec farmproxy", `^30s\s+farmproxy$`)
	b.tells("fleet", "systemd-run -q --unit=fleet -p KillSignal=SIGINT /run/stage/bench bench fleet -miners 50 -rate 50 -reconnect=false",
		`50 of 50 miners at work`)
	b.want("farmproxy status", `miners +50 of`)
}

// reload: the same process goes on, with a file that is right and in spite of one that is
// not.
func reload(b *box) {
	pid := mainPID(b)
	b.run("sed -i 's/^user = .*/user = \"another\"/' " + config)
	b.want("sudo -u farmproxy farmproxy check -diff", `user from "account" to "another"`)
	b.run("systemctl reload farmproxy")
	b.run("echo 'no_such_key = 1' >>" + config)
	b.refuses("systemctl reload farmproxy", `farmproxy`)
	b.want("journalctl -u farmproxy -o cat", `no_such_key`)
	b.want("systemctl is-active farmproxy", `^active$`)
	if now := mainPID(b); now != pid {
		b.Errorf("the main process was %s, and is %s", pid, now)
	}
}

// tokens: docs/operations.md replaces one by another, with a reload and no restart.
func tokens(b *box) {
	b.run("sed -i /no_such_key/d " + config)
	pid := mainPID(b)
	old := b.run("cut -d ' ' -f 2 /etc/farmproxy/tokens")
	b.run(documented(b.T, "Change tokens and passwords"))
	b.want("stat -c '%a %U:%G' /etc/farmproxy/tokens", `^640 root:farmproxy$`)
	b.run(asAdmin + "status")
	b.refuses("curl -sf -H 'Authorization: Bearer "+old+"' http://127.0.0.1:8080/api/v1/status", ``)
	b.want("farmproxy status -json", `"pid":`+pid)
}

// asAdmin is the beginning of a request to the API.
const asAdmin = `curl -sf -H "Authorization: Bearer $(cut -d ' ' -f 2 /etc/farmproxy/tokens)" http://127.0.0.1:8080/api/v1/`

// upgrade: the package manager is enough, there and back, and no miner is disconnected.
func upgrade(b *box) {
	pid := mainPID(b)
	for _, deb := range []string{"new.deb", "old.deb"} {
		b.run("dpkg -i /run/stage/" + deb + " 2>&1")
		version := b.run("dpkg-deb -f /run/stage/" + deb + " Version | cut -d - -f 1")
		b.want("journalctl -u farmproxy -o cat", version)
		b.want("farmproxy status -json", `"version":\s*"`+version+`"`)
		now := mainPID(b)
		if now == pid {
			b.Errorf("%s: the main process is still %s", deb, pid)
		}
		b.want("systemctl show -P NRestarts -P ActiveState farmproxy", `^0\s+active$`)
		pid = now
	}
	b.run("systemctl stop fleet")
	b.want("journalctl -q -o cat _SYSTEMD_UNIT=fleet.service | tail -1", `^50 of 50 miners at work, [0-9]+ shares sent: [0-9]+ accepted, 0 refused, 0 pending`)
}

// crash: systemd starts it again, whether it dies or hangs; and a file with a mistake
// does not keep it from starting.
func crash(b *box) {
	b.tells("farmproxy", "kill -9 "+mainPID(b), `restart counter is at 1`, `^Started farmproxy`)

	b.dropIn("farmproxy.service", "WatchdogSec=2")
	b.run("echo 'no_such_key = 1' >>" + config)
	b.tells("farmproxy", "systemctl restart farmproxy", `no_such_key`, `^Started farmproxy`)
	b.tells("farmproxy", "kill -STOP "+mainPID(b), `Watchdog timeout`, `^Started farmproxy`)
	b.run("sed -i /no_such_key/d " + config)
}

// backup: as docs/operations.md says; the account that was in it is in the restored store.
func backup(b *box) {
	b.run(asAdmin + `pools -d '{"pool":"127.0.0.1:4444","algorithm":"sha256d"}'`)
	b.run(asAdmin + `users -d '{"pool":"127.0.0.1:4444","user":"alice","password":"x"}'`)
	before := b.run(asAdmin + "users")
	b.run("cd /root && " + documented(b.T, "Back up and restore"))
	b.want("tar -tzf /root/farmproxy-etc.tar.gz", `etc/farmproxy/farmproxy\.toml`)
	b.want("stat -c '%a %U:%G' /var/lib/farmproxy/backups/*", `^700 farmproxy:farmproxy$`)
	b.want("systemctl is-active farmproxy", `^active$`)
	if after := b.run(asAdmin + "users"); after != before {
		b.Errorf("the accounts were %s, and are %s", before, after)
	}
	b.run("rm -r /var/lib/farmproxy/backups")
}

// restartLoop: what cannot start is tried again, but not all the time; stopping stops
// that too.
func restartLoop(b *box) {
	b.run("systemctl stop farmproxy; systemctl reset-failed")
	b.dropIn("farmproxy-retry.service", "Environment=SECONDS_TO_WAIT=3")
	b.tells("squatter", "systemd-run -q --unit=squatter /run/stage/bench bench pool -listen 127.0.0.1:3333", `pool listens`)
	b.tells("farmproxy-retry", "systemctl start farmproxy || true", `farmproxy has failed; it is started again`)
	b.want("systemctl is-failed farmproxy", `^failed$`)
	b.want("journalctl -u farmproxy -o cat", `Start request repeated too quickly`)
	b.tells("farmproxy", "systemctl stop squatter", `^Started farmproxy`)
	b.run("systemctl stop farmproxy")
	b.want("systemctl show -P Result farmproxy", `^success$`)
	b.run("rm -r /run/systemd/system/farmproxy*.d; systemctl daemon-reload")
}

// remove: what is left is what the operator would miss; after a purge without accounts,
// nothing.
func remove(b *box) {
	b.run("systemctl start farmproxy")
	b.run("dpkg -r farmproxy 2>&1")
	b.refuses("systemctl is-active farmproxy", `^inactive$`)
	b.want("ls /etc/farmproxy /var/lib/farmproxy", `(?s)farmproxy\.toml.*farmproxy\.db`)
	b.want("dpkg -P farmproxy 2>&1", `kept /etc/farmproxy(?s:.*)kept /var/lib/farmproxy`)
	b.want("ls /etc/farmproxy", `^cert\.pem\s+key\.pem\s+store\.key\s+tokens$`)
	b.want("ls /var/lib/farmproxy", `^accounts\.json\s+farmproxy\.db\s`)

	b.run("rm -r /etc/farmproxy /var/lib/farmproxy; dpkg -i /run/stage/new.deb 2>&1; dpkg -P farmproxy 2>&1")
	b.run(listFiles("after"))
	b.want("diff /run/before /run/after", `^$`)
	b.want("getent passwd farmproxy || echo gone", `^gone$`)
}

// rpm: the same, without Debian's tools. What an operator wrote stays.
func rpm(b *box) {
	b.run("mkdir /run/debian; mv /usr/bin/deb-systemd-* /run/debian")
	b.want("rpm -i --nodeps /run/stage/old.rpm 2>&1", `needs your pool first`)
	b.want("systemctl is-enabled farmproxy", `^enabled$`)
	b.want("stat -c '%a %U:%G' /etc/farmproxy "+config, `^750 root:farmproxy\n640 root:farmproxy$`)
	b.run("rpm -e farmproxy 2>&1")
	b.want("ls /etc/farmproxy /usr/lib/systemd/system/farmproxy* 2>&1 || true", `No such file.*\n.*No such file`)

	b.run("mkdir -p /etc/farmproxy; cp /root/farmproxy.toml " + config)
	b.run("sed -i '/_file/d; /^tls/d' " + config)
	b.run("rpm -i --nodeps /run/stage/old.rpm 2>&1") // complete already: it starts
	b.run("systemctl is-active farmproxy")
	pid := mainPID(b)
	b.run("rpm -U --nodeps /run/stage/new.rpm 2>&1")
	b.want("systemctl show -P NRestarts -P ActiveState farmproxy", `^0\s+active$`)
	if mainPID(b) == pid {
		b.Error("the new version does not run")
	}
	b.run("rpm -e farmproxy 2>&1")
	b.refuses("systemctl is-active farmproxy", `^inactive$`)
	b.want("ls "+config+" /var/lib/farmproxy", `farmproxy\.toml`)
	b.run("mv /run/debian/* /usr/bin; rm -rf /etc/farmproxy /var/lib/farmproxy; userdel farmproxy")
}

// tarball: the commands of docs/operations.md for systems without a package manager.
func tarball(b *box) {
	b.run("cd /root && cp /run/stage/old.tar.gz farmproxy-0-linux-amd64.tar.gz && " + documented(b.T, "Without a package manager"))
	b.want("stat -c '%a %U:%G' "+config, `^640 root:farmproxy$`)
	b.run("cp /root/farmproxy.toml " + config + " && sed -i '/_file/d; /^tls/d' " + config)
	b.run("systemctl start farmproxy")
	b.want("systemctl is-active farmproxy", `^active$`)
}

// listFiles is the line that lists all files that a package could leave, but for the
// books of the package manager and of systemd.
func listFiles(name string) string {
	return "find /etc /usr /opt /srv /home /run /var -xdev -not -path '/var/lib/dpkg/*' -not -path '/var/cache/*' -not -path '/var/log/*' " +
		"-not -path '/var/tmp/*' -not -path '/run/stage*' -not -path '/run/systemd/*' -not -path /run/before -not -path /run/after | sort >/run/" + name
}

// dropIn overrides lines of a unit's section [Service].
func (b *box) dropIn(unit string, lines ...string) {
	b.Helper()
	dir := "/run/systemd/system/" + unit + ".d"
	b.run("mkdir -p " + dir)
	b.write(dir+"/box.conf", "[Service]\n"+strings.Join(lines, "\n")+"\n")
	b.run("systemctl daemon-reload")
}

// mainPID asks systemd for the process that it takes for farmproxy.
func mainPID(b *box) string {
	b.Helper()
	return b.run("systemctl show -P MainPID farmproxy")
}

// documented returns the commands of a section of docs/operations.md, without their
// comments.
func documented(t *testing.T, section string) string {
	t.Helper()
	text := read(t, filepath.Join("..", "docs", "operations.md"))
	_, text, found := strings.Cut(text, "\n## "+section+"\n")
	if !found {
		t.Fatalf("docs/operations.md has no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	var commands []string
	for _, block := range strings.Split(text, "```sh\n")[1:] {
		if code, _, isCode := strings.Cut(block, "\n```"); isCode {
			commands = append(commands, code)
		}
	}
	if len(commands) == 0 {
		t.Fatalf("docs/operations.md: section %q has no commands", section)
	}
	return "set -e; " + strings.Join(commands, "\n")
}

// put copies a file to /run/stage.
func (b *box) put(name, from string) {
	b.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(filepath.Join(b.stage, name), text, 0o755)
	}
	if err != nil {
		b.Fatal(fmt.Errorf("for the box: %w", err))
	}
}
