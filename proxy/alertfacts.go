package proxy

import (
	"errors"
	"net/url"
	"time"

	"farmproxy/alert"
	"farmproxy/stats"
	"farmproxy/wish"
	"farmproxy/work"
)

// facts are what the books, the orders and the machine say. The caller has mu.
func (a *alerts) facts(now time.Time, workers *alert.Workers) *alert.Facts {
	u, m := a.usual.Load(), a.machine.Load()
	if workers == nil {
		workers = alert.NewWorkers(now)
		a.book.EachWorker(func(w *stats.WorkerInfo) { workers.Add(w, u.workers[w.Name]) })
	}
	f := &alert.Facts{
		Wall:    now.Round(0),
		Workers: workers, Usual: u.totals,
		Certificates: a.certs.ends(), Disks: m.disks, Files: m.files, Unsynced: m.unsynced,
		NotReady: words(a.book.Ready()), Store: words(a.book.Store()), CutOff: a.cutOff.Load(),
	}
	f.Miners, f.MinersMax = a.book.Miners()
	if a.book.ConfigurationFailed() {
		f.Reload = "farmproxy check lists what is wrong with the file"
	}
	if trouble, _ := a.book.History(); !errors.Is(trouble, errNotRemembering) && !errors.Is(trouble, errHistoryOpening) {
		f.History = words(trouble)
	}
	var alone map[string]wish.PoolState
	a.orders.view(func(all *wish.Orders) { alone, f.Curtailed = all.Pools(a.orders.now()), all.Curtailed(a.orders.now()) })
	late := a.engine.Lateness()
	for _, c := range a.book.Compare() {
		p := alert.Pool{
			Name: c.Name, Host: hostOf(c.URL), Up: c.Up.Load(), InUse: c.Active.Load(),
			Accepted: c.Shares[work.Accepted], Rejected: c.Shares.Rejected(),
			Told: c.Lag.Count(), ToldLate: c.Lag.Over(late), BitsReduced: c.VersionBitsReduced.Load(),
		}
		if x := c.Certificate.Load(); x != nil {
			p.CertificateEnds, p.CertificateSigner, p.Pinned = x.Ends, x.Signer, x.Pinned
		}
		_, p.LeftAlone = alone[c.Name]
		if e := c.LastError.Load(); e != nil && !p.Up {
			p.Trouble = *e
		}
		f.Pools = append(f.Pools, p)
	}
	return f
}

// words returns an error's; "": there is none.
func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// hostOf returns the host of a pool's URL.
func hostOf(pool string) string {
	u, err := url.Parse(pool)
	if err != nil {
		return pool
	}
	return u.Hostname()
}
