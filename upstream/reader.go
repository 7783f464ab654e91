package upstream

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"farmproxy/codec"
	"farmproxy/dial"
	"farmproxy/work"
)

// messagePause is the least time between two client.show_message in the log.
const messagePause = time.Minute

// maxMoveWait bounds how long client.reconnect may ask to wait.
const maxMoveWait = time.Minute

// jobs numbers the jobs of the process: miners know them by that.
var jobs atomic.Uint32

// protocol is the reader's state.
type protocol struct {
	asking
	pricing
	stream   stream
	deadline time.Time // of what the reader waits for; zero: none
	decoder  *codec.Decoder
	message  codec.Message

	reached   bool                 // the pool has answered subscribe: what fails from now on is the user's own
	malformed int                  // in a row
	came      time.Time            // when what was last read came
	verdicts  []Verdict            // not delivered yet
	job       *work.Job            // the last one
	early     *codec.Notify        // came before the extranonce1 did
	following *epoch               // set_extranonce: from the next notify on
	shown     time.Time            // the last show_message
	doubted   map[string]time.Time // when it was last said that a difficulty makes no sense, by why
	longSaid  time.Time            // when it was last said that a line is too long
	said      bool                 // what the mask is: by the pool, or by having come up without one
	offered   offeredMask
	epochs    epochCount
	visible   uint32 // version bits that the pool can be shown in a share
}

func (p *protocol) init() {
	p.decoder = codec.NewDecoder()
	p.difficulty = 1 // what holds until the pool says otherwise
	p.visible = ^uint32(0)
}

// firstJob reads until there is a job.
func (k *link) firstJob() error {
	k.readBy(time.Now().Add(stepTimeout))
	waits := false // the job is there, its difficulty is not
	for k.job == nil {
		if k.unpriced != nil && !waits {
			waits = true
			k.readBy(time.Now().Add(difficultyTimeout))
		}
		err := k.take()
		if timeout(err) && waits {
			err = k.assume()
		}
		if timeout(err) {
			return fmt.Errorf("no mining.notify within %v of mining.authorize", stepTimeout)
		}
		if err != nil {
			return err
		}
	}
	if k.trial {
		if err := k.outlive(); err != nil {
			return err
		}
	}
	k.announce()
	return nil
}

// read reads until the connection ends, or there is no more for now (errMore).
func (k *link) read() error {
	for {
		if err := k.take(); err != nil {
			return err
		}
	}
}

// take reads one message and does what it says.
func (k *link) take() error {
	m, err := k.next()
	if err != nil {
		return err
	}
	if m.Method == nil {
		k.dialect.reply(m)
		return nil
	}
	return k.notification(m)
}

// announce tells the lane that the link is up: it has a job.
func (k *link) announce() {
	k.up.Store(true)
	k.pool.tried()
	k.readBy(time.Time{}) // silence is the supervisor's to see
	k.book.Connects.Add(1)
	k.pool.succeed(time.Now())
	dial.Rate(k.conn, true)
	k.said = true
	if e := k.epoch.Load(); e != nil {
		k.learn(e.size)
	}
	if k.lane == nil {
		k.drop(errProbed)
		return
	}
	k.lane.tell(event{link: k})
}

// next returns the next message. Malformed lines are passed over, some.
func (k *link) next() (*codec.Message, error) {
	for {
		line, err := k.dialect.line()
		var long longLine
		switch {
		case errors.As(err, &long):
			k.passOver(long)
			continue
		case errors.Is(err, io.EOF):
			return nil, errHungUp
		case err != nil:
			return nil, err
		}
		k.book.BytesDown.Add(uint64(len(line)) + 1)
		if line = codec.Trim(line); len(line) == 0 {
			continue
		}
		if err := k.decoder.Decode(line, &k.message); err != nil {
			if err := k.garbled(err); err != nil {
				return nil, err
			}
			continue
		}
		k.malformed = 0
		return &k.message, nil
	}
}

// passOver counts a line that is too long. The pool may send one with each job,
// and the others are good: so it is said, now and then, and does no harm.
func (k *link) passOver(length longLine) {
	k.book.BytesDown.Add(uint64(length) + 1)
	k.book.Malformed.Add(1)
	if k.came.Sub(k.longSaid) >= messagePause {
		k.longSaid = k.came
		k.log.Warn("the pool sent too long a line, which is passed over; if no job comes through, use another port of it, or another pool", "bytes", int(length), "limit", codec.MaxPoolLine)
	}
}

// garbled counts a malformed line, message or frame; an error when it is enough.
func (k *link) garbled(err error) error {
	k.book.Malformed.Add(1)
	var e *codec.Error
	if errors.As(err, &e) && e.Fatal() {
		return fmt.Errorf("%w: is this the kind of port that the url says?", err)
	}
	if k.malformed++; k.malformed > maxMalformed {
		return errMalformed
	}
	if k.malformed == 1 {
		k.log.Warn("the pool sent something malformed", "problem", err)
	}
	return nil
}

// notification handles everything that has a method, whatever its id: some
// pools put ids into notifications.
func (k *link) notification(m *codec.Message) error {
	switch string(m.Method) {
	case "mining.notify":
		n, err := m.Params.Notify()
		if err != nil {
			return k.garbled(err)
		}
		return k.newJob(n)
	case "mining.set_difficulty":
		d, ok := m.Params.Number()
		if !ok || !(d > 0) {
			return k.garbled(errDifficulty)
		}
		return k.setDifficulty(d)
	case "mining.set_version_mask":
		mask, ok := m.Params.Hex()
		if !ok {
			return k.garbled(errMask)
		}
		k.setMask(mask)
	case "mining.set_extranonce":
		return k.setExtranonce(m.Params)
	case "client.reconnect":
		return k.reconnect(m.Params.Reconnect())
	case "client.show_message":
		k.show(m.Params.Text())
	default:
		k.request(m)
	}
	return nil
}

var (
	errDifficulty = errors.New("mining.set_difficulty: not a number above 0")
	errMask       = errors.New("mining.set_version_mask: not a hex mask")
	errExtranonce = errors.New("mining.set_extranonce: not an extranonce1 in hex, with or without a size")
)

// request answers what the pool asks, unless it does not read its answers.
func (k *link) request(m *codec.Message) {
	id, ok := codec.MakeID(m.ID)
	if !ok || m.ID.IsNull() {
		return
	}
	if w := k.wire.Load(); w != nil && (*w).Full() {
		return
	}
	var line []byte
	switch string(m.Method) {
	case "mining.ping":
		line = codec.AppendPong(nil, &id)
	case "client.get_version":
		line = codec.AppendPoolVersion(nil, &id, k.to.UserAgent)
	default:
		line = codec.AppendError(nil, &id, -3, "Method not found")
	}
	k.send(line)
}

// newJob builds the job of a notify and offers it.
func (k *link) newJob(n *codec.Notify) error {
	e := k.epoch.Load()
	if e == nil {
		k.early = n
		return nil
	}
	if k.hold(n) {
		return nil
	}
	own, err := k.dialect.job(n)
	if err != nil {
		return k.garbled(err)
	}
	if next := k.following; next != nil {
		k.following = nil
		if k.lane != nil {
			if k.epochs.another(time.Now()) {
				k.log.Warn("the pool changes its extranonce all the time: each change makes what miners work on worthless; another pool, or another port of this one, may serve them better", "changes_in_a_minute", k.epochs.n)
			}
			k.lane.replace(k, next)
		} else {
			k.epoch.Store(next)
		}
		e = next
	}
	// Not every pool calls a new block clean, but it always is.
	n.Clean = n.Clean || e.block != [32]byte{} && e.block != n.PrevHash
	e.block = n.PrevHash
	now := time.Now()
	first := k.job == nil && e != k.resume || k.job != nil && k.job.Epoch != e.id
	if before := k.offered.mask; k.said {
		if k.offered.follow(k.mask.Load(), now); k.offered.mask != before {
			k.learn(e.size)
		}
	}
	k.job = makeJob(n, e, k.difficulty, own, k.offered.mask, now)
	if k.lane != nil {
		k.job.Work = k.lane.works.number(k.job)
	}
	k.notify.Store(int64(now.Sub(k.started)))
	k.book.LastNotify.Store(now.UnixNano())
	k.book.Jobs.Add(1)
	if n.Clean {
		k.book.CleanJobs.Add(1)
	}
	k.offer(n.Clean || first)
	return nil
}

// makeJob folds a notify into an epoch.
func makeJob(n *codec.Notify, e *epoch, difficulty float64, own *work.Difficulties, mask uint32, now time.Time) *work.Job {
	job := work.NewJob(n.Template, e.extranonce1, e.layout)
	job.ID = jobs.Add(1)
	job.PoolID = n.JobID
	job.Epoch = e.id
	job.Clean = n.Clean
	job.Received = now
	job.Difficulty, job.Own = difficulty, own
	job.Mask = mask
	if a := e.pool.algorithm; a != nil {
		job.Algorithm = a
		job.Network = a.NetworkDifficulty(n.NBits)
	}
	job.Line = codec.NewNotifyLine(job.ID, &n.Template, e.layout.Fold(e.extranonce1))
	return job
}

// configured reads the answer to mining.configure, which may also come late.
func (k *link) configured(m *codec.Message) {
	k.pool.answersConfigure()
	k.said = true
	if _, refused := m.Error.PoolError(); refused {
		return
	}
	if mask := m.Result.VersionMask(); mask != 0 {
		k.setMask(mask)
	}
}

// setMask holds at once.
func (k *link) setMask(mask uint32) {
	mask &= k.visible
	k.mask.Store(mask)
	k.rolling.Store(true)
	k.said = true
	k.book.VersionMask.Store(mask)
	before := k.offered.mask
	k.offered.follow(mask, time.Now())
	if e := k.epoch.Load(); e != nil {
		k.learn(e.size)
	}
	if k.offered.mask != before {
		k.republish()
	}
}

// republish offers the last job with what has changed besides.
func (k *link) republish() {
	if k.job != nil {
		k.offer(false)
	}
}

// setExtranonce begins a new epoch with the next notify.
func (k *link) setExtranonce(params codec.Raw) error {
	e := k.epoch.Load()
	if e == nil {
		return nil // before the answer to subscribe, which says what holds
	}
	extranonce1, size, ok := params.Extranonce(e.size)
	if !ok {
		return k.garbled(errExtranonce)
	}
	if e.size == size && string(e.extranonce1) == string(extranonce1) {
		k.following = nil
		return nil
	}
	next, err := k.enter(e.session, extranonce1, size)
	k.following = next
	return err
}

func (k *link) learn(size int) {
	if k.proof {
		return // it has not asked for version bits
	}
	k.book.Extranonce2.Store(uint32(size))
	k.route.directory.learn(k.pool, size, k.offered.mask, k.said)
}

// reconnect follows client.reconnect, inside the pool's domain only: a
// hijacker of a plain connection would lead the farm away.
func (k *link) reconnect(host string, port, wait int) error {
	if host == "" {
		host = k.to.Host
	}
	if !sameDomain(k.pool.Host, host) {
		k.log.Warn("client.reconnect to another domain is not followed: it may be a hijack; if the pool has moved, change the url of this [[pool]]", "host", host)
		return nil
	}
	_, old, _ := net.SplitHostPort(k.to.Address)
	if port > 0 && port <= 65535 {
		old = fmt.Sprint(port)
	}
	delay := min(max(time.Duration(wait)*time.Second, 0), maxMoveWait)
	k.log.Log(k.ctx, k.level(slog.LevelInfo), "the pool asked to reconnect", "host", host, "port", old, "wait", delay)
	k.mu.Lock()
	k.moveTo, k.moveAt = net.JoinHostPort(host, old), time.Now().Add(delay)
	k.mu.Unlock()
	if delay == 0 {
		return errMoved
	}
	return nil
}

func (k *link) show(text string) {
	if now := time.Now(); k.shown.IsZero() || now.Sub(k.shown) >= messagePause {
		k.shown = now
		k.log.Log(k.ctx, k.level(slog.LevelInfo), "message from the pool", "text", text)
	}
}
