package api

import (
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"farmproxy/stats"
	"farmproxy/work"
)

// scrape requests the metrics as Prometheus does, and returns them compressed.
func scrape(t testing.TB, address string) io.ReadCloser {
	t.Helper()
	req, err := http.NewRequest("GET", "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	client := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%s, encoding %q", resp.Status, resp.Header.Get("Content-Encoding"))
	}
	return resp.Body
}

// serveTCP serves on loopback and returns the address.
func serveTCP(t testing.TB, o Options) (address string) {
	t.Helper()
	_, address = startTCP(t, o)
	return address
}

func startTCP(t testing.TB, o Options) (s *Server, address string) {
	t.Helper()
	o.Log, o.Overlays = slog.New(slog.DiscardHandler), &overlays{answer: changed()}
	s = New(o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return s, l.Addr().String()
}

func TestAScrapeHasEveryWorker(t *testing.T) {
	body := scrape(t, serveTCP(t, Options{Book: scrapeBook()}))
	defer body.Close()
	plain, err := gzip.NewReader(body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range []string{"farmproxy_worker_hashrate", "farmproxy_account_work_total", "proxy_worker_speed", "proxy_worker_up"} {
		if n := strings.Count(string(text), "\n"+family+"{"); n != 10_000 {
			t.Errorf("%d series of %s, want one for each of 10,000", n, family)
		}
	}
}

func BenchmarkScrape(b *testing.B) {
	address := serveTCP(b, Options{Book: scrapeBook()})
	b.ReportAllocs()
	for b.Loop() {
		body := scrape(b, address)
		n, err := io.Copy(io.Discard, body)
		if err != nil {
			b.Fatal(err)
		}
		body.Close()
		b.ReportMetric(float64(n), "bytes")
	}
}

// scrapeBook has 10,000 workers, each with its own account, and the predecessor's
// series as well.
func scrapeBook() *stats.Book {
	book := stats.New(stats.Options{Loops: 1, Settings: stats.Settings{Predecessor: true, Proxy: "0.0.0.0:3333"}})
	now := time.Now()
	for i := range 10_000 {
		account, address := fmt.Sprintf("%016x", i*7919), fmt.Sprintf("10.1.%d.%d:47060", i/256, i%256)
		w := book.Worker(account + ".rig")
		w.Connected(now, address, "cgminer/4.12")
		w.Mining(account, "pool.example:3333", "sha256d")
		w.SetDifficulty(1024)
		w.Share(0, now, work.Accepted, 1024+float64(i))
		m := book.OpenMiner(address, account, "sha256d", "pool.example:3333")
		m.SetDifficulty(1024)
		m.Sent(1024 + float64(i))
		m.Accepted(1024 + float64(i))
		m.Mined(now, 1024+float64(i))
	}
	return book
}
