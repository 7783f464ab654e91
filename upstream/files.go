package upstream

import (
	"sync/atomic"
	"time"

	"farmproxy/descriptors"
)

// shortLogEvery is how often it is said that links wait for descriptors.
const shortLogEvery = time.Minute

// linkFiles are the descriptors that a link has of the process's budget: some while it
// dials, one once it is up, none when it has ended.
type linkFiles struct {
	budget *descriptors.Budget
	use    descriptors.Use
	n      *atomic.Int32
}

// hold takes what a link that is to be dialled needs; false: there are too few, and
// it has to wait.
func (d *Directory) hold(use descriptors.Use) (h linkFiles, ok bool) {
	n := d.settings.Load().DialFiles
	if !d.files.Take(use, n) {
		if use == descriptors.Link && pauseOver(&d.shortLogged, int64(time.Since(d.born)), shortLogEvery) {
			d.log.Warn("links are waiting for file descriptors, and their miners for work; raise LimitNOFILE, or lower miners.max")
		}
		return h, false
	}
	h = linkFiles{d.files, use, new(atomic.Int32)}
	h.n.Store(int32(n))
	return h, true
}

// keep gives back all but n. Any goroutine.
func (h linkFiles) keep(n int32) {
	for h.n != nil {
		had := h.n.Load()
		if had <= n {
			return
		}
		if h.n.CompareAndSwap(had, n) {
			h.budget.Give(h.use, int(had-n))
			return
		}
	}
}
