package upstream

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"farmproxy/codec"
	"farmproxy/stats"
)

const (
	// maxNames bounds the workers that a link authorizes: as many as it can
	// have miners. Those beyond go under the pool's user.
	maxNames = 1 << 16

	// maxHeld bounds the shares of a link that wait for names: with more, those of
	// names that are not settled go under the pool's user, and nobody waits for what
	// another miner calls itself.
	maxHeld = 1 << 12

	// nameTimeout is how long the shares of a worker wait for the pool to
	// authorize it before they go under the pool's user.
	nameTimeout = 10 * time.Second
)

// names are the workers that a link has authorized, or asked for.
type names struct {
	base    string // that the link authorized as: the pool's user, or the one name that all its shares go under
	refused string // that the pool would not have for a base; "": none
	user    string
	account string // that miners log in with; "" any
	worker  string // that all go under; "": each under its own
	pass    bool   // workers go under names of their own
	workers map[*stats.Worker]*name
	asked   map[uint64]*name // by request id
	held    int              // shares that wait for a name
	last    time.Time        // when one was asked for last
	sole    string           // the one name of the link, that the handshake asks for; "": there is none
	asking  bool             // its answer is waited for

	basis
}

// name is one worker at the pool.
type name struct {
	text  string // what shares go under, once it is settled
	own   string // what the pool was asked for
	fixed bool   // it is settled
	late  bool   // no share waits for it any more
	asked time.Time
	held  []Share
}

func (n *names) init(p *Pool, account string) {
	n.base, n.user, n.account, n.worker, n.pass = p.User, p.User, account, p.FixedWorker, p.PassWorkers
	if n.pass {
		n.workers, n.asked = make(map[*stats.Worker]*name), make(map[uint64]*name)
	}
}

// asksSole notes that the one name of the link is asked for.
func (n *names) asksSole(name string, now time.Time) {
	n.sole, n.asking, n.last = name, true, now
}

// workerPart returns the part of a miner's login that says which worker it is:
// what stands after the account, or after the pool's user. A login without a dot
// is all worker, unless it is the account's name or the user itself. "": there
// is none.
func workerPart(user, account, login string) string {
	if login == user || login == account {
		return ""
	} else if rest, ok := strings.CutPrefix(login, account+"."); ok && account != "" {
		return rest
	} else if rest, ok := strings.CutPrefix(login, user+"."); ok {
		return rest
	} else if _, rest, ok := strings.Cut(login, "."); ok {
		return rest
	}
	return login
}

// upstreamName returns what a pool knows a miner's login as: the pool's user
// and the login's worker, or the fixed one that stands for all.
func upstreamName(user, account, fixed, login string) string {
	worker := fixed
	if worker == "" {
		worker = workerPart(user, account, login)
	}
	if worker == "" {
		return user
	}
	return user + "." + encodeDots(worker)
}

// encodeDots percent-encodes the dots of a worker's name that pools stumble over:
// the first byte and the last, and those in a row. Without them, names that differ
// would not stay different.
func encodeDots(worker string) string {
	if worker[0] != '.' && worker[len(worker)-1] != '.' && !strings.Contains(worker, "..") {
		return worker
	}
	var b strings.Builder
	for i := range len(worker) {
		if worker[i] == '.' && (i == 0 || i == len(worker)-1 || worker[i-1] == '.') {
			b.WriteString("%2E")
		} else {
			b.WriteByte(worker[i])
		}
	}
	return b.String()
}

// under returns the name that a share goes under. Where that is not settled
// yet the share is held, and buf asks the pool if it was not asked before.
func (s *stratum) under(buf []byte, share *Share) (user string, out []byte, ok bool) {
	n := &s.names
	if !n.pass || share.Worker == nil {
		return n.base, buf, true
	}
	w := n.workers[n.key(share)]
	if w == nil {
		if len(n.workers) >= maxNames {
			return n.base, buf, true
		}
		own := upstreamName(n.user, n.account, n.worker, share.Worker.Name())
		settled := own == n.base || own == n.refused
		if !settled && !s.pool.asksNames(s.now) {
			return n.base, buf, true
		}
		w = &name{text: n.base, own: own, asked: s.now, fixed: settled}
		n.workers[n.key(share)] = w
		if !settled {
			id := s.flight.skip()
			n.asked[id], n.last = w, s.now
			buf = codec.AppendPoolAuthorize(buf, id, own, s.to.Password)
		}
	}
	if !w.fixed && (share.Block || w.late || n.held >= maxHeld || s.pool.doubtsNames()) {
		return n.base, buf, true // a block waits for nothing; and this pool may never answer
	}
	if !w.fixed {
		w.held = append(w.held, *share)
		n.held++
		return "", buf, false
	}
	return w.text, buf, true
}

// key returns whom a share's name is kept for.
func (n *names) key(share *Share) *stats.Worker {
	if n.worker != "" {
		return nil // one name is enough
	}
	return share.Worker
}

// nameAnswered settles the name that was asked for with id; false when none
// was. answer is what the pool said to it, for the log.
func (s *stratum) nameAnswered(id uint64, yes bool, answer string) bool {
	w := s.names.asked[id]
	if w == nil {
		return false
	}
	delete(s.names.asked, id)
	if yes {
		w.text = w.own
		s.pool.authorizedName()
	} else if !w.late || !w.fixed {
		s.nameRefused(w.own, answer)
	}
	w.fixed = true
	s.release(w)
	if !yes {
		s.names.lapse(true)
	}
	return true
}

// nameRefused notes that the pool does not authorize a name.
func (s *stratum) nameRefused(name, answer string) {
	if s.pool.refusedName(s.now) {
		s.log.Warn("the pool does not authorize a worker: its shares are sent as the pool's user, like those of all other unauthorized workers; register the workers at the pool, or set workers = \"aggregate\"",
			"worker", name, "user", s.names.user, "answer", answer)
	}
}

// release has the shares that wait for a name go out.
func (s *stratum) release(w *name) {
	s.again = append(s.again, w.held...)
	s.names.held -= len(w.held)
	w.held = nil
}

// expireNames gives up on names that the pool does not answer for; false when
// there are none. An answer that comes later is taken all the same: pools that
// keep one authorization of a connection keep that of the last answer.
func (s *stratum) expireNames() (some bool) {
	for _, w := range s.names.inOrder() {
		if !w.fixed && s.now.Sub(w.asked) >= nameTimeout {
			some = true
			w.fixed, w.late = true, true
			s.nameRefused(w.own, "none in time")
			s.release(w)
			s.names.lapse(false)
		}
	}
	return some
}

// releaseNames has shares wait for names no longer: there is a new block, for
// which they would come too late.
func (s *stratum) releaseNames() (some bool) {
	if s.names.held == 0 {
		return false
	}
	for _, w := range s.names.inOrder() {
		w.late = true
		s.release(w)
	}
	return true
}

// closedOver implements dialect: the pool has closed the connection over a name that
// it was to authorize if it answered none of those that were asked for last, and no
// name ever.
func (s *stratum) closedOver() {
	n := &s.names
	if !n.asking && len(n.asked) == 0 || s.now.Sub(n.last) >= suspectTime || s.pool.knowsNames() {
		return
	}
	s.pool.quietNames(s.now)
	s.log.Log(context.Background(), s.level(slog.LevelWarn), "the pool closes the connection when asked to authorize a worker: for now, shares are sent as the pool's user; register the workers at the pool, or set workers = \"aggregate\"", "for", namesPause)
}

// inOrder returns the names that have no answer, in the order in which they were asked
// for: whose share came first is served first.
func (n *names) inOrder() []*name {
	if len(n.asked) == 0 {
		return nil
	}
	list := make([]*name, 0, len(n.asked))
	for _, id := range slices.Sorted(maps.Keys(n.asked)) {
		list = append(list, n.asked[id])
	}
	return list
}

// drain appends the shares that are held, and forgets them.
func (n *names) drain(dst []Share) []Share {
	for _, w := range n.inOrder() {
		dst = append(dst, w.held...)
	}
	n.asked, n.held = nil, 0
	return dst
}
