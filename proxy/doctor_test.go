package proxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	benchpool "farmproxy/bench/pool"
	"farmproxy/certificate"
	"farmproxy/config"
	"farmproxy/dial"
	"farmproxy/doctor"
)

// box is this machine, except for what a test may not break: it remembers what was set.
type box struct {
	host
	names  map[string]string
	kernel map[string]string
	space  doctor.Space
	synced bool
	drift  time.Duration
}

func (b *box) Lookup(_ context.Context, name string) ([]netip.Addr, error) {
	if a, ok := b.names[name]; ok {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, errors.New("no such host")
}

func (b *box) Sysctl(name string) (string, error) {
	if v, ok := b.kernel[name]; ok {
		return v + "\n", nil
	}
	return "", os.ErrNotExist
}

func (b *box) Disk(string) (doctor.Space, error) { return b.space, nil }
func (b *box) ClockSynchronized() (bool, error)  { return b.synced, nil }
func (b *box) Now() time.Time                    { return time.Now().Add(b.drift) }

// run does what a cure says to run.
func (b *box) run(t *testing.T, command string) {
	t.Helper()
	if setting, ok := strings.CutPrefix(command, "sysctl -w "); ok {
		name, value, _ := strings.Cut(setting, "=")
		b.kernel[name] = value
		return
	}
	switch word, _, _ := strings.Cut(command, " "); word {
	case "timedatectl":
		b.synced, b.drift = true, 0
	case "mkdir", "chmod":
		if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", command, err, out)
		}
	case "getent", "df", "date", "timeout": // to look, for people
	default:
		t.Errorf("a cure says to run %s", command)
	}
}

// patient is an installation that is well until a test breaks it.
type patient struct {
	*box
	t    *testing.T
	dir  string
	keys map[string]string // of the configuration: table.key, to the value as it is written
	mode os.FileMode       // of its file
	pool *benchpool.Pool
}

func newPatient(t *testing.T) *patient {
	p := &patient{t: t, dir: t.TempDir(), mode: 0o640, pool: startPool(t, nil), box: &box{
		names: map[string]string{}, kernel: map[string]string{}, synced: true,
		space: doctor.Space{Free: 50 << 30, Total: 100 << 30, FreeInodes: 1000, Inodes: 2000},
	}}
	for _, s := range shippedSysctls() {
		p.kernel[s.Name] = strconv.FormatInt(s.Want, 10)
	}
	p.keys = map[string]string{
		"state_dir": "'" + p.dir + "'", "http.address": "''", "miners.max": "100", "listener.address": "'127.0.0.1:0'",
		"pool.url": "'stratum+tcp://" + p.pool.Addr() + "'", "pool.user": "'farm'",
	}
	return p
}

// set sets a key as a cure names it, pool[1].url; of lists there is one entry. Without a
// value the key is left out.
func (p *patient) set(key, value string) { p.keys[strings.Replace(key, "[1]", "", 1)] = value }

// shows gives the listener a certificate that ends after left.
func (p *patient) shows(left time.Duration) {
	p.t.Helper()
	files := certificate.Files{Cert: filepath.Join(p.dir, "cert.pem"), Key: filepath.Join(p.dir, "key.pem")}
	os.Remove(files.Cert)
	os.Remove(files.Key)
	cert, key, err := certificate.SelfSigned([]string{"edge.farm"}, time.Now().Add(left-24*time.Hour), 24*time.Hour)
	if err == nil {
		err = files.Write(cert, key)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.set("listener.tls", "{ cert = '"+files.Cert+"', key = '"+files.Key+"' }")
}

// text returns the configuration.
func (p *patient) text() string {
	tables := map[string]string{}
	for key, value := range p.keys {
		table, name, ok := strings.Cut(key, ".")
		if !ok {
			table, name = "", key
		}
		if value != "" {
			tables[table] += name + " = " + value + "\n"
		}
	}
	text := tables[""]
	delete(tables, "")
	for table, lines := range tables {
		head := "[" + table + "]\n"
		if table == "listener" || table == "pool" {
			head = "[[" + table + "]]\n"
		}
		text += head + lines
	}
	return text
}

// findings returns what doctor finds that is not well.
func (p *patient) findings() (list []doctor.Finding) {
	p.t.Helper()
	file := filepath.Join(p.dir, "farm.toml")
	if err := os.WriteFile(file, []byte(p.text()), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Chmod(file, p.mode); err != nil {
		p.t.Fatal(err)
	}
	f, err := config.Open(file)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, found := range diagnose(p.t.Context(), f, 0, p.box) {
		if found.State != doctor.OK {
			list = append(list, found)
		}
	}
	return list
}

// follow does what a cure says: commands and lines of the configuration to the letter,
// and words as an operator would.
func (p *patient) follow(f doctor.Finding, operator func(*patient)) {
	p.t.Helper()
	words := false
	for _, step := range f.Cure {
		switch {
		case step.Run != "":
			p.run(p.t, step.Run)
		case step.Set != "":
			key, value, _ := strings.Cut(step.Set, " = ")
			p.set(key, value)
		default:
			words = true
		}
	}
	if file := filepath.Join(p.dir, "farm.toml"); len(f.Cure) > 0 {
		if info, err := os.Stat(file); err == nil {
			p.mode = info.Mode().Perm()
		}
	}
	if words && operator != nil {
		operator(p)
	}
}

// Doctor finds each of these broken set-ups, and nothing else; doing what it says mends it.
func TestDoctorsAdviceMends(t *testing.T) {
	t.Parallel()
	encrypted := func(p *patient, end time.Time) *middle {
		return newMiddle(p.t, "127.0.0.1:0", p.pool, &tls.Config{Certificates: []tls.Certificate{certificateUntil(p.t, end)}})
	}
	pinned := func(p *patient, end time.Time) {
		m := encrypted(p, end)
		leaf, err := x509.ParseCertificate(m.tls.Certificates[0].Certificate[0])
		if err != nil {
			p.t.Fatal(err)
		}
		p.set("pool[1].url", "'stratum+tls://"+m.at+"'")
		p.set("pool[1].tls_fingerprint", "'"+dial.Fingerprint(leaf)+"'")
	}
	year := time.Now().AddDate(1, 0, 0)
	var port net.Listener
	for _, c := range []struct {
		name     string
		breaks   func(p *patient)
		about    string
		says     string
		operator func(p *patient) // what the words of the advice ask for; nil: it is all commands and keys
		told     string           // the words that do
	}{
		{"state_dir is missing", func(p *patient) { p.set("state_dir", "'"+p.dir+"/state'") },
			"configuration", "this directory does not exist", nil, ""},
		{"everybody can read the tokens", func(p *patient) {
			file := filepath.Join(p.dir, "tokens")
			os.WriteFile(file, []byte("admin 0123456789012345\n"), 0o600)
			os.Chmod(file, 0o644)
			p.set("http.token_file", "'"+file+"'")
		}, "configuration", "every user of this machine can read or write it", nil, ""},
		{"everybody can read a password", func(p *patient) { p.set("pool[1].password", "'hunter2'"); p.mode = 0o644 },
			"configuration", "pool[1].password in it", nil, ""},
		{"a typing error", func(p *patient) { p.set("miners.keepalife", "'20s'") },
			"configuration", `keepalife`, func(p *patient) { p.set("miners.keepalife", "") }, "keepalive"},
		{"the pool's name is wrong", func(p *patient) { p.set("pool[1].url", "'stratum+tcp://polo.farm:3333'") },
			"dns", "this name does not resolve now: no such host", func(p *patient) { p.set("pool[1].url", "'stratum+tcp://"+p.pool.Addr()+"'") }, "correct the name in pool[1].url"},
		{"the pool does not know the account", func(p *patient) {
			p.pool = startPool(p.t, func(o *benchpool.Options) { o.RefuseNames = regexp.MustCompile("^farm$") })
			p.set("pool[1].url", "'stratum+tcp://"+p.pool.Addr()+"'")
		}, "pool[1]", "sends no job", func(p *patient) { p.set("pool[1].user", "'other'") }, "set pool[1].user and pool[1].password"},
		{"the pool is down", func(p *patient) { p.pool.Stop() },
			"pool[1]", "connection refused", func(p *patient) { p.pool.Start() }, "the pool may also be down"},
		{"the pool's certificate has expired", func(p *patient) {
			p.set("pool[1].url", "'stratum+tls://"+encrypted(p, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)).at+"'")
		}, "pool[1]", "check this machine's clock", nil, ""},
		{"nobody has signed the pool's certificate", func(p *patient) { p.set("pool[1].url", "'stratum+tls://"+encrypted(p, year).at+"'") },
			"pool[1]", "cannot be verified", nil, ""},
		{"the pool's certificate ends next week", func(p *patient) { pinned(p, time.Now().AddDate(0, 0, 7)) },
			"certificate", "that of pool[1] is valid until", func(p *patient) { pinned(p, year) }, "set the new one"},
		{"the miners' certificate ends next week", func(p *patient) { p.shows(7 * 24 * time.Hour) },
			"certificate", "ends in 6 days", func(p *patient) { p.shows(365 * 24 * time.Hour) }, "renewing it"},
		{"the miners' certificate has expired", func(p *patient) { p.shows(-49 * time.Hour) },
			"certificate", "has expired 2 days ago", func(p *patient) { p.shows(365 * 24 * time.Hour) }, "renewing it"},
		{"the miners' certificate is missing", func(p *patient) {
			p.shows(time.Hour)
			os.Remove(filepath.Join(p.dir, "cert.pem"))
		}, "certificate", "no such file", func(p *patient) { p.shows(365 * 24 * time.Hour) }, ""},
		{"the port is the pool's for TLS", func(p *patient) { p.set("pool[1].url", "'stratum+tcp://"+encrypted(p, year).at+"'") },
			"pool[1]", "sends no job", nil, ""},
		{"the port is not the pool's for TLS", func(p *patient) { p.set("pool[1].url", "'stratum+tls://"+p.pool.Addr()+"'") },
			"pool[1]", "sends no job", nil, ""},
		{"another program has the port", func(p *patient) {
			port, _ = net.Listen("tcp", free(p.t))
			p.set("listener.address", "'"+port.Addr().String()+"'")
		}, "configuration", "another program has this port", func(p *patient) {
			port.Close()
			eventually(p.t, "the port is free", func() bool { // a process that is just being started has it too
				c, err := net.Dial("tcp", port.Addr().String())
				if err == nil {
					c.Close()
				}
				return errors.Is(err, syscall.ECONNREFUSED)
			})
		}, "another port"},
		{"the kernel's queue is short", func(p *patient) { p.kernel["net.core.somaxconn"] = "128" },
			"kernel", "net.core.somaxconn is 128, the package ships 65535", nil, ""},
		{"the kernel is patient with dead miners", func(p *patient) { p.kernel["net.ipv4.tcp_retries2"] = "15" },
			"kernel", "net.ipv4.tcp_retries2 is 15, the package ships 8", nil, ""},
		{"nothing keeps the clock right", func(p *patient) { p.synced = false },
			"clock", "nothing keeps this machine's clock right", nil, ""},
		{"the clock is wrong", func(p *patient) { p.drift = time.Hour },
			"clock", "clock is 1h0m", nil, ""},
		{"the disk is full", func(p *patient) { p.space.Free = 1 << 20 },
			"disk", "has 1 MB free", func(p *patient) { p.space.Free = 50 << 30 }, "delete files there"},
		{"the disk will soon be full", func(p *patient) { p.space.Free = 4 << 30 },
			"disk", "has 4,096 MB free", func(p *patient) { p.space.Free = 50 << 30 }, "delete files there"},
		{"there are no inodes", func(p *patient) { p.space.FreeInodes = 0 },
			"disk", "without a free inode", func(p *patient) { p.space.FreeInodes = 1000 }, "delete files there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPatient(t)
			if found := p.findings(); len(found) > 0 {
				t.Fatalf("before it is broken: %v", found)
			}
			c.breaks(p)
			found := p.findings()
			if len(found) != 1 || found[0].About != c.about || !strings.Contains(found[0].Says, c.says) || len(found[0].Cure) == 0 {
				t.Fatalf("doctor finds %v\nwant one about %s: %s", found, c.about, c.says)
			}
			if cure := found[0].String(); !strings.Contains(cure, c.told) {
				t.Errorf("the cure does not say %q: %s", c.told, cure)
			}
			for range 3 { // the port for TLS leads to its certificate
				for _, f := range found {
					p.follow(f, c.operator)
				}
				if found = p.findings(); len(found) == 0 {
					return
				}
			}
			t.Errorf("after doing what it said: %v", found)
		})
	}
}

// limited tells the child of TestDoctorFindsALowLimit which file to look at.
const limited = "FARMPROXY_TEST_DOCTOR"

// The limit of open files is too low for miners.max; with the limit that doctor gives it
// is not.
func TestDoctorFindsALowLimit(t *testing.T) {
	if file := os.Getenv(limited); file != "" {
		f, err := config.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		findings, err := json.Marshal(diagnose(t.Context(), f, 0, host{}))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\nfindings: %s\n", findings)
		return
	}
	t.Parallel()
	p := newPatient(t)
	p.set("miners.max", "1000")
	file := filepath.Join(p.dir, "farm.toml")
	if err := os.WriteFile(file, []byte(p.text()), 0o600); err != nil {
		t.Fatal(err)
	}
	look := func(before string) doctor.Finding {
		t.Helper()
		child := exec.Command("sh", "-c", before+` && exec "$0" -test.run='^TestDoctorFindsALowLimit$' -test.v`, os.Args[0])
		child.Env = append(os.Environ(), limited+"="+file)
		out, err := child.CombinedOutput()
		_, text, _ := strings.Cut(string(out), "\nfindings: ")
		text, _, _ = strings.Cut(text, "\n")
		var findings []doctor.Finding
		if err := cmp.Or(err, json.Unmarshal([]byte(text), &findings)); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, f := range findings {
			if f.About == "limits" {
				return f
			}
		}
		t.Fatalf("nothing about limits: %s", text)
		return doctor.Finding{}
	}
	f := look("ulimit -n 600")
	if f.State != doctor.Problem || !strings.Contains(f.Says, "may open 600 files") || !strings.Contains(f.Says, "miners.max is 1000") {
		t.Fatalf("doctor finds %v", f)
	}
	if f := look(f.Cure[1].Run); f.State != doctor.OK {
		t.Errorf("after %s: %v", f.Cure, f)
	}
}
