package upstream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"farmproxy/dial"
)

// canned is a connection to a pool that answers from a can, in no goroutine: what
// is measured is the link.
type canned struct {
	net.Conn // nil: what is not used

	mu     sync.Mutex
	out    bytes.Buffer
	ready  sync.Cond
	closed bool
}

func newCanned() *canned {
	c := new(canned)
	c.ready.L = &c.mu
	return c
}

// replies are the answers of the handshake, by id; a share's is yes.
var replies = map[string]string{
	"1": `{"id":1,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"},"error":null}`,
	"2": `{"id":2,"result":[[["mining.notify","a"]],"aabbccdd",8],"error":null}`,
	"4": `{"id":4,"result":true,"error":null}` + "\n" + `{"id":null,"method":"mining.set_difficulty","params":[1]}` + "\n" + cannedJob,
}

// cannedJob is as long as those of a full block.
var cannedJob = fmt.Sprintf(`{"id":null,"method":"mining.notify","params":["a1","%064d","%s","%s",[%s"%064d"],"20000000","1d00ffff","65000000",true]}`,
	1, strings.Repeat("01", 60), strings.Repeat("ff", 120), strings.Repeat(fmt.Sprintf(`"%064d",`, 3), 11), 2)

func (c *canned) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range bytes.Lines(b) {
		id, _, _ := bytes.Cut(bytes.TrimPrefix(line, []byte(`{"id":`)), []byte(","))
		answer := replies[string(id)]
		if answer == "" {
			answer = fmt.Sprintf(`{"id":%s,"result":true,"error":null}`, id)
		}
		c.out.WriteString(answer + "\n")
	}
	c.ready.Broadcast()
	return len(b), nil
}

func (c *canned) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.out.Len() == 0 {
		if c.closed {
			return 0, io.EOF
		}
		c.ready.Wait()
	}
	n, _ := c.out.Read(b)
	if c.out.Len() == 0 {
		c.out = bytes.Buffer{} // the kernel has it, not we
	}
	return n, nil
}

func (c *canned) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.ready.Broadcast()
	return nil
}

func (*canned) SetDeadline(time.Time) error      { return nil }
func (*canned) SetReadDeadline(time.Time) error  { return nil }
func (*canned) SetWriteDeadline(time.Time) error { return nil }

// published says which lanes have published. Its loops are those of others: a link
// costs them nothing but its socket.
type published struct{ lanes chan *Lane }

func (p *published) Carry(ctx context.Context, _ net.Conn, c Carried) error {
	if err := c.Opened(new(aWire)); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func (p *published) Publish(post Post)  { p.lanes <- post.Lane }
func (p *published) Verdicts([]Verdict) {}
func (p *published) Rerouted(*Goal)     {}
func (p *published) Outgrown(*Lane)     {}
func (p *published) Dismissed(*Lane)    {}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// BenchmarkDirectMiner measures what a miner with a link of its own costs: the
// lane, the link, one job, two goroutines; not the socket.
func BenchmarkDirectMiner(b *testing.B) {
	down := &published{lanes: make(chan *Lane, 1<<16)}
	d := NewDirectory(DirectoryOptions{
		Settings: Settings{Dial: func(context.Context, dial.Target) (net.Conn, error) { return newCanned(), nil }},
	}, down)
	d.Set(kept(Pool{Target: dial.Target{Name: "a"}, Direct: true, User: "farm", UserAgent: "farmproxy/test"}))
	d.Start(b.Context())
	defer d.Close(context.Background())
	before := inUse()
	for b.Loop() {
		p, _ := d.Prefixes().Take(2)
		d.goal("").Join(Member{Prefix: p})
		<-down.lanes
	}
	b.ReportMetric(float64(inUse()-before)/float64(b.N), "B/miner")
}
