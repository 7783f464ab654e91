package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"farmproxy/config"
	"farmproxy/sharelog"
	"farmproxy/work"
)

// Each share that a miner has an answer to is one line of the share log, with its worker
// and its verdict, and the metrics count it; the same shares are in the books.
func TestEachShareIsALine(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "shares")
	pool := startPool(t, nil)
	p, stop := launch(t, testLog{t}, func(c *config.Config) { c.ShareLog.Dir = dir }, nil, pool)
	linked(t, p)
	f := workingFleet(t, p.server.Addresses()[0], pool)
	eventually(t, "there are shares", func() bool { return p.book.Status().Shares[work.Accepted] > 100 })
	odd := connect(t, p.server.Addresses()[0])
	odd.work("farm.odd")
	odd.send(`{"id":7,"method":"mining.submit","params":["farm.odd","nothing","00000001","65000000","00000001"]}`)
	odd.answer(7)
	if err := f.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	reply, err := http.Get("http://" + webAt(p) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(reply.Body)
	reply.Body.Close()
	if !bytes.Contains(text, []byte("\nfarmproxy_share_log_left_out_total 0\n")) {
		t.Error("the metrics do not count what is left out")
	}
	stop()

	byVerdict, byWorker := map[string]uint64{}, map[string]int{}
	for _, line := range shareLines(t, dir) {
		var s struct{ Time, Worker, Address, Pool, Algorithm, Verdict string }
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		byVerdict[s.Verdict]++
		byWorker[s.Worker]++
		if s.Algorithm != "sha256d" && s.Address != "" || s.Pool != "pool0" && s.Address != "" || len(s.Time) != len("2026-11-26T08:30:00.042Z") {
			t.Errorf("%s", line)
		}
	}
	shares := p.book.Status().Shares
	for v, n := range shares {
		if byVerdict[work.Verdict(v).String()] != n {
			t.Errorf("%d lines of %v, the books have %d", byVerdict[work.Verdict(v).String()], work.Verdict(v), n)
		}
	}
	if byWorker["farm.odd"] != 1 || len(byWorker) != 13 {
		t.Errorf("lines by worker: %v", byWorker)
	}
}

// shareLines returns the lines of all segments, none of which is open any more.
func shareLines(t *testing.T, dir string) (lines []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := sharelog.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil || strings.HasSuffix(f.Name(), ".open") {
			t.Fatal(fmt.Errorf("%s: %w", f.Name(), err))
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(text)), "\n")...)
	}
	return lines
}
