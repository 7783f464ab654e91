package monitoring

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"farmproxy/naming"
	"farmproxy/stats"
	"farmproxy/work"
)

// patience bounds each wait. Nothing takes long; a machine may be busy.
const patience = 2 * time.Minute

// A farm has the metrics of a farmproxy with two halls, whose workers have one more share
// in each answer than in the one before: whoever misses no answer has each number.
type farm struct {
	*httptest.Server
	token   string
	shares  atomic.Int64  // of each worker: as many as answers were given
	scraped chan struct{} // after an answer; none waits for who looks at it
}

func newFarm(t *testing.T) *farm {
	t.Helper()
	f := &farm{token: "token-of-the-box", scraped: make(chan struct{}, 1)}
	b := stats.New(stats.Options{Loops: 1, CloseReasons: []string{"eof"}})
	groups, wrong := naming.ParseGroups([]string{`{name:^hall\d}`})
	if wrong != nil {
		t.Fatal(wrong)
	}
	b.Configure(stats.Settings{Groups: groups})
	b.Pool("main", "stratum+tcp://a:1", 0) // it is down
	var workers []*stats.Worker
	for _, name := range []string{"hall1-r1", "hall2-r1", "hall2-r2"} {
		w := b.Worker(name)
		w.Connected(time.Now(), "192.0.2.1:1", "")
		w.Mining("", "main", "sha256d")
		workers = append(workers, w)
	}
	var one sync.Mutex // answer at a time
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		if r.URL.Path != "/metrics" || r.Header.Get("Authorization") != "Bearer "+f.token {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		for _, worker := range workers {
			worker.Share(0, time.Now(), work.Accepted, 1)
		}
		f.shares.Add(1)
		b.WriteMetrics(w, true) // fails if the reader is gone: it asks again
		select {
		case f.scraped <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(f.Close)
	return f
}

// until lets the farm be scraped until something is so, and returns how many shares each
// worker has then.
func (f *farm) until(t *testing.T, what string, so func(shares int) bool) int {
	t.Helper()
	for late := time.After(patience); ; {
		select {
		case <-f.scraped:
			if so(int(f.shares.Load())) {
				return int(f.shares.Load())
			}
		case <-late:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
