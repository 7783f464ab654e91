package netloop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"farmproxy/codec"
	"farmproxy/dial"
	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
	"farmproxy/work"
)

// patience is how long to wait for something that happens at once.
const patience = 10 * time.Second

// farm is a server whose pool is unreachable, and one miner.
type farm struct {
	t         *testing.T
	book      *stats.Book
	server    *Server
	directory *upstream.Directory
	conn      net.Conn
	lines     *bufio.Reader
	users     int // that were brought
}

func newFarm(t *testing.T, change func(*Options)) *farm {
	t.Helper()
	return newFarmOf(t, upstream.Kind{Kept: true}, change)
}

// newFarmOf is newFarm with a route of that kind.
func newFarmOf(t *testing.T, kind upstream.Kind, change func(*Options)) *farm {
	t.Helper()
	book := stats.New(stats.Options{Loops: 1, CloseReasons: session.Reasons()})
	o := Options{
		Loops: 1, Book: book, Log: slog.New(slog.DiscardHandler),
		Settings: Settings{
			Listeners: []Listener{{Address: "127.0.0.1:0"}},
			MaxMiners: 10, Keepalive: time.Hour,
			Terms: session.Terms{SubscribeTimeout: patience, AuthorizeTimeout: patience, Difficulty: session.Policy{Start: 1, Min: 1, SharesPerMinute: 6}},
		},
	}
	change(&o)
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	d := upstream.NewDirectory(upstream.DirectoryOptions{
		Settings: upstream.Settings{Dial: func(context.Context, dial.Target) (net.Conn, error) { return nil, errors.New("it is away") }},
		Book:     book,
	}, s)
	d.Set(upstream.Everybody{{Kind: kind, Goals: upstream.Whole(upstream.Pool{Target: dial.Target{Name: "away", URL: "stratum+tcp://away.example:3333"}, User: "farm", Links: 1})}})
	ended := make(chan error, 1)
	go func() { ended <- s.Run(d) }()
	<-s.Booted()
	t.Cleanup(func() {
		s.Stop(context.Background())
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	conn, err := net.Dial("tcp", s.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return &farm{t: t, book: book, server: s, directory: d, conn: conn, lines: bufio.NewReader(conn)}
}

// ask sends a line and returns the answer.
func (f *farm) ask(format string, args ...any) string {
	f.t.Helper()
	fmt.Fprintf(f.conn, format+"\n", args...)
	return f.line()
}

func (f *farm) line() string {
	f.t.Helper()
	line, err := f.lines.ReadString('\n')
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// want sends a line and expects an answer that contains something.
func (f *farm) want(answer, format string, args ...any) {
	f.t.Helper()
	if got := f.ask(format, args...); !strings.Contains(got, answer) {
		f.t.Errorf("%s is answered %s, want %s", fmt.Sprintf(format, args...), got, answer)
	}
}

func (f *farm) workers() (list []stats.WorkerInfo) {
	list, _ = f.book.Workers(stats.WorkerQuery{Limit: 10})
	return list
}

// minesFor returns the miner's name on its lane.
func (f *farm) minesFor() string {
	l, name := (*f.server.loops.Load())[0], make(chan string, 1)
	l.mailbox.call(func() { name <- l.slots[0].peer.login })
	return <-name
}

// The miner keeps using the name that it sends, whatever it is booked as.
func TestAMinerThatIsNamedByItsAddress(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(o *Options) { o.WorkerName = "{ip1}x{ip2}x{ip3}x{ip4}" })
	f.want("f", `{"id":1,"method":"mining.subscribe","params":[]}`)
	f.want("true", `{"id":2,"method":"mining.authorize","params":["farm.rig","x"]}`)
	f.want("true", `{"id":3,"method":"mining.authorize","params":["farm.rig","x"]}`)
	const share = `{"id":4,"method":"mining.submit","params":[%q,"1","0000","65df9900","0fd587d0"]}`
	f.want("Job not found", share, "farm.rig")
	f.want("Unauthorized", share, "farm.127x0x0x1")
	if w := f.workers(); len(w) != 1 || w[0].Name != "farm.127x0x0x1" || w[0].Miners != 1 || w[0].Shares[work.UnknownJob] != 1 {
		t.Errorf("the workers are %+v, want farm.127x0x0x1 with a miner and a share for an unknown job", w)
	}
	f.want("true", `{"id":5,"method":"mining.authorize","params":["other","x"]}`)
	f.want("Job not found", share, "other")
	if w := f.workers(); len(w) != 2 || w[1].Name != "other.127x0x0x1" || w[1].Shares[work.UnknownJob] != 1 {
		t.Errorf("the workers are %+v, want other.127x0x0x1 besides", w)
	}
	if name := f.minesFor(); name != "other.127x0x0x1" {
		t.Errorf("its lane knows it as %s", name)
	}
	f.want("true", `{"id":6,"method":"mining.authorize","params":["farm.rig","x"]}`)
	if name := f.minesFor(); name != "farm.127x0x0x1" {
		t.Errorf("back under its first name its lane knows it as %s", name)
	}
	f.conn.Close()
	for deadline := time.Now().Add(patience); f.workers()[0].Miners+f.workers()[1].Miners > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("the miner has left, and its workers are %+v", f.workers())
		}
	}
}

// A reconnect requested by the session reaches the miner and the counters.
func TestAMinerThatLostVersionRollingIsCounted(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(o *Options) { o.Terms.ReconnectLostRolling = true })
	f.want("1fffe000", `{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]}`)
	f.want("f", `{"id":2,"method":"mining.subscribe","params":[]}`)
	f.want("true", `{"id":3,"method":"mining.authorize","params":["farm.rig","x"]}`)
	f.publish(0x1fffe000)
	for !strings.Contains(f.line(), "mining.notify") {
	}
	for i := range 101 {
		f.want(`"id":4,`, `{"id":4,"method":"mining.submit","params":["farm.rig","1","0000","65df9900","%08x","00002000"]}`, i)
	}
	f.want(`"id":5,`, `{"id":5,"method":"mining.submit","params":["farm.rig","1","0000","65df9900","00001000"]}`)
	if line := f.line(); !strings.Contains(line, "client.reconnect") {
		t.Errorf("then the miner is told %s", line)
	}
	var metrics strings.Builder
	if err := f.book.WriteMetrics(&metrics, false); err != nil {
		t.Fatal(err)
	}
	if want := "\nfarmproxy_miners_reconnected_total{reason=\"lost_version_rolling\"} 1\n"; !strings.Contains(metrics.String(), want) {
		t.Errorf("the metrics have no %q", want)
	}
}

// The books have the version bits that a worker's miner may roll, also when the pool takes some.
func TestWhichVersionBitsAWorkerRolls(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(*Options) {})
	f.want("1fffe000", `{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]}`)
	f.want("f", `{"id":2,"method":"mining.subscribe","params":[]}`)
	f.want("true", `{"id":3,"method":"mining.authorize","params":["farm.rig","x"]}`)
	for _, x := range []struct {
		mask uint32
		line string // the last one that the miner gets
	}{{0x1fffe000, "mining.notify"}, {0x00ffe000, "00ffe000"}} {
		f.publish(x.mask)
		for !strings.Contains(f.line(), x.line) {
		}
		f.want(`"id":9`, `{"id":9,"method":"mining.ping","params":[]}`) // what came before is on the books
		if got := f.workers()[0].VersionMask; got != x.mask {
			t.Errorf("it rolls %08x, want %08x", got, x.mask)
		}
	}
	f.want(`"id":4`, `{"id":4,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"0000e000"}]}`)
	if got := f.workers()[0].VersionMask; got != 0x0000e000 {
		t.Errorf("after another mining.configure it rolls %08x", got)
	}
}

// publish gives the miner's lane a job, as a link would.
func (f *farm) publish(mask uint32) {
	f.t.Helper()
	n, err := codec.Raw(`["1","` + strings.Repeat("00", 32) + `","00","00",[],"20000000","170371b1","65df9900",true]`).Notify()
	if err != nil {
		f.t.Fatal(err)
	}
	layout, _ := work.NewLayout(8, 2)
	job := work.NewJob(n.Template, nil, layout)
	job.ID, job.Epoch, job.Mask, job.Difficulty = 1, 1, mask, 1e6
	job.Line = codec.NewNotifyLine(1, &n.Template, layout.Fold(nil))
	goal, _, _ := f.directory.Login("farm.rig")
	prefix, _ := f.directory.Prefixes().Take(2)
	lane := goal.Join(upstream.Member{Prefix: prefix, Login: "farm.other"})
	f.server.Publish(upstream.Post{Lane: lane, Job: job, Clean: true, Mask: job.Mask, Difficulty: job.Difficulty})
}
