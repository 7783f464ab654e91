package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be the child of a run: `bench floor` is the real one,
// `run -c FILE` a stand-in for the proxy that passes every miner on to the first pool
// in FILE, byte for byte, and can't be upgraded or reloaded.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || !slices.Contains([]string{"bench", "run", "upgrade", "reload"}, os.Args[1]) {
		os.Exit(runTests(m))
	}
	if os.Args[1] == "upgrade" || os.Args[1] == "reload" {
		io.WriteString(os.Stderr, "a pass-through has no "+os.Args[1]+"\n")
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if os.Args[1] == "bench" {
		os.Exit(Main(ctx, os.Args[2:], os.Stdout, os.Stderr))
	}
	if err := passOn(ctx, os.Args[3]); err != nil {
		io.WriteString(os.Stderr, err.Error()+"\n")
		os.Exit(1)
	}
	os.Exit(0)
}

// runTests puts anything that failed runs leave behind into a temporary directory.
func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bench-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	os.Setenv("TMPDIR", dir)
	return m.Run()
}

var (
	listenKey = regexp.MustCompile(`\[\[listener\]\]\naddress = "(.+)"`)
	poolKey   = regexp.MustCompile(`(?:stratum|agent)\+tcp://(.+)"`)
	tlsKey    = regexp.MustCompile(`tls = \{ cert = "(.+)", key = "(.+)" \}`)
	httpKey   = regexp.MustCompile(`\[http\]\naddress = "(.+)"`)
)

// tellPage tells an open page of a small farm.
func tellPage(w http.ResponseWriter, r *http.Request) {
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for r.Context().Err() == nil {
		io.WriteString(w, `data: {"farm":{"pools":[{"name":"demo-pool","miners":7}],"shares":{"accepted":1,"rejected":{"stale":2}}}}`+"\n\n")
		w.(http.Flusher).Flush()
		select {
		case <-every.C:
		case <-r.Context().Done():
		}
	}
}

func passOn(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	listen, pool := listenKey.FindSubmatch(text), poolKey.FindSubmatch(text)
	if listen == nil || pool == nil {
		return errors.New("no listener or no pool in the configuration")
	}
	if web := httpKey.FindSubmatch(text); web != nil {
		var scrapes atomic.Uint64
		go http.ListenAndServe(string(web[1]), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/metrics" {
				fmt.Fprintf(w, "go_memstats_mallocs_total %d\n", scrapes.Add(1))
				return
			}
			if r.URL.Path == "/api/v1/live" {
				tellPage(w, r)
				return
			}
			fmt.Fprintf(w, `{"pid":%d,"miners":7,"links_up":1,"pool":"demo-pool","shares":{"accepted":1,"rejected":{"stale":2}},"hashrate":1500}`, os.Getpid())
		}))
	}
	l, err := net.Listen("tcp", string(listen[1]))
	if err != nil {
		return err
	}
	if files := tlsKey.FindSubmatch(text); files != nil {
		pair, err := tls.LoadX509KeyPair(string(files[1]), string(files[2]))
		if err != nil {
			return err
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}})
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		miner, err := l.Accept()
		if err != nil {
			return nil
		}
		go func() {
			defer miner.Close()
			link, err := net.Dial("tcp", string(pool[1]))
			if err != nil {
				return
			}
			defer link.Close()
			var both sync.WaitGroup
			both.Go(func() { io.Copy(link, miner); link.Close() })
			both.Go(func() { io.Copy(miner, link); miner.Close() })
			both.Wait()
		}()
	}
}
