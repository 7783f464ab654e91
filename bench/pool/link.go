package pool

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"farmproxy/bench/proof"
	"farmproxy/bench/wire"
)

// session is the part of a link that outlives it and can be resumed. Guarded by
// Pool.mu.
type session struct {
	id          string
	extranonce1 []byte
	size2       int
	jobs        map[string]issued // by id, of this and the previous generation
	link        *link
}

// issued is a job as sent to a session, with the difficulty in force at the time.
type issued struct {
	job        *proof.Job
	generation int
	difficulty float64
	target     proof.Target
	own        ownDifficulties // of an agent's workers; others have the link's
}

// link is one connection to a Pool.
type link struct {
	pool *Pool
	conn net.Conn
	id   int
	gone chan struct{} // closed together with the connection
	once sync.Once

	outMu sync.Mutex
	out   []byte        // to be written
	more  chan struct{} // holds one token while out may hold something

	received atomic.Uint64 // bytes
	mute     atomic.Bool   // nothing more is sent

	desk desk // for judging shares

	// guarded by Pool.mu
	session    *session
	rolling    bool
	minerMask  uint32
	authorized map[string]bool
	ready      bool       // authorized: gets difficulty and jobs
	capable    bool       // asked for an agent's capabilities
	agent      *agentLink // nil: not an agent
	notified   int        // notifications sent, for NotifyIDs
}

// Bounds of one link.
const (
	linkQueue = 1 << 20 // bytes to send; a link that falls behind further is closed
	linkNames = 1 << 17 // names authorized on it: a full link of workers, twice
)

// linkBuffer is the size of the read buffer; it is small, because the links may be many
// miners.
const linkBuffer = 4 << 10

// linkWrite is how long a client may take no data before it is disconnected.
const linkWrite = 20 * time.Second

func newLink(p *Pool, conn net.Conn, id int) *link {
	return &link{
		pool: p, conn: conn, id: id,
		more: make(chan struct{}, 1), gone: make(chan struct{}),
		authorized: map[string]bool{},
	}
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.gone)
		l.conn.Close()
	})
}

// read handles lines until the connection ends.
func (l *link) read() {
	defer func() {
		l.close()
		l.pool.mu.Lock()
		defer l.pool.mu.Unlock()
		delete(l.pool.links, l)
		l.pool.upBytes += l.received.Load()
		l.pool.agentGone(l)
		if l.session != nil && l.session.link == l {
			l.session.link = nil
		}
	}()
	in := bufio.NewReaderSize(l.conn, linkBuffer)
	for {
		first, err := in.Peek(1)
		if err != nil {
			return
		}
		read, handle := l.readLine, l.handle
		if first[0] == wire.Magic && l.isAgent() {
			read, handle = l.readFrame, l.handleFrame
		}
		data, err := read(in)
		if err != nil {
			return
		}
		l.received.Add(uint64(len(data)))
		l.pool.trace(l.id, data)
		if !l.awake() {
			return
		}
		handle(data)
	}
}

func (l *link) readLine(in *bufio.Reader) ([]byte, error) { return wire.ReadLine(in, wire.MaxLine) }

// write sends everything queued, in one piece.
func (l *link) write() {
	defer l.close()
	var batch []byte
	for {
		select {
		case <-l.gone:
			return
		case <-l.more:
		}
		if !l.awake() {
			return
		}
		l.outMu.Lock()
		batch, l.out = l.out, batch[:0]
		l.outMu.Unlock()
		l.conn.SetWriteDeadline(time.Now().Add(linkWrite))
		if _, err := l.conn.Write(batch); err != nil {
			return
		}
	}
}

// awake waits out a silence of the pool; it returns false if the link ended.
func (l *link) awake() bool {
	for {
		wake := l.pool.silence()
		if wake == nil {
			return true
		}
		select {
		case <-wake:
		case <-l.gone:
			return false
		}
	}
}

// send queues one line, without blocking.
func (l *link) send(line []byte) {
	if l.mute.Load() {
		return
	}
	l.outMu.Lock()
	full := len(l.out)+len(line) > linkQueue
	if !full {
		l.out = append(l.out, line...)
	}
	l.outMu.Unlock()
	if full {
		l.close()
		return
	}
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// notify sends a notification; the caller holds Pool.mu.
func (l *link) notify(method, params string) {
	id := "null"
	if l.pool.o.NotifyIDs {
		l.notified++
		id = strconv.Itoa(l.notified)
	}
	l.send(fmt.Appendf(nil, `{"id":%s,"method":%q,"params":%s}`+"\n", id, method, params))
}

func (l *link) sendDifficulty() {
	l.notify("mining.set_difficulty", "["+proof.Number(l.pool.difficulty)+"]")
}

// sendJob issues j to the link's session; the caller holds Pool.mu.
func (l *link) sendJob(j *proof.Job, params string) {
	s, p := l.session, l.pool
	for id, old := range s.jobs {
		if old.generation < p.generation-1 {
			delete(s.jobs, id)
		}
	}
	id, difficulty := j.ID, p.difficulty
	if l.agent != nil {
		id, difficulty = j.ShortID, l.agent.difficulty
		params = withID(params, id)
		l.sendOwnDifficulties()
	}
	now := issued{job: j, generation: p.generation, difficulty: difficulty, target: proof.TargetOf(p.o.Algorithm.One(difficulty))}
	if l.agent != nil {
		now.own = l.agent.own
	}
	if before, ok := s.jobs[id]; ok && before.job == j && before.difficulty < now.difficulty {
		now.difficulty, now.target = before.difficulty, before.target // as promised
	}
	s.jobs[id] = now
	l.notify("mining.notify", params)
}

// message is any line of a client.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

func (l *link) handle(line []byte) {
	into := &l.desk.message
	*into = message{ID: into.ID[:0], Params: into.Params[:0]}
	if json.Unmarshal(line, into) != nil {
		l.close()
		return
	}
	m := *into
	if m.Method == "" {
		if l.pool.o.OnReply != nil {
			l.pool.o.OnReply(append([]byte(nil), line...))
		}
		return
	}
	if m.Method == "mining.submit" {
		l.submit(m)
		return
	}
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	switch m.Method {
	case "mining.configure":
		l.configure(m)
	case "mining.subscribe":
		l.subscribe(m)
	case "mining.authorize":
		l.authorize(m)
	case "mining.suggest_difficulty":
		if l.pool.o.SuggestAsNotify {
			l.send(fmt.Appendf(nil, `{"id":%s,"method":"mining.set_difficulty","params":[%s]}`+"\n", m.ID, proof.Number(l.pool.difficulty)))
			return
		}
		l.answer(m, "true", nil)
	case "mining.extranonce.subscribe":
		l.answer(m, "true", nil)
	case "agent.get_capabilities":
		l.capabilities(m)
	case "mining.ping":
		l.answer(m, `"pong"`, nil)
	case "client.get_version", "mining.get_version":
		l.answer(m, `"farmproxy bench"`, nil)
	default:
		l.answer(m, "null", &proof.Refusal{Code: 20, Text: "Unknown method"})
	}
}

func (l *link) answer(m message, result string, refused *proof.Refusal) {
	l.send(l.reply(m, result, refused))
}

// reply returns the line that answers m, valid until the next call.
func (l *link) reply(m message, result string, refused *proof.Refusal) []byte {
	id := m.ID
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	b := append(l.desk.reply[:0], `{"id":`...)
	if l.pool.o.StringIDs && id[0] != '"' {
		b = strconv.AppendQuote(b, string(id))
	} else {
		b = append(b, id...)
	}
	b = append(append(b, `,"result":`...), result...)
	b = append(b, `,"error":`...)
	if refused == nil {
		b = append(b, "null"...)
	} else {
		b = fmt.Appendf(b, `[%d,%q,null]`, refused.Code, refused.Text)
	}
	b = append(b, "}\n"...)
	l.desk.reply = b
	return b
}

func (l *link) configure(m message) {
	if l.session != nil && l.pool.o.ConfigureFirst {
		l.answer(m, "null", &proof.Refusal{Code: 21, Text: "ConfigurationOutOfOrder"})
		return
	}
	var p []json.RawMessage
	var codes []string
	var values map[string]json.RawMessage
	if json.Unmarshal(m.Params, &p) != nil || len(p) < 1 || json.Unmarshal(p[0], &codes) != nil {
		l.answer(m, "null", proof.RefusedParams)
		return
	}
	if len(p) > 1 && json.Unmarshal(p[1], &values) != nil {
		l.answer(m, "null", proof.RefusedParams)
		return
	}
	result := map[string]any{}
	for _, code := range codes {
		result[code] = false
		switch code {
		case "version-rolling":
			asked := uint32(0xffffffff)
			var text string
			if json.Unmarshal(values["version-rolling.mask"], &text) == nil {
				if w, err := proof.ParseWord(text); err == nil {
					asked = w
				}
			}
			l.minerMask = asked
			l.rolling = l.pool.mask&asked != 0
			result[code] = l.rolling
			if l.rolling {
				result["version-rolling.mask"] = fmt.Sprintf("%08x", l.pool.mask&asked)
			}
		case "subscribe-extranonce":
			result[code] = true
		}
	}
	text, err := json.Marshal(result)
	if err != nil {
		panic(err) // strings and bools only
	}
	l.answer(m, string(text), nil)
	if l.capable && l.rolling {
		l.sendMask() // as pools that support agents do
	}
}

func (l *link) subscribe(m message) {
	var p []any
	if json.Unmarshal(m.Params, &p) != nil {
		l.answer(m, "null", proof.RefusedParams)
		return
	}
	if l.session == nil {
		l.meetAgent(p)
		if len(p) > 1 {
			if id, ok := p[1].(string); ok && l.pool.o.Resume {
				l.session, _ = l.pool.sessions.Get(id)
			}
		}
		if l.session == nil {
			l.session = l.pool.newSession()
		}
		if old := l.session.link; old != nil {
			old.close() // the client says that it is dead
		}
		l.session.link = l
	}
	s := l.session
	l.answer(m, fmt.Sprintf(`[[["mining.set_difficulty","%s"],["mining.notify","%s"]],"%s",%d]`,
		s.id, s.id, hex.EncodeToString(s.extranonce1), s.size2), nil)
}

func (l *link) authorize(m message) {
	var p []any
	if json.Unmarshal(m.Params, &p) != nil || len(p) < 1 {
		l.answer(m, "null", proof.RefusedParams)
		return
	}
	name, ok := p[0].(string)
	refuse := l.pool.o.RefuseNames
	switch {
	case l.session == nil:
		l.answer(m, "null", proof.RefusedSubscribe)
		return
	case !ok || name == "" || len(l.authorized) >= linkNames || refuse != nil && refuse.MatchString(name):
		l.answer(m, "false", proof.RefusedUnauthorized)
		return
	}
	l.authorized[name] = true
	l.answer(m, "true", nil)
	if l.ready {
		return
	}
	l.ready = true
	if l.agent != nil {
		l.agent.books.User, l.agent.difficulty = name, l.pool.difficulty
	}
	l.sendDifficulty()
	if j := l.pool.current; j != nil {
		params := j.Params
		if l.pool.o.FirstJob == "" && len(l.session.jobs) == 0 {
			params = strings.TrimSuffix(params, "false]") // a newcomer's first job is clean
			if params != j.Params {
				params += "true]"
			}
		}
		l.sendJob(j, params)
	}
}

// submit judges one share, books it and answers.
func (l *link) submit(m message) {
	s := Submit{At: time.Now(), Link: l.id, Params: string(m.Params)}
	c, refused := l.desk.claim(m.Params)
	s.User, s.JobID, s.Refused = c.user, c.job, refused
	difficulty := 0.0
	if refused == nil {
		s, difficulty = l.judge(s, c)
	}
	l.book(s, difficulty)
	result := "true"
	if s.Refused != nil {
		result = "null"
	}
	l.sendVerdict(l.reply(m, result, s.Refused))
}

// book enters a judged share.
func (l *link) book(s Submit, difficulty float64) {
	p := l.pool
	p.books.Book(s, p.o.Algorithm.One(difficulty))
	if p.o.OnSubmit != nil {
		p.o.OnSubmit(s)
	}
}

// sendVerdict sends the answer to a share, after the delay of a distant pool.
func (l *link) sendVerdict(data []byte) {
	if l.pool.o.AnswerDelay == 0 {
		l.send(data)
		return
	}
	later := bytes.Clone(data)
	time.AfterFunc(l.pool.o.AnswerDelay, func() { l.send(later) })
}

// judge returns the verdict on a claim, and the difficulty it had to meet.
func (l *link) judge(s Submit, c claim) (Submit, float64) {
	p := l.pool
	r, work, refused := l.rules(&c)
	if refused != nil {
		s.Refused = refused
		return s, 0
	}
	s.Key = work.job.Key
	if s.Hash, s.Refused = r.verify(c, s.At, &l.desk); s.Refused != nil {
		return s, 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, repeated := p.seen.Get(s.Hash)
	p.seen.Put(s.Hash, struct{}{})
	switch {
	case repeated:
		s.Refused = proof.RefusedDuplicate
	case work.generation != p.generation:
		s.Refused = proof.RefusedStale
	case p.reject > 0 && p.rnd.Float64() < p.reject:
		s.Refused = proof.RefusedByScript
	}
	return s, work.difficulty
}

// rules returns the rules for the claim, and fills in what an agent left out of it.
func (l *link) rules(c *claim) (rules, issued, *proof.Refusal) {
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.session == nil {
		return rules{}, issued{}, proof.RefusedSubscribe
	}
	if c.worker == nil && !l.authorized[c.user] {
		return rules{}, issued{}, proof.RefusedUnauthorized
	}
	work, ok := l.session.jobs[c.job]
	if !ok {
		return rules{}, issued{}, proof.RefusedUnknown
	}
	if c.worker != nil {
		work = l.agent.rules(c, work, p.o.Algorithm)
	}
	return rules{
		algorithm: p.o.Algorithm, job: work.job, extranonce1: l.session.extranonce1, extranonce2Size: l.session.size2,
		rolling: l.rolling, mask: p.mask & l.minerMask, target: work.target,
	}, work, nil
}
