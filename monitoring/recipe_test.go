package monitoring

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A recipe is tried with its own files, as docs/monitoring.md says where to put them, on a
// stage: another root, other addresses, and shorter intervals.
type recipe struct {
	*testing.T
	root  string
	host  string            // where no other process listens
	ports map[string]string // what a port of the files is here
	env   map[string]string // of the units
	token string            // of farmproxy
}

func newRecipe(t *testing.T, f *farm) *recipe {
	// A host of this process: those who connect do so from 127.0.0.1, so a port that is
	// free there stays free.
	pid := os.Getpid()
	host := net.IPv4(127, byte(2+pid>>16), byte(pid>>8), byte(pid)).String()
	return &recipe{T: t, root: t.TempDir(), host: host, ports: map[string]string{"8080": f.Listener.Addr().String()}, env: map[string]string{}, token: f.token}
}

// port returns what a port of the files is here.
func (r *recipe) port(theirs string) string {
	r.Helper()
	if ours, known := r.ports[theirs]; known {
		return ours
	}
	l, err := net.Listen("tcp", r.host+":0")
	if err != nil {
		r.Fatal(err)
	}
	defer l.Close()
	r.ports[theirs] = l.Addr().String()
	return r.ports[theirs]
}

var (
	address  = regexp.MustCompile(`(?:127\.0\.0\.1|centre\.example)?:(\d{4})\b`)
	place    = regexp.MustCompile(`/(etc|var/lib)/`)
	interval = regexp.MustCompile(`(_interval: |evaluationInterval=)\d+s`)
)

// staged returns a text of the recipe as it is on the stage.
func (r *recipe) staged(text string) string {
	text = address.ReplaceAllStringFunc(text, func(s string) string { return r.port(s[len(s)-4:]) })
	text = place.ReplaceAllString(text, r.root+"/$1/")
	text = interval.ReplaceAllString(text, "${1}200ms")
	return strings.ReplaceAll(text, "# authorization:", "authorization:")
}

// shared is where packages put what is in this directory.
const shared = "/usr/share/farmproxy/monitoring"

// follow installs what a section of docs/monitoring.md says. Where it makes a token for
// farmproxy, it is the farm's.
func (r *recipe) follow(section string) {
	r.Helper()
	doc, err := os.ReadFile("../docs/monitoring.md")
	if err != nil {
		r.Fatal(err)
	}
	_, text, found := strings.Cut(string(doc), "\n"+section+"\n")
	if !found {
		r.Fatalf("docs/monitoring.md has no section %s", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	text, _, _ = strings.Cut(text, "\n### ")
	installs, dir := 0, shared
	for line := range strings.Lines(text) {
		if _, command, is := strings.Cut(line, "sudo install "); is {
			installs++
			r.documented(dir, strings.Fields(command))
		} else if to, is := strings.CutPrefix(line, "cd "); is {
			dir = strings.Fields(to)[0]
		}
	}
	if installs == 0 {
		r.Fatalf("docs/monitoring.md: section %s installs nothing", section)
	}
}

// documented does what install(1) does with these arguments in a directory.
func (r *recipe) documented(dir string, args []string) {
	r.Helper()
	flags := flag.NewFlagSet("install", flag.ContinueOnError)
	flags.Bool("D", false, "")
	flags.String("m", "", "")
	flags.String("g", "", "")
	into := flags.String("t", "", "")
	if err := flags.Parse(args); err != nil {
		r.Fatal(err)
	}
	files, to := flags.Args(), *into+"/"
	if *into == "" {
		files, to = files[:len(files)-1], files[len(files)-1]
	}
	for _, from := range files {
		place := to
		if strings.HasSuffix(to, "/") {
			place += path.Base(from)
		}
		switch from {
		case "/dev/stdin":
			r.put(place, r.token+"\n")
		case "/dev/null":
			r.put(place, "")
		default:
			if !path.IsAbs(from) {
				from = path.Join(dir, from)
			}
			r.install(strings.TrimPrefix(from, shared+"/"), place)
		}
	}
}

// install puts a file of this directory in its place.
func (r *recipe) install(from, to string) {
	r.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		r.Fatal(err)
	}
	r.put(to, r.staged(string(text)))
}

func (r *recipe) put(to, text string) {
	r.Helper()
	to = filepath.Join(r.root, to)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		r.Fatal(err)
	}
	write(r.T, to, text)
}

// assignments returns the lines NAME=VALUE of an installed file, as systemd reads them.
func (r *recipe) assignments(file string) map[string]string {
	r.Helper()
	text, err := os.ReadFile(filepath.Join(r.root, file))
	if err != nil {
		r.Fatal(err)
	}
	all := make(map[string]string)
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			all[name] = strings.Trim(value, `"`)
		}
	}
	return all
}

// unit runs what an installed unit starts.
func (r *recipe) unit(file string) *process {
	r.Helper()
	start := r.assignments(file)["ExecStart"]
	if start == "" {
		r.Fatalf("%s starts nothing", file)
	}
	return r.start(strings.Fields(os.Expand(start, func(name string) string { return r.env[name] }))...)
}

// process is one that the recipe has started.
type process struct {
	*exec.Cmd
	said  bytes.Buffer
	ended chan struct{}
}

// start runs a command in the background until the test ends.
func (r *recipe) start(command ...string) *process {
	r.Helper()
	// Not the test's context: it is over before the cleanup that ends the process.
	p := &process{Cmd: exec.Command(filepath.Base(command[0]), command[1:]...), ended: make(chan struct{})}
	p.Stdout, p.Stderr = &p.said, &p.said
	p.Env = os.Environ()
	for name, value := range r.env {
		p.Env = append(p.Env, name+"="+value)
	}
	if err := p.Start(); err != nil {
		r.Fatal(err)
	}
	go func() {
		p.Wait() // its end is one of the test's doing, or the test misses what it does
		close(p.ended)
	}()
	r.Cleanup(func() {
		p.Process.Kill() // has perhaps ended
		<-p.ended
		if r.Failed() {
			r.Logf("%s\n%s", strings.Join(command, " "), p.said.String())
		}
	})
	return p
}

// stop ends a process as systemd does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.Process.Signal(syscall.SIGTERM) // fails if it has ended
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("%s does not end", p.Path)
	}
}

// ask asks for a path of what listens at a port of the files. It returns nil if there is no
// good answer.
func (r *recipe) ask(port, path string, query ...string) []byte {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	values := url.Values{}
	for i := 0; i < len(query); i += 2 {
		values.Add(query[i], query[i+1])
	}
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+r.port(port)+path+"?"+values.Encode(), nil)
	if err != nil {
		r.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err == nil && answer.StatusCode == http.StatusOK {
		return body
	}
	return nil
}

// value returns what PromQL says of a single value; ok is false if it says nothing.
func (r *recipe) value(port, expr string) (value string, ok bool) {
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if json.Unmarshal(r.ask(port, "/api/v1/query", "query", expr), &answer) != nil || len(answer.Data.Result) != 1 {
		return "", false
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1]), true
}

// certify makes a certificate for the host, which every process of the recipe trusts.
func (r *recipe) certify(cert, key string) {
	r.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(r.host)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		r.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		r.Fatal(err)
	}
	r.put(cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	r.put(key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	if _, err := tls.LoadX509KeyPair(filepath.Join(r.root, cert), filepath.Join(r.root, key)); err != nil {
		r.Fatal(err)
	}
	r.env["SSL_CERT_FILE"] = filepath.Join(r.root, cert)
}
