package proxy

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"farmproxy/textfile"
	"farmproxy/wish"
)

const (
	// ordersFile holds, in the state directory, what operators have ordered.
	ordersFile = "wishes.json"

	// ordersEvery is how often it is looked whether an order has ended.
	ordersEvery = time.Second
)

// orders keeps what operators have ordered, beside the configuration: it writes it down,
// ends it in its time, and tells those whom it concerns.
//
// Its times are those of the clock on the wall, which operators mean.
type orders struct {
	log  *slog.Logger
	path string // of the file; "": nothing is kept over a restart
	now  func() time.Time

	known known                             // what orders can be about
	leave func(map[string]wish.PoolState)   // leaves those pools alone, and no others
	write func(path string, b []byte) error // textfile.Replace, but in tests

	remember func(kind, subject, text string) // keeps an event for later

	news       chan struct{} // there is something that concerns routes
	rehearsing chan struct{} // has an element during a dry run

	mu     sync.Mutex
	all    *wish.Orders
	dirty  bool // the file is out of date
	failed bool // it could not be written the last time, which the log has said
	frozen bool // another process is taking over: nothing may change
	newer  bool // the file is of a newer farmproxy, and left alone

	file sync.Mutex // serializes writes of it; taken before mu
}

// newOrders returns the orders that a file in the state directory has; "": none.
func newOrders(dir string, known known, leave func(map[string]wish.PoolState), log *slog.Logger) *orders {
	o := &orders{log: log, now: time.Now, known: known, leave: leave, write: textfile.Replace, remember: func(string, string, string) {}, all: new(wish.Orders), news: make(chan struct{}, 1), rehearsing: make(chan struct{}, 1)}
	if dir != "" {
		o.path = filepath.Join(dir, ordersFile)
		o.recall()
	}
	return o
}

// recall reads the file.
func (o *orders) recall() {
	text, err := os.ReadFile(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var all *wish.Orders
	if err == nil {
		all, err = wish.Decode(text)
	}
	switch {
	case err == nil:
		o.all = all
	case errors.Is(err, wish.ErrNewer):
		o.newer = true
		o.log.Warn("the orders are left alone, and new ones are forgotten at a restart: run that farmproxy, or delete the file", "file", o.path, "error", err)
	default:
		broken := o.path + ".broken"
		kept := []any{"file", broken, "error", err}
		if err := os.Rename(o.path, broken); err != nil {
			kept = append(kept, "rename", err)
		}
		o.log.Error("the orders of operators could not be read: no pool is drained or disabled, no worker is pinned, and all weights are the configuration's; the file is kept, give the orders again", kept...)
	}
}

// run ends orders in their time, until ctx ends.
func (o *orders) run(ctx context.Context) {
	tick := time.NewTicker(ordersEvery)
	defer tick.Stop()
	for {
		o.look()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look ends the orders whose time is over, and writes down what could not be written.
func (o *orders) look() {
	o.mu.Lock()
	var ended []wish.Order
	if !o.frozen {
		ended = o.all.Expire(o.now())
	}
	o.dirty = o.dirty || len(ended) > 0
	dirty := o.dirty
	o.mu.Unlock()
	for _, e := range ended {
		what := e.What
		if e.Kind == wish.OfGroup {
			what = ofGroup(e.Name, what)
		}
		o.remember("order_ended", e.Name, what+", by "+e.By)
		o.log.Info("an order has ended", "kind", e.Kind, "name", e.Name, "what", e.What, "by", e.By, "since", e.Since)
	}
	if len(ended) > 0 {
		o.tell()
	}
	if dirty {
		o.save()
	}
}

var errFrozen = errors.New("another farmproxy is taking over from this one: try again in a moment")

// change makes a change of the orders, and has it followed and written down.
func (o *orders) change(do func(*wish.Orders) error) error {
	o.mu.Lock()
	if o.frozen {
		o.mu.Unlock()
		return errFrozen
	}
	err := do(o.all)
	o.dirty = o.dirty || err == nil
	o.mu.Unlock()
	if err != nil {
		return err
	}
	o.tell()
	o.save()
	return nil
}

// view has a look at the orders.
func (o *orders) view(look func(*wish.Orders)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	look(o.all)
}

// tell has the orders followed.
func (o *orders) tell() {
	o.mu.Lock()
	pools := o.all.Pools(o.now())
	o.mu.Unlock()
	o.leave(pools)
	select {
	case o.news <- struct{}{}:
	default:
	}
}

// changed gets a message after a change that concerns routes.
func (o *orders) changed() <-chan struct{} { return o.news }

// save writes the file. What can't be written is in force all the same, and is written when
// it can be.
func (o *orders) save() {
	o.file.Lock()
	defer o.file.Unlock()
	o.mu.Lock()
	text := o.all.Encode()
	was := o.dirty
	o.dirty = false
	o.mu.Unlock()
	if !was || o.path == "" || o.newer {
		return
	}
	err := o.write(o.path, text)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.dirty = true
		if !o.failed {
			o.log.Error("the orders of operators are in force, but could not be written down, and a restart would forget them; it is tried again every second: make room, or let farmproxy's user write there", "file", o.path, "error", err)
		}
	}
	o.failed = err != nil
}

// freeze has nothing change, or lets things change again.
func (o *orders) freeze(on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.frozen = on
}

// state returns the orders for the next process.
func (o *orders) state() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Encode()
}

// restore takes the orders of the process before, which may have no state directory, or not
// this one. What a newer one has is left to the file.
func (o *orders) restore(text []byte) {
	all, err := wish.Decode(text)
	if err != nil {
		o.log.Warn("the orders of the process before are not understood", "error", err)
		return
	}
	o.mu.Lock()
	o.all, o.dirty = all, true
	o.mu.Unlock()
}
