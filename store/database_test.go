package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long a test waits for something that should happen soon. Nothing is
// measured by it: a test that waits that long has failed.
const patience = 20 * time.Second

// testDatabase is an empty database, and where its stores keep their key.
type testDatabase struct {
	url, key string
	postgres bool
}

// everyDatabase runs a test on SQLite, and on PostgreSQL if FARMPROXY_TEST_POSTGRES is
// the URL of one: see testdata/postgres.sh.
func everyDatabase(t *testing.T, test func(t *testing.T, d *testDatabase)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, newSQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, newPostgres(t)) })
}

func newSQLite(t *testing.T) *testDatabase {
	dir := t.TempDir()
	return &testDatabase{url: "sqlite://" + filepath.Join(dir, "farm.db"), key: filepath.Join(dir, "key")}
}

var databases atomic.Int64

func newPostgres(t *testing.T) *testDatabase {
	t.Helper()
	admin := os.Getenv("FARMPROXY_TEST_POSTGRES")
	if admin == "" {
		t.Skip("FARMPROXY_TEST_POSTGRES is not set: run store/testdata/postgres.sh go test ./store")
	}
	db, err := sql.Open("pgx", admin)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), databases.Add(1))
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db.Exec("DROP DATABASE " + name + " WITH (FORCE)")
		db.Close()
	})
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return &testDatabase{url: u.String(), key: filepath.Join(t.TempDir(), "key"), postgres: true}
}

func (d *testDatabase) options() Options {
	return Options{URL: d.url, KeyFile: d.key, Unseeded: true, Poll: 5 * time.Millisecond}
}

// with returns the options, changed.
func (d *testDatabase) with(change ...func(*Options)) Options {
	options := d.options()
	for _, f := range change {
		f(&options)
	}
	return options
}

// open opens a store that is closed with the test.
func (d *testDatabase) open(t *testing.T, change ...func(*Options)) *Store {
	t.Helper()
	s, err := Open(t.Context(), d.with(change...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, ErrUnavailable) && !errors.Is(err, sql.ErrConnDone) {
			t.Error(err)
		}
	})
	return s
}

// exec changes the database behind the stores' backs.
func (d *testDatabase) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	db, err := openDatabase(mustPlace(t, d.url))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(db.bind(statement), args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// withPools adds algorithm scrypt with two pools, and sha256d with one.
func withPools(t *testing.T, s *Store) *Store {
	t.Helper()
	for _, a := range []Algorithm{{"sha256d", 1}, {"scrypt", 65536}} {
		must(t, s.AddAlgorithm(t.Context(), a))
	}
	for address, algorithm := range map[string]string{"btc.example:3333": "sha256d", "ltc.example:3333": "scrypt", "ltc.example:443": "scrypt"} {
		must(t, s.AddPool(t.Context(), Pool{Address: address, Algorithm: algorithm}))
	}
	return s
}

func mustPlace(t *testing.T, url string) place {
	t.Helper()
	p, err := parsePlace(url)
	must(t, err)
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustRegister(t *testing.T, s *Store, pool, user, password string) string {
	t.Helper()
	name, _, err := s.Register(t.Context(), pool, user, password, nil)
	must(t, err)
	return name
}

// wants checks the kind of an error; nil means no error.
func wants(t *testing.T, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

// await waits until wanted accepts a snapshot of s.
func await(t *testing.T, s *Store, what string, wanted func(*Snapshot) bool) {
	t.Helper()
	seen := make(chan struct{})
	done := false
	s.Subscribe(func(snapshot *Snapshot) {
		if !done && wanted(snapshot) {
			done = true
			close(seen)
		}
	})
	select {
	case <-seen:
	case <-time.After(patience):
		t.Fatalf("%s: not within %v", what, patience)
	}
}

// awaitHealth waits until s is healthy, or not.
func awaitHealth(t *testing.T, s *Store, well bool) {
	t.Helper()
	eventually(t, fmt.Sprint("healthy: ", well), func() bool { return (s.Healthy() == nil) == well })
}

// eventually waits for something that nothing announces.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// wire is a TCP forwarder that can be cut, together with its connections.
type wire struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	cut      bool
	open     []net.Conn
}

// throughWire returns d as reached through a wire.
func (d *testDatabase) throughWire(t *testing.T) (*testDatabase, *wire) {
	t.Helper()
	u, err := url.Parse(d.url)
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w := &wire{listener: listener, target: u.Host}
	t.Cleanup(func() { listener.Close(); w.set(true) })
	go w.serve(listener)
	u.Host = listener.Addr().String()
	return &testDatabase{url: u.String(), key: d.key, postgres: true}, w
}

func (w *wire) serve(listener net.Listener) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.target)
		if err != nil {
			near.Close()
			continue
		}
		w.mu.Lock()
		w.open = append(w.open, near, far)
		if w.cut {
			near.Close()
			far.Close()
		}
		w.mu.Unlock()
		go func() { io.Copy(far, near); far.Close() }()
		go func() { io.Copy(near, far); near.Close() }()
	}
}

func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for _, c := range w.open {
			c.Close()
		}
		w.open = nil
	}
}

// unplug closes the near end: connections are refused.
func (w *wire) unplug(t *testing.T) (plug func()) {
	t.Helper()
	address := w.listener.Addr().String()
	w.listener.Close()
	w.set(true)
	return func() {
		t.Helper()
		listener, err := net.Listen("tcp", address)
		must(t, err)
		t.Cleanup(func() { listener.Close() })
		w.set(false)
		w.listener = listener
		go w.serve(listener)
	}
}
