//go:build !race

package api

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"farmproxy/live"
	"farmproxy/stats"
	"farmproxy/work"
)

// mostForTen is how many bytes per second ten open pages may take with 10,000 workers: twice
// what one may.
const mostForTen = 2 * 50_000

// With 10,000 workers ten open pages take 100 kB/s at most, in each minute from the first one
// on, when all of them have just come and their rates are of a few shares. Shares come at
// random, as miners find them.
func TestBytesOfOpenPages(t *testing.T) {
	for _, perSecond := range []int{200, 1000} { // 6 shares a minute and miner are usual
		t.Run(fmt.Sprint(perSecond, " shares a second"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testBytesOfOpenPages(t, perSecond) })
		})
	}
}

func testBytesOfOpenPages(t *testing.T, perSecond int) {
	const miners, minutes = 10_000, 4
	book := stats.New(stats.Options{Loops: 1, MaxWorkers: 2 * miners})
	for _, pool := range []string{"main", "second", "backup"} {
		book.Pool(pool, "stratum+tls://"+pool+".pool.example:3333", 0)
	}
	workers := make([]*stats.Worker, miners)
	for i := range workers {
		workers[i] = book.Worker(fmt.Sprintf("account.hall%d-r%02d-%02d", i/1000, i/20%50, i%20))
		workers[i].Connected(time.Now(), fmt.Sprintf("10.0.%d.%d:4028", i/250, i%250), "bmminer/2.0.0")
		workers[i].Mining("", "main", "sha256d")
	}
	feed := live.NewFeed(&liveFarm{Server: New(Options{Book: book, Alerts: calm{}, Orders: new(told)})})
	page, _ := feed.Open(time.Now(), "")
	<-page.Events()
	random := rand.New(rand.NewPCG(1, 1))
	ticks := int(time.Minute / live.Every)
	for minute := range minutes {
		bytes := 0
		for range ticks {
			for range perSecond * int(live.Every/time.Second) {
				verdict := work.Accepted
				if random.IntN(100) == 0 {
					verdict = work.Stale
				}
				workers[random.IntN(miners)].Share(0, time.Now(), verdict, 65536)
			}
			time.Sleep(live.Every)
			feed.Tick(time.Now())
			bytes += len(eventBegins) + len(<-page.Events()) + len(eventEnds)
		}
		rate := bytes / 60
		t.Logf("minute %d: %d bytes a second for a page", minute, rate)
		if 10*rate > mostForTen {
			t.Errorf("minute %d: %d bytes a second for ten pages, want at most %d", minute, 10*rate, mostForTen)
		}
	}
}
