package monitoring

import (
	"net/http"
	"net/http/httptest"
	"sync"
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
	token  string
	scrape chan int // how many shares each worker has in the answer that was just given
}

func newFarm(t *testing.T) *farm {
	t.Helper()
	f := &farm{token: "token-of-the-box", scrape: make(chan int)}
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
	shares := 0
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
		shares++
		b.WriteMetrics(w, true) // fails if the reader is gone: it asks again
		select {
		case f.scrape <- shares:
		case <-t.Context().Done():
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
		case n := <-f.scrape:
			if so(n) {
				return n
			}
		case <-late:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
