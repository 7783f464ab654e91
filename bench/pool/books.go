package pool

import (
	"sync"
	"time"

	"farmproxy/bench/proof"
	"farmproxy/bench/recent"
)

// Submit is one mining.submit as a Pool judged it.
type Submit struct {
	At      time.Time
	Link    int // which of the pool's connections, counted from 1
	User    string
	JobID   string
	Params  string         // JSON, as received
	Key     proof.WorkKey  // of its job; zero if unknown
	Hash    proof.Hash     // of the header; zero if there was no header to hash
	Refused *proof.Refusal // nil: accepted
}

// Tally is a Pool's summary of one user name.
type Tally struct {
	Accepted int
	Work     float64        // accepted, in difficulty-1 shares
	Refused  map[string]int // by the refusal's text
}

// Bounds of the books: a pool may run for days.
const (
	booksShares = 1 << 20 // hashes per generation; two generations take about 200 MB
	booksUsers  = 1 << 17 // user names: the largest fleet, and as many wrong ones
)

// Books are a Pool's record of every share. Safe for use by any goroutine.
type Books struct {
	mu      sync.Mutex
	shares  recent.Map[proof.Hash, Submit]
	users   map[string]*Tally
	total   Tally
	repeats int // accepted hashes that were repeated, and refused
}

func newBooks() *Books {
	return &Books{
		shares: recent.Map[proof.Hash, Submit]{Limit: booksShares},
		users:  map[string]*Tally{},
		total:  Tally{Refused: map[string]int{}},
	}
}

// Book enters s, which is worth work shares of difficulty 1 if it was accepted.
func (b *Books) Book(s Submit, work float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total.add(s, work)
	user := b.users[s.User]
	if user == nil && len(b.users) < booksUsers {
		user = &Tally{Refused: map[string]int{}}
		b.users[s.User] = user
	}
	if user != nil {
		user.add(s, work)
	}
	if s.Hash == (proof.Hash{}) {
		return
	}
	if first, ok := b.shares.Get(s.Hash); ok && first.Refused == nil {
		b.repeats++ // the first verdict counts
		return
	}
	b.shares.Put(s.Hash, s)
}

func (t *Tally) add(s Submit, work float64) {
	if s.Refused != nil {
		t.Refused[s.Refused.Text]++
		return
	}
	t.Accepted++
	t.Work += work
}

// Share returns the verdict on the header with that hash; an acceptance takes
// precedence over later verdicts.
func (b *Books) Share(h proof.Hash) (Submit, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shares.Get(h)
}

// Each calls do for every share still remembered, in no order.
func (b *Books) Each(do func(Submit)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.shares.All() {
		do(s)
	}
}

// Total returns the tally over all user names.
func (b *Books) Total() Tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total.clone()
}

// Users returns the tally of each user name that ever submitted.
func (b *Books) Users() map[string]Tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	users := make(map[string]Tally, len(b.users))
	for name, t := range b.users {
		users[name] = t.clone()
	}
	return users
}

func (t Tally) clone() Tally {
	refused := make(map[string]int, len(t.Refused))
	for text, n := range t.Refused {
		refused[text] = n
	}
	t.Refused = refused
	return t
}
