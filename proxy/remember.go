package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"farmproxy/api"
	"farmproxy/config"
	"farmproxy/history"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/work"
)

const (
	// historyFile is where the history is, in the state directory.
	historyFile = "history.db"

	// lookEvery is how often the history takes what the books say.
	lookEvery = time.Minute

	// writeTime bounds one write. A disk that takes longer is as good as full.
	writeTime = 20 * time.Second

	// pauseTime bounds how long an upgrade waits for a write that is under way: many times
	// what one takes. A disk that is away must not keep the miners from a new farmproxy.
	pauseTime = 3 * time.Second

	// endTime bounds the same, and the last writes, at the end: systemd gives it 15 s in all.
	endTime = 2 * stopTime

	// maxNotes bounds the events that wait for the next write: a farm whose workers all
	// go down makes these elsewhere, so they are an operator's and the pools'.
	maxNotes = 256
)

// remembering writes the history, on a goroutine of its own: nothing else waits for the
// disk, but requests for the history.
type remembering struct {
	path string // of the file; "": there is no state directory
	book *stats.Book
	log  *slog.Logger

	settings atomic.Pointer[config.History]
	notes    chan history.Event
	lost     atomic.Uint64 // events for which there was no room
	trouble  atomic.Pointer[error]

	moves, changes *movements // between goals, and between pools, that are no events yet

	bans   func() []api.Ban // the banned addresses
	banned map[netip.Addr]bool

	planned func() map[string]time.Time // groups whose miners are off on purpose, "" for all
	settle  func(wrote bool)            // what is done after each minute's look

	readable atomic.Pointer[history.Store] // store, for those that only read; nil: there is none
	paused   atomic.Bool                   // it is being handed over

	turn      chan struct{} // has an element during a look, which may take as long as the disk does; guards what follows
	store     *history.Store
	recorder  *history.Recorder
	inherited []byte    // the state of the recorder of the process before; nil: there is none
	since     time.Time // when it was inherited: the file may be opened long after
	late      bool      // the books have work that is not of the time since the last look
}

// take waits for what a look guards; give ends that.
func (m *remembering) take() { m.turn <- struct{}{} }
func (m *remembering) give() { <-m.turn }

// errNotRemembering is why there is no history to read.
var errNotRemembering = errors.New("nothing is remembered: set state_dir, and history.enabled = true")

// errHistoryOpening is the same while the file is not open yet.
var errHistoryOpening = errors.New("the history is being opened: try again")

func newRemembering(c *config.Config, book *stats.Book, bans func() []api.Ban, log *slog.Logger) *remembering {
	m := &remembering{book: book, bans: bans, log: log, notes: make(chan history.Event, maxNotes), turn: make(chan struct{}, 1), planned: func() map[string]time.Time { return nil }, settle: settle}
	if dir := stateDir(c); dir != "" {
		m.path = filepath.Join(dir, historyFile)
	}
	m.moves, m.changes = newMovements("move", movedText), newMovements("pool_change", changedPoolText)
	m.trouble.Store(&errHistoryOpening)
	book.SetHistory(func() error { return *m.trouble.Load() })
	return m
}

// configure has it remember as the configuration says, from the next look on.
func (m *remembering) configure(h *config.History) { m.settings.Store(h) }

// note has an event remembered. It never blocks. Any goroutine.
func (m *remembering) note(kind, subject, text string) {
	m.keep(history.Event{At: time.Now().Round(0), Kind: kind, Subject: subject, Text: text})
}

// keep keeps an event for the next write, if there is room.
func (m *remembering) keep(e history.Event) {
	select {
	case m.notes <- e:
	default:
		m.lost.Add(1)
	}
}

// moved has a miner's move between goals remembered. It waits for no disk. Any goroutine but
// an event loop.
func (m *remembering) moved(o *splitMove) { m.moves.add(movedGoal(o), time.Now()) }

// changedPool has a change of pool remembered, like moved.
func (m *remembering) changedPool(c upstream.PoolChange) {
	m.changes.add(changedPool(&c), time.Now())
}

// run looks once a minute, until ctx ends; then it writes what is left, if the disk takes
// it.
func (m *remembering) run(ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.watch(ctx)
	}()
	<-ctx.Done()
	within(endTime, func(late context.Context) {
		select {
		case <-ended:
		case <-late.Done():
			m.log.Warn("the last minutes are not remembered: the disk takes too long", "file", m.path, "waited", endTime)
		}
	})
}

func (m *remembering) watch(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	m.look(time.Now())
	for {
		select {
		case <-ticker.C:
			m.minute(time.Now())
		case <-ctx.Done():
			m.end()
			return
		}
	}
}

// minute is a look, and what is done after it, for which nobody waits.
func (m *remembering) minute(now time.Time) { m.settle(m.look(now)) }

// look takes what the books say, and writes it; false: it could not, or need not.
func (m *remembering) look(now time.Time) (wrote bool) {
	m.take()
	defer m.give()
	if m.paused.Load() {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTime)
	defer cancel()
	err := m.step(ctx, now, false)
	m.tell(err)
	return err == nil
}

// step is look without what surrounds it. If it is the last one, it does not matter which
// pools are up: their links are closed by now, and not because they are down. The caller
// has the turn.
func (m *remembering) step(ctx context.Context, now time.Time, last bool) error {
	h, late := m.settings.Load(), m.late
	m.late = true // unless the books are taken now
	if m.path == "" || !h.Enabled {
		return errors.Join(errNotRemembering, m.shut())
	}
	if m.store != nil && !m.store.InPlace() {
		m.log.Warn("the history's file was moved away or replaced: farmproxy goes on with what is there now", "file", m.path)
		if err := m.shut(); err != nil {
			return err
		}
	}
	if m.store == nil {
		if err := m.open(ctx, h, late); err != nil {
			return err
		}
	}
	m.store.Keep(retention(h, m.book.Forgets()))
	b := m.recorder.Look(now, seen(m.book, now), seenPools(m.book, !last))
	excuse(b, m.planned())
	m.noteBans()
	b.Events = slices.Concat(b.Events, m.noted(), m.moves.events(now, last), m.changes.events(now, last))
	err := m.store.Write(ctx, b)
	if err != nil {
		m.recorder.Redescribe()
		for _, e := range b.Events {
			m.keep(e)
		}
	}
	return err
}

// open opens the file, and has the books know who is missing. late says that the books have
// work already that is of another time. The caller has the turn.
func (m *remembering) open(ctx context.Context, h *config.History, late bool) error {
	store, err := history.Open(ctx, m.path, retention(h, m.book.Forgets()))
	if err != nil {
		return err
	}
	roster, err := store.Roster(ctx)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	m.store, m.recorder = store, history.NewRecorder(roster)
	m.readable.Store(store)
	if m.inherited != nil {
		if err := m.recorder.Restore(m.inherited, m.since); err == nil {
			late = false
		} else {
			m.log.Warn("the history has a gap of some minutes: what the process before had not written yet can't be read", "error", err)
		}
		m.inherited = nil
	}
	if late {
		m.recorder.Skip()
	}
	m.book.Remember(rememberedOf(roster))
	return nil
}

// shut closes the file. The caller has the turn.
func (m *remembering) shut() error {
	if m.store == nil {
		return nil
	}
	m.readable.Store(nil)
	err := m.store.Close()
	m.store, m.recorder = nil, nil
	return err
}

// end writes what is left, and closes the file.
func (m *remembering) end() {
	m.take()
	defer m.give()
	if m.store != nil && !m.paused.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		if err := m.step(ctx, time.Now(), true); err == nil {
			err = m.store.Write(ctx, m.recorder.Flush())
			m.tell(err)
		}
	}
	if err := m.shut(); err != nil {
		m.log.Warn(err.Error())
	}
}

// pause has it look no more, and returns what another process needs to go on: nil if
// there is nothing, or if a write takes too long.
func (m *remembering) pause(now time.Time) (state []byte) {
	m.paused.Store(true)
	within(pauseTime, func(late context.Context) {
		select {
		case m.turn <- struct{}{}:
			defer m.give()
			state = m.state(now)
		case <-late.Done():
			m.log.Warn("the history will have a gap of some minutes: the disk takes too long to write it", "file", m.path, "waited", pauseTime)
		}
	})
	return state
}

// state returns what is not written yet; nil: there is nothing. The caller has the turn.
func (m *remembering) state(now time.Time) []byte {
	if m.recorder == nil {
		return nil
	}
	state, err := m.recorder.State(now)
	if err != nil {
		m.log.Warn("the history will have a gap of some minutes", "error", err)
		return nil
	}
	return state
}

// resume has it look again.
func (m *remembering) resume() { m.paused.Store(false) }

// inherit has it go on from what pause returned in the process before, whose books these
// are.
func (m *remembering) inherit(state []byte, now time.Time) {
	m.take()
	defer m.give()
	m.inherited, m.since, m.late = state, now, true
}

// unwritten returns the events that are not written yet, for another process.
func (m *remembering) unwritten(now time.Time) []byte {
	list := slices.Concat(m.noted(), m.moves.events(now, true), m.changes.events(now, true))
	for _, e := range list {
		m.keep(e) // that process may not get to serve
	}
	text, err := json.Marshal(list)
	if err != nil {
		m.log.Warn("the last events can't be handed over", "error", err)
	}
	return text
}

// inheritEvents has events written that the process before has not written.
func (m *remembering) inheritEvents(text []byte) {
	var list []history.Event
	if err := json.Unmarshal(text, &list); err != nil {
		m.log.Warn("the last events of the process before are not understood", "error", err)
		return
	}
	for _, e := range list {
		m.keep(e)
	}
}

// opened returns the file, or why there is none; neither: nothing is to be remembered. It
// waits for nothing. Any goroutine.
func (m *remembering) opened() (*history.Store, error) {
	if store := m.readable.Load(); store != nil {
		return store, nil
	}
	switch trouble := *m.trouble.Load(); {
	case errors.Is(trouble, errNotRemembering):
		return nil, nil
	case trouble == nil: // it is being closed, or another file opened
		return nil, errHistoryOpening
	default:
		return nil, trouble
	}
}

// expect has the books and the recorder watch workers that an operator has listed.
func (m *remembering) expect(names []string) {
	list := make([]stats.Remembered, len(names))
	for i, name := range names {
		list[i] = stats.Remembered{Name: name, Expected: true}
	}
	m.book.Remember(list)
	m.take()
	defer m.give()
	if m.recorder != nil {
		for _, name := range names {
			m.recorder.Expect(&history.Row{Name: name, Expected: true, Since: time.Now()})
		}
	}
}

// forget has them watch workers no longer that have no miner, and returns how many the
// books had.
func (m *remembering) forget(names []string) int {
	m.take()
	defer m.give()
	if m.recorder != nil {
		for _, name := range names {
			m.recorder.Forget(name)
		}
	}
	return m.book.Forget(names)
}

// tell logs trouble when it begins, changes and ends. Nothing else depends on the history,
// so it is a warning.
func (m *remembering) tell(err error) {
	before := *m.trouble.Load()
	m.trouble.Store(&err)
	quiet := func(err error) bool {
		return err == nil || errors.Is(err, errNotRemembering) || errors.Is(err, errHistoryOpening)
	}
	switch {
	case err != nil && !quiet(err) && (before == nil || before.Error() != err.Error()):
		m.log.Warn("nothing is remembered: everything else goes on", "error", err)
	case err == nil && !quiet(before):
		m.log.Info("the history is written again", "file", m.path)
	}
	if lost := m.lost.Swap(0); lost > 0 {
		m.log.Warn("events were not remembered: too many at once", "events", lost)
	}
}

// excuse marks what is no trouble: workers that go while the miners of their group are off
// on purpose.
func excuse(b *history.Batch, planned map[string]time.Time) {
	if len(planned) == 0 {
		return
	}
	_, all := planned[""]
	off := make(map[string]bool)
	for i := range b.Roster {
		r := &b.Roster[i]
		if _, group := planned[r.Group]; all || group && r.Group != "" {
			off[r.Name] = true
		}
	}
	for i := range b.Events {
		if e := &b.Events[i]; e.Kind == "worker_down" && off[e.Subject] {
			e.Text = "planned (curtailment): " + e.Text
		}
	}
}

// noteBans notes the bans that are new since the last look. The caller has the turn.
func (m *remembering) noteBans() {
	now := make(map[netip.Addr]bool)
	for _, b := range m.bans() {
		now[b.Address] = true
		if !m.banned[b.Address] {
			m.note("ban", b.Address.String(), b.Reason)
		}
	}
	m.banned = now
}

// noted returns the events that wait.
func (m *remembering) noted() (list []history.Event) {
	for {
		select {
		case e := <-m.notes:
			list = append(list, e)
		default:
			return list
		}
	}
}

// retention says for how long what is kept.
func retention(h *config.History, workers time.Duration) history.Retention {
	return history.Retention{
		WorkerSteps: h.WorkerSteps, WorkerHours: h.WorkerHours,
		TotalSteps: h.Minutes, TotalHours: h.Hours,
		Events: h.Events, Workers: workers,
	}
}

// seen yields each worker, as the books have it; it is valid until the next one.
func seen(book *stats.Book, now time.Time) iter.Seq[*history.Seen] {
	return func(yield func(*history.Seen) bool) {
		var s history.Seen // one for all: 10,000 are 2 MB
		book.EachWorker(func(w *stats.WorkerInfo) {
			if w.Name == stats.Other {
				return
			}
			idle := time.Duration(-1)
			if !w.LastShare.IsZero() {
				idle = max(0, now.Sub(w.LastShare))
			}
			s = history.Seen{
				Name: w.Name, Miners: w.Miners, Work: w.Work,
				Accepted: w.Shares[work.Accepted], Rejected: w.Shares.Rejected(), Idle: idle,
				Address: w.Address, Agent: w.Agent, Group: w.Group, Account: w.Account, Pool: w.Pool, Algorithm: w.Algorithm,
				Difficulty: w.Difficulty,
			}
			yield(&s)
		})
	}
}

// seenPools returns the pools, as the books have them: those of which it matters whether
// they are up, and all at which anything was done.
func seenPools(book *stats.Book, watched bool) []history.SeenPool {
	totals := book.PoolTotals()
	books := func(name string) history.PoolBooks {
		t := totals[name]
		delete(totals, name)
		return history.PoolBooks{Work: t.Work, Accepted: t.Shares[work.Accepted], Rejected: t.Shares.Rejected()}
	}
	var list []history.SeenPool
	if watched {
		for _, p := range book.Pools() {
			s := history.SeenPool{Name: p.Name, Watched: true, Up: p.Up.Load(), Books: books(p.Name)}
			if e := p.LastError.Load(); e != nil {
				s.Trouble = *e
			}
			list = append(list, s)
		}
	}
	for name := range totals {
		list = append(list, history.SeenPool{Name: name, Books: books(name)})
	}
	return list
}

func rememberedOf(roster []history.Row) []stats.Remembered {
	list := make([]stats.Remembered, len(roster))
	for i := range roster {
		r := &roster[i]
		list[i] = stats.Remembered{
			Name: r.Name, Account: r.Account, Pool: r.Pool, Algorithm: r.Algorithm, Address: r.Address, Agent: r.Agent,
			Difficulty: r.Difficulty, LastSeen: r.LastSeen, Expected: r.Expected,
		}
	}
	return list
}
