package session

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// FuzzNoHeaderTwice plays miners, pools and event loops in any order, as the input's
// bytes say, and remembers every header that was forwarded or accepted: none may be a
// second time. A new share for the last job, with new work, must be accepted.
func FuzzNoHeaderTwice(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(script(seed, 1000))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		newWorld(t, data).run()
	})
}

// script returns random bytes; seeds differ in the steps that they favour.
func script(seed uint64, n int) []byte {
	random := rand.New(rand.NewPCG(seed, 2))
	often := byte(random.Uint32())
	data := make([]byte, n)
	for i := range data {
		if data[i] = byte(random.Uint32()); random.IntN(4) == 0 {
			data[i] = often
		}
	}
	return data
}

// world is lanes, event loops that may be late with their jobs, and miners.
type world struct {
	t       *testing.T
	data    []byte
	terms   Terms
	env     Env
	decoder *codec.Decoder
	request codec.Request

	lanes    []*worldLane
	loops    int
	miners   []*worldMiner
	prefixes []*worldPrefix
	ids      uint32 // of jobs
	contents uint32 // of works
	nonce    uint32
	floods   int
	now      time.Time
	shares   []worldShare // accepted ones
	accepted map[worldHeader]bool
}

// worldLane is a lane as upstream sees it.
type worldLane struct {
	id      uint32
	numbers map[uint32]uint32 // of works, by content
	recent  []uint32          // contents
	latest  *work.Job
	newest  uint32
	resting []*worldPrefix
	feeds   []*Feed     // by loop; nil: no miner there
	mail    []worldPost // by loop
}

type worldPost struct {
	job   *work.Job
	clean bool
}

// worldPrefix is a prefix and its history.
type worldPrefix struct {
	value uint16
	taken bool
	rests int               // lanes
	since map[uint32]uint32 // by lane: the first work that its next miner may answer
}

// worldMiner is a connection; it is gone when session is nil.
type worldMiner struct {
	session    *Session
	parked     *parkedSession
	prefix     *worldPrefix
	lane, loop int
	left       *Feed       // of the lane that it was moved from, whose jobs it may answer yet; nil: none
	leftLane   int         // which that is
	slow       []Candidate // being hashed
}

type worldShare struct {
	prefix *worldPrefix
	lane   int
	job    *work.Job
	nonce  uint32
}

// worldHeader is everything that makes up a header.
type worldHeader struct {
	content uint32
	prefix  [2]byte
	extra   [4]byte
	version uint32
	ntime   uint32
	nonce   uint32
}

func newWorld(t *testing.T, data []byte) *world {
	w := &world{t: t, data: data, decoder: codec.NewDecoder(), now: time.Unix(1700000000, 0), accepted: map[worldHeader]bool{}}
	w.terms = Terms{SubscribeTimeout: time.Hour, AuthorizeTimeout: time.Hour, Difficulty: Policy{Start: 2, Min: 2, Max: 2, SharesPerMinute: 6}}
	w.env.Terms = &w.terms
	w.lanes = make([]*worldLane, 1+w.next(6))
	w.loops = 1 + w.next(2)
	for i := range w.lanes {
		w.lanes[i] = &worldLane{id: uint32(i + 1), numbers: map[uint32]uint32{}, feeds: make([]*Feed, w.loops), mail: make([]worldPost, w.loops)}
		w.post(i, false, true)
	}
	for range 1 + w.next(3) {
		w.miners = append(w.miners, &worldMiner{})
	}
	return w
}

// next returns the next byte modulo n; 0 at the end.
func (w *world) next(n int) int {
	if len(w.data) == 0 {
		return 0
	}
	b := w.data[0]
	w.data = w.data[1:]
	return int(b) % n
}

func (w *world) run() {
	for len(w.data) > 0 {
		op, m := w.next(17), w.miners[w.next(len(w.miners))]
		if m.session == nil && op < 11 {
			w.connect(m, w.next(2) == 0)
			continue
		}
		switch op {
		case 0, 1:
			w.fresh(m, 1+w.next(4), w.next(4) == 0)
		case 2:
			w.fresh(m, []int{12, 30, 100, 400}[w.next(4)], false)
		case 3, 4, 5:
			w.replay(m, w.next(2)*w.next(256))
		case 6, 7:
			w.move(m, w.next(len(w.lanes)))
		case 8:
			w.disconnect(m, w.next(3) > 0)
		case 9:
			w.hashed(m)
		case 10:
			if w.next(4) > 0 {
				w.late(m, 1+w.next(40))
			} else if w.floods < 2 {
				w.floods++
				w.fresh(m, maxSlots+100, false)
			}
		case 11, 12, 13, 14:
			lane := w.next(len(w.lanes))
			w.now = w.now.Add(time.Duration(w.next(60)) * time.Second)
			w.post(lane, w.next(3) == 0, w.next(2) == 0)
			for loop := range w.loops {
				if w.next(4) > 0 {
					w.deliver(lane, loop)
				}
			}
		case 15:
			w.deliver(w.next(len(w.lanes)), w.next(w.loops))
		case 16:
			if m.session != nil {
				m.session = decoded(w.t, m.session, w.env.Now)
			}
		}
	}
}

// post is a job from the pool: new work, or one of the last again.
func (w *world) post(lane int, again, clean bool) {
	l := w.lanes[lane]
	if again && len(l.recent) > 0 {
		w.job(lane, l.recent[w.next(len(l.recent))], clean)
		return
	}
	w.contents++
	l.recent = append(l.recent, w.contents)
	if len(l.recent) > 12 {
		l.recent = l.recent[1:]
	}
	w.job(lane, w.contents, clean)
}

func (w *world) job(lane int, content uint32, clean bool) {
	l := w.lanes[lane]
	if l.numbers[content] == 0 {
		l.numbers[content] = uint32(len(l.numbers) + 1)
	}
	w.ids++
	layout, _ := work.NewLayout(8, 2)
	n := &work.Template{Coinb1: []byte{1}, Coinb2: binary.BigEndian.AppendUint32(nil, content), Version: 0x20000000, NBits: 0x170371b1, NTime: 1700000000}
	n.PrevHash[0] = byte(content / 4) // four works per block
	job := work.NewJob(*n, []byte{1, 2, 3, 4}, layout)
	job.ID, job.Work, job.Epoch, job.Received, job.Difficulty = w.ids, l.numbers[content], uint64(l.id), w.now, 1024
	job.Line = codec.NewNotifyLine(job.ID, n, layout.Fold(nil))
	l.latest = job
	if job.Work > l.newest {
		l.newest = job.Work
		if clean {
			for _, x := range l.resting {
				x.rests--
				x.since[l.id] = l.newest
			}
			l.resting = nil
		}
	}
	for loop := range l.mail {
		if l.feeds[loop] != nil {
			l.mail[loop] = worldPost{job, clean || l.mail[loop].clean}
		}
	}
}

// deliver delivers a loop's mail.
func (w *world) deliver(lane, loop int) {
	l := w.lanes[lane]
	p := l.mail[loop]
	l.mail[loop] = worldPost{}
	if p.job == nil || !l.feeds[loop].Post(p.job, p.clean, 0, 1024) {
		return
	}
	for _, m := range w.miners {
		if m.session != nil && m.lane == lane && m.loop == loop {
			w.see(m)
			m.session.Job(&w.env, p.clean, nil)
		}
	}
}

func (w *world) see(m *worldMiner) {
	w.env.Feed, w.env.Left = w.lanes[m.lane].feeds[m.loop], m.left
}

// enter makes the miner a member of a lane.
func (w *world) enter(m *worldMiner, lane int) {
	m.lane = lane
	l := w.lanes[lane]
	if l.feeds[m.loop] == nil {
		l.feeds[m.loop] = &Feed{Lane: l.id}
		l.feeds[m.loop].Post(l.latest, false, 0, 1024)
	}
	w.see(m)
	m.session.Enter(w.env.Feed, m.prefix.since[l.id])
}

// leave removes the miner; a loop forgets a lane once it has no miner there.
func (w *world) leave(m *worldMiner) {
	l := w.lanes[m.lane]
	if !slices.Contains(l.resting, m.prefix) {
		l.resting = append(l.resting, m.prefix)
		m.prefix.rests++
	}
	if !slices.ContainsFunc(w.miners, func(o *worldMiner) bool {
		return o != m && o.session != nil && o.lane == m.lane && o.loop == m.loop
	}) {
		l.feeds[m.loop], l.mail[m.loop] = nil, worldPost{}
	}
}

func (w *world) move(m *worldMiner, lane int) {
	if lane == m.lane {
		return
	}
	m.left, m.leftLane = w.lanes[m.lane].feeds[m.loop], m.lane
	if w.next(3) == 0 {
		m.left = nil // its late shares do not count, or it comes much later
	}
	w.leave(m)
	w.enter(m, lane)
	m.session.Moved(&w.env, true, nil)
}

func (w *world) disconnect(m *worldMiner, parks bool) {
	w.leave(m)
	m.slow, m.left = nil, nil
	if parks {
		m.parked = &parkedSession{m.session.State(w.env.Now), m.session.Headers(), w.env.Now}
	} else {
		m.prefix.taken = false
	}
	m.session = nil
}

// connect resumes a miner, or adds a new one with the free prefix that was returned
// first.
func (w *world) connect(m *worldMiner, authorizesFirst bool) {
	parked := m.parked
	m.session, m.parked = new(Session), nil
	m.loop = w.next(w.loops)
	lane := w.next(len(w.lanes))
	if parked == nil {
		at := slices.IndexFunc(w.prefixes, func(x *worldPrefix) bool { return !x.taken && x.rests == 0 })
		if at < 0 {
			at = len(w.prefixes)
			w.prefixes = append(w.prefixes, &worldPrefix{value: uint16(at), since: map[uint32]uint32{}})
		}
		m.prefix = w.prefixes[at]
		m.prefix.taken = true
	}
	subscribe := func() {
		w.decode(`{"id":1,"method":"mining.subscribe","params":["x"]}`)
		if parked != nil {
			before := parked.restore()
			m.session.Resume(&w.env, &w.request, &before, nil)
		} else {
			m.session.Subscribed(&w.env, &w.request, 1, binary.BigEndian.AppendUint16(nil, m.prefix.value), 4, nil)
		}
	}
	authorize := func() {
		w.decode(`{"id":2,"method":"mining.authorize","params":["rig","x"]}`)
		m.session.Authorized(&w.env, &w.request, "rig", 0, nil)
	}
	w.env.Feed = nil
	if authorizesFirst {
		authorize()
		w.enter(m, lane)
		subscribe()
	} else {
		subscribe()
		w.enter(m, lane)
		authorize()
	}
}

func (w *world) decode(line string) {
	if err := w.decoder.DecodeRequest([]byte(line), &w.request); err != nil {
		w.t.Fatal(err)
	}
}

// fresh submits new shares for the last job.
func (w *world) fresh(m *worldMiner, n int, slowly bool) {
	w.see(m)
	for range n {
		w.nonce++
		w.submit(m, w.env.Feed.Job(), w.nonce<<2|uint32(w.next(4)), slowly)
	}
}

// late submits new shares for the last job of the lane that the miner was moved from.
func (w *world) late(m *worldMiner, n int) {
	w.see(m)
	for range n {
		if m.left == nil {
			return
		}
		w.nonce++
		w.submit(m, m.left.Job(), w.nonce<<2|uint32(w.next(4)), false)
	}
}

// replay repeats accepted shares from the last one back, after skipping some, also for
// other jobs with the same work on the miner's current lane, or the one that it left.
func (w *world) replay(m *worldMiner, skip int) {
	const most = 100
	w.see(m)
	n := 0
	for i := len(w.shares) - 1; i >= 0 && n < most+skip; i-- {
		x := w.shares[i]
		if x.prefix != m.prefix || x.lane != m.lane && (m.left == nil || x.lane != m.leftLane) {
			continue
		}
		if n++; n <= skip {
			continue
		}
		w.submit(m, x.job, x.nonce, false)
		feed := w.env.Feed
		if x.lane != m.lane {
			feed = m.left
		}
		for _, j := range feed.jobs {
			if j != nil && j != x.job && j.Work == x.job.Work {
				w.submit(m, j, x.nonce, false)
			}
		}
	}
}

func (w *world) submit(m *worldMiner, job *work.Job, nonce uint32, slowly bool) {
	w.decode(fmt.Sprintf(`{"id":4,"method":"mining.submit","params":["rig","%x","00000000","%08x","%08X"]}`, job.ID, job.NTime, nonce))
	_, effect := m.session.Step(&w.env, &w.request, nil)
	if effect.Kind != WantHash {
		w.wantTaken(m, job, nonce, &effect)
		return
	}
	c := *effect.Candidate
	header := headerOf(&c)
	c.Hash = header.hash()
	if slowly {
		m.slow = append(m.slow, c)
		return
	}
	w.judge(m, c)
}

// hashed judges shares whose slow hash is done.
func (w *world) hashed(m *worldMiner) {
	w.see(m)
	slow := m.slow
	m.slow = nil
	for _, c := range slow {
		w.judge(m, c)
	}
}

func (w *world) judge(m *worldMiner, c Candidate) {
	_, effect := m.session.Judge(&w.env, &c, nil)
	if effect.Kind != Forward && !(effect.Kind == Judged && effect.Verdict == work.Accepted) {
		w.wantTaken(m, c.Job, c.Nonce, &effect)
		return
	}
	header := headerOf(&c)
	if w.accepted[header] {
		w.t.Fatalf("header %+v is accepted again, for job %d", header, c.Job.ID)
	}
	w.accepted[header] = true
	feed, lane := w.env.Feed, m.lane
	if effect.Late {
		feed, lane = m.left, m.leftLane
	}
	if j, _ := feed.find(c.Job.ID); j != c.Job {
		w.t.Fatalf("job %d is not the lane's, and its share is accepted", c.Job.ID)
	}
	w.shares = append(w.shares, worldShare{m.prefix, lane, c.Job, c.Nonce})
	if n := m.session.Slots(); n > 2*maxSlots {
		w.t.Fatalf("a miner takes %d slots", n)
	}
}

// wantTaken fails if a faultless share was rejected.
func (w *world) wantTaken(m *worldMiner, job *work.Job, nonce uint32, e *Effect) {
	l := w.lanes[m.lane]
	header := worldHeader{contentOf(job), [2]byte{byte(m.prefix.value >> 8), byte(m.prefix.value)}, [4]byte{}, job.Version, job.NTime, nonce}
	switch {
	case w.accepted[header], nonce&3 == 0: // a duplicate; low difficulty
	case m.left != nil && job == m.left.Job() && m.leftLane != m.lane: // late: what is lost is not the miner's fault, but see TestLateShares
	case job != w.env.Feed.Job(), job.Work != l.newest: // an old job; an old work again
	case m.session.left != nil && m.session.left.lost: // it was on too many lanes
	case e.Verdict == work.TooMany && int(m.session.headers.size) == maxSlots:
	default:
		w.t.Fatalf("a new share for the last job, %d, of a miner with %d headers from work %d on, is answered %s",
			job.ID, m.session.headers.used, m.session.headers.from, e.Verdict)
	}
}

func contentOf(job *work.Job) uint32 { return binary.BigEndian.Uint32(job.Coinb2) }

func headerOf(c *Candidate) worldHeader {
	return worldHeader{contentOf(c.Job), [2]byte(binary.BigEndian.AppendUint16(nil, c.Prefix)), c.Extranonce2, c.Version, c.NTime, c.Nonce}
}

// hash returns a hash for the header, whose difficulty is derived from the nonce.
func (h *worldHeader) hash() (hash [32]byte) {
	digest := sha256.Sum256(fmt.Append(nil, *h))
	copy(hash[:6], digest[:])
	switch h.nonce & 3 {
	case 0:
		hash[28] = 1 // less than difficulty 1
	case 3:
		hash[26] = 1 // 65,536
	default:
		hash[27] = 0x40 // 4
	}
	return hash
}
