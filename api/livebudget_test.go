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

// mostForAPage is how many bytes per second an open page may take, with 10,000 workers.
const mostForAPage = 50_000

// With 10,000 workers an open page takes 50 kB/s at most, in each minute from the first one
// on, when all of them have just come and their rates are of a few shares. Shares come at
// random, as miners find them.
func TestBytesOfAnOpenPage(t *testing.T) {
	for _, perSecond := range []int{200, 1000} { // 6 shares a minute and miner are usual
		t.Run(fmt.Sprint(perSecond, " shares a second"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testBytesOfAnOpenPage(t, perSecond) })
		})
	}
}

func testBytesOfAnOpenPage(t *testing.T, perSecond int) {
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
		if rate := bytes / 60; rate > mostForAPage {
			t.Errorf("minute %d: %d bytes a second, want at most %d", minute, rate, mostForAPage)
		} else {
			t.Logf("minute %d: %d bytes a second", minute, rate)
		}
	}
}
