package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"farmproxy/codec/agent"
	"farmproxy/dial"
	"farmproxy/stats"
	"farmproxy/work"
)

// A scripted pool stands at the other end of a net.Pipe. With testing/synctest
// time passes only when all goroutines wait, so that tests over minutes are
// exact and take no time.

// scripted is a pool. Its fields are set before the goal starts, or with do.
type scripted struct {
	name string

	mu          sync.Mutex
	refuse      bool   // connections are refused
	hole        bool   // connections hang
	mute        bool   // no answer to anything
	extranonce1 string // of new sessions, with a number appended
	size        int
	mask        string // "": version rolling is refused
	forget      bool   // sessions are not resumed
	jobless     bool   // no job after authorize
	stringIDs   bool
	badUser     string // is not authorized
	badWorkers  bool   // no name with a dot is authorized
	slowNames   bool   // names with a dot get no answer
	answer      func(s submit) string
	on          map[string]func(c *conn, r request) bool // by method; true: handled
	agent       *agentPort                               // nil: it speaks Stratum only

	serial int
	jobs   int
	dials  []time.Duration // since the start of the test

	addresses []string // dialled
	started   time.Time
	conns     []*conn
	submits   []submit
	heard     []string // methods
}

// conn is one connection to a scripted pool.
type conn struct {
	pool *scripted
	net.Conn
	extranonce1 string
	lines       []string // what it was told
	authorized  bool
	writes      int
	agent       agentSide
	out         chan string
	gone        chan struct{}
}

type request struct {
	ID     json.RawMessage   `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
	Result json.RawMessage   `json:"result"`
	Error  json.RawMessage   `json:"error"`
}

// submit is a share as the pool saw it.
type submit struct {
	User, Job, Extranonce2, NTime, Nonce, Version string
	ID                                            json.RawMessage
	raw                                           string // the job id, as JSON
	conn                                          *conn
}

const yes = `"result":true,"error":null`

func newScripted(name string) *scripted {
	return &scripted{
		name: name, extranonce1: "aabb", size: 8, mask: "1fffe000", started: time.Now(),
		answer: func(submit) string { return yes },
		on:     make(map[string]func(*conn, request) bool),
	}
}

// do changes a pool while it runs.
func (p *scripted) do(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *scripted) dial(ctx context.Context, address string) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addresses = append(p.addresses, address)
	p.dials = append(p.dials, time.Since(p.started))
	if p.hole {
		p.mu.Unlock()
		<-ctx.Done()
		p.mu.Lock()
		return nil, ctx.Err()
	}
	if p.refuse {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	c := &conn{pool: p, Conn: ours, out: make(chan string, 1<<12), gone: make(chan struct{})}
	p.conns = append(p.conns, c)
	go c.serve()
	go c.tell()
	return theirs, nil
}

func (c *conn) serve() {
	defer close(c.gone)
	defer c.Close()
	scan := bufio.NewScanner(countedReader{c})
	scan.Buffer(nil, 1<<20)
	scan.Split(linesAndFrames)
	for scan.Scan() {
		if b := scan.Bytes(); len(b) > 0 && b[0] == agent.Magic {
			c.frame(agent.Frame(b))
			continue
		}
		var r request
		if err := json.Unmarshal(scan.Bytes(), &r); err != nil {
			panic(fmt.Sprintf("the proxy wrote %q: %v", scan.Text(), err))
		}
		p := c.pool
		p.mu.Lock()
		c.lines = append(c.lines, scan.Text())
		p.heard = append(p.heard, r.Method)
		on, mute := p.on[r.Method], p.mute
		p.mu.Unlock()
		if !mute && (on == nil || !on(c, r)) {
			c.handle(r)
		}
	}
}

// countedReader counts the writes at the other end: a net.Pipe does not merge them.
type countedReader struct{ c *conn }

func (r countedReader) Read(b []byte) (int, error) {
	n, err := r.c.Conn.Read(b)
	r.c.pool.do(func() { r.c.writes++ })
	return n, err
}

func (c *conn) handle(r request) {
	p := c.pool
	var first, second string
	if len(r.Params) > 0 {
		json.Unmarshal(r.Params[0], &first)
	}
	if len(r.Params) > 1 {
		json.Unmarshal(r.Params[1], &second)
	}
	switch r.Method {
	case "mining.configure":
		if p.mask == "" {
			c.reply(r.ID, `"result":null,"error":[20,"Not supported",null]`)
			return
		}
		c.reply(r.ID, fmt.Sprintf(`"result":{"version-rolling":true,"version-rolling.mask":%q},"error":null`, p.mask))
	case "mining.subscribe":
		p.mu.Lock()
		if old, ok := strings.CutPrefix(second, "session-"); ok && !p.forget {
			c.extranonce1 = old
		} else {
			p.serial++
			c.extranonce1 = fmt.Sprintf("%s%02x", p.extranonce1, p.serial)
			if p.serial > 0xff {
				c.extranonce1 = fmt.Sprintf("%s%04x", p.extranonce1, p.serial)
			}
		}
		p.mu.Unlock()
		c.reply(r.ID, fmt.Sprintf(`"result":[[["mining.set_difficulty","x"],["mining.notify","session-%s"]],%q,%d],"error":null`, c.extranonce1, c.extranonce1, p.size))
	case "mining.authorize":
		dotted := strings.Contains(first, ".")
		switch {
		case dotted && p.slowNames:
		case first == p.badUser, dotted && p.badWorkers:
			c.reply(r.ID, `"result":false,"error":[24,"Unknown user",null]`)
		default:
			c.reply(r.ID, yes)
		}
		first := !c.authorized
		c.authorized = true
		if first && !p.jobless {
			c.say(`{"id":null,"method":"mining.set_difficulty","params":[1024]}`)
			c.job(true)
		}
	case "agent.get_capabilities":
		c.capabilities(r)
	case "mining.extranonce.subscribe":
		c.reply(r.ID, yes)
	case "mining.submit":
		s := readSubmit(r, c)
		var answer func(submit) string
		p.do(func() {
			p.submits = append(p.submits, s)
			answer = p.answer
		})
		if a := answer(s); a != "" {
			c.reply(r.ID, a)
		}
	}
}

func readSubmit(r request, c *conn) submit {
	s := submit{ID: r.ID, conn: c}
	for i, field := range []*string{&s.User, &s.Job, &s.Extranonce2, &s.NTime, &s.Nonce, &s.Version} {
		if i < len(r.Params) {
			json.Unmarshal(r.Params[i], field)
		}
	}
	if len(r.Params) > 1 {
		s.raw = string(r.Params[1])
	}
	return s
}

func (c *conn) reply(id json.RawMessage, rest string) {
	if c.pool.stringIDs {
		id = json.RawMessage(`"` + string(id) + `"`)
	}
	c.say(fmt.Sprintf(`{"id":%s,%s}`, id, rest))
}

// say writes a line, some time: TCP has buffers, a net.Pipe has none.
func (c *conn) say(line string) { c.out <- line + "\n" }

func (c *conn) tell() {
	for {
		select {
		case line := <-c.out:
			c.Write([]byte(line))
		case <-c.gone:
			return
		}
	}
}

// job sends the next job; its id is "name-1" and so on.
func (c *conn) job(clean bool) {
	c.pool.do(func() {
		c.pool.jobs++
		id := fmt.Sprintf("%s-%d", c.pool.name, c.pool.jobs)
		if c.pool.agent != nil {
			id = fmt.Sprint(c.pool.jobs % 256)
			c.setDifficulties()
		}
		c.say(notify(id, clean))
	})
}

// notify is a job like no other but in its id, and so in its work.
func notify(id string, clean bool) string {
	return fmt.Sprintf(`{"id":null,"method":"mining.notify","params":[%q,"%064d","01000000","ffffffff",["%064x"],"20000000","1d00ffff","65000000",%v]}`, id, 1, crc32.ChecksumIEEE([]byte(id)), clean)
}

// dialled returns how often the pool was dialled.
func (p *scripted) dialled() int { return len(p.called()) }

// called returns the addresses by which it was dialled.
func (p *scripted) called() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.addresses)
}

// every returns all connections it ever had, the oldest first.
func (p *scripted) every() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.conns)
}

// last returns the pool's newest connection.
func (p *scripted) last() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.conns) == 0 {
		return nil
	}
	return p.conns[len(p.conns)-1]
}

// lane returns the newest connection that is open: probes close theirs.
func (p *scripted) lane() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.conns) - 1; ; i-- {
		select {
		case <-p.conns[i].gone:
		default:
			return p.conns[i]
		}
	}
}

func (p *scripted) methods() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.heard, " ")
}

func (p *scripted) shares() []submit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]submit(nil), p.submits...)
}

// farm is a directory with scripted pools, and what it told its miners.
type farm struct {
	oneLoop
	t         *testing.T
	pools     []*scripted
	directory *Directory
	goal      *Goal // everybody else's
	book      *stats.Book
	o         DirectoryOptions
	others    others // what serves everybody whose login is no account's
	joined    *Lane  // see lane
	waiting   func() // happens before the next process starts
	noRelays  bool   // nothing stays behind for links over TLS

	mu        sync.Mutex
	posts     []Post
	verdicts  []Verdict
	rerouted  []*Goal
	outgrown  []*Lane
	dismissed []*Lane
}

func (f *farm) Publish(p Post) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.posts = append(f.posts, p)
}

func (f *farm) Verdicts(list []Verdict) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.verdicts = append(f.verdicts, list...)
}

func (f *farm) Outgrown(l *Lane) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outgrown = append(f.outgrown, l)
}

func (f *farm) Rerouted(g *Goal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rerouted = append(f.rerouted, g)
}

func (f *farm) Dismissed(l *Lane) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dismissed = append(f.dismissed, l)
}

// inFarm runs a test with pools of the given names, all well and on everybody
// else's goal.
func inFarm(t *testing.T, names string, test func(f *farm)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, names)
		defer f.close()
		test(f)
	})
}

func newFarm(t *testing.T, names string) *farm {
	f := &farm{t: t, book: stats.New(stats.Options{})}
	for _, name := range strings.Fields(names) {
		f.pools = append(f.pools, newScripted(name))
		f.others.Pools = append(f.others.Pools, at(name, "farm"))
	}
	f.others.Kept = true
	f.o.Book = f.book
	if testing.Verbose() {
		f.o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	f.o.Dial = func(ctx context.Context, p dial.Target) (net.Conn, error) {
		for _, s := range f.pools {
			if p.Name == s.name {
				return s.dial(ctx, p.Address)
			}
		}
		panic("no such pool: " + p.Name)
	}
	return f
}

// at returns the pool of that name with that user.
func at(name, user string) Pool {
	return Pool{
		Target: dial.Target{Name: name, URL: "stratum+tcp://" + name + ":1", Address: name + ":1", Host: name},
		User:   user, Password: "x", UserAgent: "farmproxy/test",
	}
}

// open makes the directory.
func (f *farm) open() {
	f.directory = NewDirectory(f.o, f)
	f.set()
	f.goal = f.directory.goal("")
}

// start starts the directory and waits until nothing moves.
func (f *farm) start() *farm {
	f.open()
	f.run()
	return f
}

// run starts the directory that was opened.
func (f *farm) run() {
	f.directory.Start(context.Background())
	f.after(time.Second) // and the other pools are probed
}

// after lets time pass.
func (f *farm) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (f *farm) close() {
	if f.directory == nil {
		return
	}
	f.directory.Close(context.Background())
	for _, p := range f.pools {
		for _, c := range p.every() {
			c.Close()
		}
	}
	if n := f.directory.pending.Load(); n != 0 {
		f.t.Errorf("%d shares never got a verdict", n)
	}
}

// lane returns a lane of everybody else's goal, of which one miner is a member.
func (f *farm) lane() *Lane {
	if f.joined == nil {
		f.joined = f.goal.Join(Member{Prefix: Prefix{Len: 2}})
	}
	return f.joined
}

func (f *farm) latest() Post { return f.lane().Latest() }

// jobs returns what the miners were told to work on, in order: pool job ids,
// with ! where clean.
func (f *farm) told() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, p := range f.posts {
		id := strings.Trim(p.Job.PoolID, `"`)
		if p.Clean {
			id += "!"
		}
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}

// share returns a share for job with the given nonce.
func share(job *work.Job, nonce uint32) Share {
	s := Share{Cookie: Cookie(nonce), Job: job, Work: 64}
	s.Prefix, s.Version, s.NTime, s.Nonce = 0x0102, 0x20002000, 0x65000001, nonce
	s.SetExtranonce2(0xa, 0xb, 0xc, 0xd)
	return s
}

// submit submits shares for the latest job with nonces from..to.
func (f *farm) submit(from, to uint32) {
	f.t.Helper()
	f.submitFor(f.latest().Job, from, to)
}

func (f *farm) submitFor(job *work.Job, from, to uint32) {
	f.t.Helper()
	f.submitOn(f.lane(), job, from, to)
}

func (f *farm) submitOn(l *Lane, job *work.Job, from, to uint32) {
	f.t.Helper()
	for n := from; n <= to; n++ {
		if !l.Submit(share(job, n)) {
			f.t.Errorf("share %d was not taken", n)
		}
	}
	f.after(time.Millisecond)
}

// verdictsFor returns the verdict of each share, by nonce.
func (f *farm) fate() map[Cookie]Verdict {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := make(map[Cookie]Verdict)
	for _, v := range f.verdicts {
		if _, twice := m[v.Cookie]; twice {
			f.t.Errorf("share %d got two verdicts", v.Cookie)
		}
		m[v.Cookie] = v
	}
	return m
}

// wantFate checks the verdicts of shares from..to.
func (f *farm) wantFate(from, to uint32, want work.Verdict) {
	f.t.Helper()
	fate := f.fate()
	for n := from; n <= to; n++ {
		if v, ok := fate[Cookie(n)]; !ok {
			f.t.Errorf("share %d: no verdict, want %v", n, want)
		} else if v.Verdict != want {
			f.t.Errorf("share %d: %v (%s), want %v", n, v.Verdict, v.Text, want)
		}
	}
}

func (f *farm) wantTold(want string) {
	f.t.Helper()
	if got := f.told(); got != want {
		f.t.Errorf("miners were told %q, want %q", got, want)
	}
}

func (f *farm) wantOn(pool string) {
	f.t.Helper()
	wantLaneOn(f.t, f.lane(), pool)
}

func wantLaneOn(t *testing.T, l *Lane, pool string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	got := "none"
	if l.serving != nil {
		got = l.serving.pool.Name
	}
	if got != pool {
		t.Errorf("the lane is on %s, want %s", got, pool)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// newCertificate makes a certificate that nobody knows.
func newCertificate(t *testing.T) tls.Certificate {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return server.TLS.Certificates[0]
}
