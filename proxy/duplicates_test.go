package proxy

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	benchpool "farmproxy/bench/pool"
	"farmproxy/bench/proof"
	"farmproxy/codec"
	"farmproxy/codec/agent"
	"farmproxy/config"
	"farmproxy/stats"
	"farmproxy/work"
)

// easy is a difficulty that every fourth hash meets.
const easy = 1.0 / (1 << 30)

// easyShares lets miners have that difficulty, and keep it.
func easyShares(c *config.Config) {
	c.Difficulty.Start, c.Difficulty.Min, c.Difficulty.Max = easy, easy, easy
}

// headers are the headers sent to a pool.
type headers struct {
	mu    sync.Mutex
	sent  map[proof.Hash]int
	again []proof.Hash
}

// watch makes a pool's options record the shares sent to it.
func (h *headers) watch(o *benchpool.Options) {
	o.OnSubmit = func(s benchpool.Submit) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.sent == nil {
			h.sent = map[proof.Hash]int{}
		}
		if h.sent[s.Hash]++; h.sent[s.Hash] > 1 {
			h.again = append(h.again, s.Hash)
		}
	}
}

// want fails unless the pool was sent n shares, all different.
func (h *headers) want(t *testing.T, n int) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.sent) != n || len(h.again) > 0 {
		t.Errorf("the pool was sent %d shares, %d of them again; want %d, each once", len(h.sent), len(h.again), n)
	}
}

// rig is a miner that finds shares.
type rig struct {
	*miner
	worker  string
	session string
	e1      []byte
	size    int
	jobs    []rigJob // jobs received, the last one last
	nonce   uint32
	id      int // of the last request
	moves   int // to another account
	checker work.Checker
}

type rigJob struct {
	id string
	*work.Job
}

// rigShare is a share, and its job.
type rigShare struct {
	job   rigJob
	nonce uint32
	hash  [32]byte
}

// startRig takes a miner to its first job; session is one to resume, or "".
func startRig(t *testing.T, address, worker, session string) *rig {
	t.Helper()
	r := &rig{miner: connect(t, address), worker: worker}
	params := `["rig"]`
	if session != "" {
		params = fmt.Sprintf(`["rig",%q]`, session)
	}
	var result []json.RawMessage
	if err := json.Unmarshal(r.ask("mining.subscribe", params).Result, &result); err != nil {
		t.Fatal(err)
	}
	var subscriptions [][2]string
	json.Unmarshal(result[0], &subscriptions)
	r.session = subscriptions[0][1]
	var e1 string
	json.Unmarshal(result[1], &e1)
	r.e1, _ = hex.DecodeString(e1)
	json.Unmarshal(result[2], &r.size)
	r.authorize(worker)
	for len(r.jobs) == 0 {
		r.next()
	}
	return r
}

// authorize mines for a worker from now on.
func (r *rig) authorize(worker string) {
	r.t.Helper()
	r.worker = worker
	r.ask("mining.authorize", fmt.Sprintf(`[%q,"x"]`, worker))
}

// ask sends a request and returns its answer.
func (r *rig) ask(method, params string) message {
	r.t.Helper()
	r.id++
	r.send(`{"id":%d,"method":%q,"params":%s}`, r.id, method, params)
	return r.answerTo(r.id)
}

func (r *rig) answerTo(id int) message {
	r.t.Helper()
	for {
		if m := r.next(); m.Method == "" && string(m.ID) == fmt.Sprint(id) {
			return m
		}
	}
}

// next reads a line, and records a job.
func (r *rig) next() message {
	r.t.Helper()
	_, m := r.read()
	if m.Method == "mining.notify" {
		params, _ := json.Marshal(m.Params)
		n, err := codec.Raw(params).Notify()
		if err != nil {
			r.t.Fatal(err)
		}
		job := work.NewJob(n.Template, nil, work.Layout{Prefix: len(r.e1), Room: r.size})
		var id string
		json.Unmarshal(m.Params[0], &id)
		r.jobs = append(r.jobs, rigJob{id, job})
	}
	return m
}

// prefix returns the extranonce1 as a number.
func (r *rig) prefix() (n uint16) {
	for _, b := range r.e1 {
		n = n<<8 | uint16(b)
	}
	return n
}

// find finds a share that meets the difficulty from, but not to.
func (r *rig) find(job rigJob, from, to float64) rigShare {
	for {
		r.nonce++
		s := work.Solution{Prefix: r.prefix(), Size: uint8(r.size), Version: job.Version, NTime: job.NTime, Nonce: r.nonce}
		hash := r.checker.Hash(job.Job, &s)
		if d := work.Difficulty(&hash); d >= from && d < to {
			return rigShare{job, r.nonce, hash}
		}
	}
}

// submit sends a share, as found for a job of that id, and returns its request.
func (r *rig) submit(s rigShare, job string) (id int) {
	r.t.Helper()
	r.id++
	r.send(`{"id":%d,"method":"mining.submit","params":[%q,%q,%q,"%08x","%08x"]}`, r.id, r.worker, job, strings.Repeat("00", r.size), s.job.NTime, s.nonce)
	return r.id
}

// accepted reads until a share is answered.
func (r *rig) accepted(id int) bool {
	r.t.Helper()
	return string(r.answerTo(id).Result) == "true"
}

// hand submits a share and reports whether it was accepted.
func (r *rig) hand(s rigShare) bool {
	r.t.Helper()
	return r.accepted(r.submit(s, s.job.id))
}

// handAll submits shares together, and returns which were accepted.
func (r *rig) handAll(list []rigShare) (accepted []bool) {
	r.t.Helper()
	first := r.id + 1
	for _, s := range list {
		r.submit(s, s.job.id)
	}
	accepted = make([]bool, len(list))
	for missing := len(list); missing > 0; {
		if m := r.next(); m.Method == "" {
			var id int
			json.Unmarshal(m.ID, &id)
			accepted[id-first] = string(m.Result) == "true"
			missing--
		}
	}
	return accepted
}

// acceptedInBooks returns how many shares of all workers are booked as accepted.
func (p *proxy) acceptedInBooks() (n uint64) {
	list, _ := p.book.Workers(stats.WorkerQuery{Limit: 100})
	for _, w := range list {
		n += w.Shares[work.Accepted]
	}
	return n
}

// A miner repeats one share that goes to the pool, and easy ones in a circle, so many
// that it would be forgotten if it were as easy.
func TestSharesInACircle(t *testing.T) {
	t.Parallel()
	for _, n := range []int{24, 5000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			var sent headers
			pool := startPool(t, func(o *benchpool.Options) {
				o.Difficulty = 1.0 / (1 << 18)
				sent.watch(o)
			})
			p, address := startProxy(t, easyShares, nil, pool)
			r := startRig(t, address, "farm.rig", "")
			circle := []rigShare{r.find(r.jobs[0], 1.0/(1<<18), 1)}
			for range n {
				circle = append(circle, r.find(r.jobs[0], easy, 1.0/(1<<19)))
			}
			for round := range 3 {
				for i := 0; i < len(circle); i += 200 {
					for j, accepted := range r.handAll(circle[i:min(i+200, len(circle))]) {
						if accepted != (round == 0) {
							t.Fatalf("round %d: share %d is accepted: %v", round, i+j, accepted)
						}
					}
				}
			}
			sent.want(t, 1)
			if got := p.acceptedInBooks(); got != uint64(n+1) {
				t.Errorf("%d shares are in the books, want %d", got, n+1)
			}
		})
	}
}

// repeater is miners of two accounts that repeat shares while other things happen, and
// knows which were accepted.
type repeater struct {
	t        *testing.T
	random   *rand.Rand
	pool     *benchpool.Pool
	address  string
	rig      *rig
	found    map[string][]rigShare // by account and extranonce
	accepted map[[32]byte]int
}

// key identifies where headers can repeat: each account has its own link.
func (x *repeater) key() string {
	account, _, _ := strings.Cut(x.rig.worker, ".")
	return account + hex.EncodeToString(x.rig.e1)
}

func (x *repeater) note(list []rigShare, accepted []bool) {
	for i, s := range list {
		if accepted[i] {
			if x.accepted[s.hash]++; x.accepted[s.hash] > 1 {
				x.t.Fatalf("share %x for job %s is accepted again", s.hash, s.job.id)
			}
		}
	}
}

// freeMoves is how often a connection may change its account before a share of it is
// accepted.
const freeMoves = 4

// mine hands in n new shares, and reports whether one was accepted: all are, unless the
// next job is on its way.
func (x *repeater) mine(n int) bool {
	r := x.rig
	var list []rigShare
	for range n {
		list = append(list, r.find(r.jobs[len(r.jobs)-1], easy, 1e9))
	}
	accepted := r.handAll(list)
	x.note(list, accepted)
	x.found[x.key()] = append(x.found[x.key()], list...)
	return slices.Contains(accepted, true)
}

func (x *repeater) step() {
	r := x.rig
	jobs := len(r.jobs)
	switch x.random.IntN(9) {
	case 0, 1:
		x.mine(1 + x.random.IntN(40))
	case 2, 3, 4: // old ones, and for the last job in case it is the same work
		old := x.found[x.key()]
		var list []rigShare
		for range min(len(old), 100) {
			s := old[x.random.IntN(len(old))]
			last := s
			last.job.id = r.jobs[len(r.jobs)-1].id
			if list = append(list, s); r.jobs[len(r.jobs)-1].Digest() == s.job.Digest() {
				list = append(list, last)
			}
		}
		x.note(list, r.handAll(list))
	case 5: // the next job, which all links must have
		x.pool.Job(x.random.IntN(2) == 0)
		r.await(jobs)
	case 6: // the same work again
		sent := x.pool.Jobs()
		last := sent[len(sent)-1]
		params := strings.Replace(last.Params, last.ID, fmt.Sprintf("%s%d", last.ID, len(sent)), 1)
		if err := x.pool.Notify(params); err != nil {
			x.t.Fatal(err)
		}
		r.await(jobs)
	case 7: // another connection, of the same session or a new one
		session := r.session
		if x.random.IntN(4) == 0 {
			session = ""
		}
		r.conn.Close()
		x.rig = startRig(x.t, x.address, r.worker, session)
	case 8: // the other account
		if r.moves++; r.moves > freeMoves {
			for !x.mine(1) {
			}
		}
		worker := "alice.rig"
		if r.worker == worker {
			worker = "bob.rig"
		}
		r.authorize(worker)
		r.await(jobs) // which may come before the answer
	}
}

// await reads until there are more jobs than n.
func (r *rig) await(n int) {
	r.t.Helper()
	for len(r.jobs) <= n {
		r.next()
	}
}

// awaitWork reads until the last job is the same work as job.
func (r *rig) awaitWork(job rigJob) rigJob {
	r.t.Helper()
	for r.jobs[len(r.jobs)-1].Digest() != job.Digest() {
		r.next()
	}
	return r.jobs[len(r.jobs)-1]
}

// Whatever a miner and a pool do, no header goes to the pool twice, and none is
// accepted twice.
func TestNoHeaderIsAcceptedTwice(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			var sent headers
			pool := startPool(t, sent.watch)
			_, address := startProxy(t, func(c *config.Config) {
				easyShares(c)
				c.Accounts.MultiUser = true
				c.Pools[0].User = ""
			}, nil, pool)
			x := &repeater{t: t, random: rand.New(rand.NewPCG(seed, 7)), pool: pool, address: address,
				found: map[string][]rigShare{}, accepted: map[[32]byte]int{}}
			x.rig = startRig(t, address, "alice.rig", "")
			for range 200 {
				x.step()
			}
			sent.mu.Lock()
			defer sent.mu.Unlock()
			if len(sent.again) > 0 || len(sent.sent) == 0 {
				t.Errorf("the pool was sent %d shares, and %d of them again", len(sent.sent), len(sent.again))
			}
			if n := pool.Books().Total().Refused["Duplicate share"]; n > 0 {
				t.Errorf("the pool refused %d duplicates", n)
			}
		})
	}
}

// An agent unregisters a miner and registers it again between its shares.
func TestAnAgentsShareIsAcceptedOnce(t *testing.T) {
	t.Parallel()
	var sent headers
	pool := startPool(t, sent.watch)
	p, address := startProxy(t, nil, nil, pool)
	a := connectAgent(t, address, "farm")
	a.register(1, "w1")
	share := a.mine(1, 1, 0)
	const rounds = 100
	for range rounds {
		a.write(share)
		a.write(agent.AppendUnregister(nil, 1))
		a.register(1, "w1")
	}
	accepted := 0
	for _, status := range a.answers(rounds) {
		if status.Accepted() {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("%d are accepted", accepted)
	}
	sent.want(t, 1)
	if got := p.acceptedInBooks(); got != 1 {
		t.Errorf("%d shares are in the books", got)
	}
}

// A miner leaves, another gets its prefix, and the pool resends the first one's work:
// the headers are the same, and it must not matter who has them.
func TestAPrefixsNextMinerDoesNotRepeatTheLast(t *testing.T) {
	t.Parallel()
	var sent headers
	pool := startPool(t, sent.watch)
	_, address := startProxy(t, func(c *config.Config) {
		easyShares(c)
		c.Miners.ResumeWindow = 0
	}, nil, pool)
	other := startRig(t, address, "farm.other", "")
	r := startRig(t, address, "farm.rig", "")
	share := r.find(r.jobs[0], proof.EasyDifficulty, 1e9)
	if !r.hand(share) {
		t.Fatal("a share is refused")
	}
	r.conn.Close()
	again := pool.Jobs()[0]
	var next *rig
	for next == nil || string(next.e1) != string(r.e1) { // the proxy may not have seen yet that r is gone
		jobs := len(other.jobs)
		pool.Job(true)
		other.await(jobs)
		next = startRig(t, address, "farm.next", "")
	}
	jobs := len(other.jobs)
	if err := pool.Notify(strings.Replace(again.Params, again.ID, again.ID+"again", 1)); err != nil {
		t.Fatal(err)
	}
	share.job.id = next.awaitWork(share.job).id
	if next.hand(share) {
		t.Error("the last miner's share is accepted again")
	}
	sent.want(t, 1)
	other.await(jobs) // its time is moved
	if !other.hand(other.find(other.jobs[len(other.jobs)-1], easy, 1e9)) {
		t.Error("a miner that was there all the time may not answer the work")
	}
}
