package dial

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// road is a way that takes a set time in a test's bubble.
type road struct {
	name  string
	takes time.Duration // negative: until cancelled
	fails bool

	dials  int
	ended  time.Duration // when it got through, failed or was cancelled
	closed bool
}

func (r *road) way(start time.Time) *way {
	return &way{name: r.name, open: func(ctx context.Context, _ string) (net.Conn, error) {
		r.dials++
		defer func() { r.ended = time.Since(start) }()
		var arrived <-chan time.Time
		if r.takes >= 0 {
			arrived = time.After(r.takes)
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if r.fails {
			return nil, errors.New("it is closed")
		}
		return &roadConn{road: r}, nil
	}}
}

// roadConn is a connection that can only be closed.
type roadConn struct {
	net.Conn
	road *road
}

func (c *roadConn) Close() error {
	c.road.closed = true
	return nil
}

const (
	second = time.Second
	never  = -second
)

func TestTheFastestWayWins(t *testing.T) {
	for _, q := range []struct {
		name   string
		stages [][]*road
		want   string        // the way that won; "": none did
		after  time.Duration // how long all of it took
		err    string
	}{
		{"the only one", [][]*road{{{name: "a", takes: second}}}, "a", second, ""},
		{"the faster one", [][]*road{{{name: "a", takes: 3 * second}, {name: "b", takes: second}, {name: "c", takes: never}}}, "b", second, ""},
		{"the faster one fails", [][]*road{{{name: "a", takes: 3 * second}, {name: "b", takes: second, fails: true}}}, "a", 3 * second, ""},
		{"all fail", [][]*road{{{name: "a", takes: second, fails: true}, {name: "b", takes: 2 * second, fails: true}}}, "", 2 * second, "a: it is closed; b: it is closed"},
		{"none answers", [][]*road{{{name: "a", takes: never}}}, "", Timeout, "a: context deadline exceeded"},
		{"the second stage is not begun when the first is through", [][]*road{{{name: "a", takes: 4 * second}}, {{name: "b"}}}, "a", 4 * second, ""},
		{"the second stage follows at once", [][]*road{{{name: "a", takes: second, fails: true}}, {{name: "b", takes: second}}}, "b", 2 * second, ""},
		{"the second stage has half of the time", [][]*road{{{name: "a", takes: never}}, {{name: "b", takes: 4 * second}}}, "b", Timeout/2 + 4*second, ""},
		{"the second stage has all that is left", [][]*road{{{name: "a", takes: 2 * second, fails: true}}, {{name: "b", takes: 7 * second}}}, "b", 9 * second, ""},
		{"both stages fail", [][]*road{{{name: "a", takes: never}}, {{name: "b", fails: true}}}, "", Timeout / 2, "a: context deadline exceeded; b: it is closed"},
	} {
		t.Run(q.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // it fails if a goroutine is left
				start := time.Now()
				d := &dialer{log: slog.New(slog.DiscardHandler)}
				for _, stage := range q.stages {
					var ways []*way
					for _, r := range stage {
						ways = append(ways, r.way(start))
					}
					d.stages = append(d.stages, ways)
				}
				ctx, cancel := context.WithTimeout(t.Context(), Timeout)
				defer cancel()
				conn, err := d.dial(ctx, Target{})
				equal(t, "took", time.Since(start), q.after)
				won := ""
				if conn != nil {
					won = conn.(*roadConn).road.name
				}
				equal(t, "won", won, q.want)
				if err != nil {
					equal(t, "error", err.Error(), q.err)
				}
				for _, stage := range q.stages {
					for _, r := range stage {
						if r.ended > q.after || r.closed && r.name == q.want {
							t.Errorf("%s ended after %v, closed: %v", r.name, r.ended, r.closed)
						}
					}
				}
			})
		})
	}
}

func TestWhoIsThroughAtTheSameMomentAsTheWinnerIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &road{name: "a", takes: second}, &road{name: "b", takes: second}
		// Both arrive, whatever the context says by then.
		open := func(r *road) *way {
			return &way{name: r.name, open: func(context.Context, string) (net.Conn, error) {
				time.Sleep(r.takes)
				return &roadConn{road: r}, nil
			}}
		}
		d := &dialer{log: slog.New(slog.DiscardHandler), stages: [][]*way{{open(a), open(b)}}}
		conn, err := d.dial(t.Context(), Target{})
		if err != nil {
			t.Fatal(err)
		}
		won := conn.(*roadConn).road
		equal(t, "a is closed", a.closed, won != a)
		equal(t, "b is closed", b.closed, won != b)
	})
}

func TestTheLinksEndEndsTheDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(second, cancel)
		start := time.Now()
		first, then := &road{name: "a", takes: never}, &road{name: "b"}
		d := &dialer{log: slog.New(slog.DiscardHandler), stages: [][]*way{{first.way(start)}, {then.way(start)}}}
		if _, err := d.dial(ctx, Target{}); err == nil {
			t.Error("it is through")
		}
		equal(t, "took", time.Since(start), second)
		equal(t, "dials of the second stage", then.dials, 0)
	})
}

func TestAWayThatStopsToLeadToThePoolIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		a, b := &road{name: "socks5://a:1"}, &road{name: "direct"}
		d := &dialer{log: slog.New(slog.NewTextHandler(&log, nil)), stages: [][]*way{{a.way(time.Now())}, {b.way(time.Now())}}}
		for _, q := range []struct {
			a, b bool   // it fails
			want string // in the log
		}{
			{false, false, ""},
			{true, true, ""}, // the link tells
			{true, false, `level=WARN msg="cannot reach the pool this way; another way works" pool=p way=socks5://a:1 error="it is closed" instead=direct`},
			{true, false, ""},
			{false, false, `level=INFO msg="the pool can be reached this way again" pool=p way=socks5://a:1`},
			{false, false, ""},
		} {
			log.Reset()
			a.fails, b.fails = q.a, q.b
			d.dial(t.Context(), Target{Name: "p"})
			_, got, _ := strings.Cut(strings.TrimSpace(log.String()), " ")
			equal(t, "log", got, q.want)
		}
	})
}

func TestAWayIsToldOfForEachPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		a, b := &road{name: "a", fails: true}, &road{name: "b"}
		d := &dialer{log: slog.New(slog.NewTextHandler(&log, nil)), stages: [][]*way{{a.way(time.Now())}, {b.way(time.Now())}}}
		dial := func(url string, fails bool, want int) {
			t.Helper()
			log.Reset()
			a.fails = fails
			d.dial(t.Context(), Target{URL: url})
			equal(t, "lines for "+url, strings.Count(log.String(), "\n"), want)
		}
		dial("p", true, 1)
		dial("q", true, 1)
		dial("p", true, 0)
		dial("q", false, 1)
		dial("p", true, 0)
		dial("p", false, 1)
		for i := range 2 * maxFailed {
			dial(fmt.Sprint(i), true, 1)
		}
		equal(t, "it is bounded", len(d.failed) <= maxFailed, true)
	})
}

func TestAWayThatIsOnlySlowerIsNotToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		fast, slow := &road{name: "a", takes: second}, &road{name: "b", takes: 2 * second}
		d := &dialer{log: slog.New(slog.NewTextHandler(&log, nil)), stages: [][]*way{{fast.way(time.Now()), slow.way(time.Now())}}}
		if _, err := d.dial(t.Context(), Target{Name: "p"}); err != nil {
			t.Error(err)
		}
		equal(t, "log", log.String(), "")
	})
}

func TestWhenADirectDialIsMade(t *testing.T) {
	const dead, alive = "dead", "alive"
	for _, q := range []struct {
		name   string
		direct DirectWay
		proxy  string
		want   string // the way in the end; "": none
	}{
		{"after: the proxy leads there", DirectAfter, alive, "proxy"},
		{"after: the proxy does not", DirectAfter, dead, "direct"},
		{"beside: the proxy does not", DirectBeside, dead, "direct"},
		{"first", DirectFirst, alive, "direct"},
		{"first: no proxy is needed", DirectFirst, dead, "direct"},
		{"never: the proxy leads there", DirectNever, alive, "proxy"},
		{"never: the proxy does not", DirectNever, dead, ""},
	} {
		t.Run(q.name, func(t *testing.T) {
			pool := serveConns(t, greets)
			other := serveConns(t, func(c net.Conn) { c.Write([]byte("through the proxy\n")) })
			serve := (&socksServer{pool: other, asked: make(chan string, 1)}).serve
			if q.proxy == dead {
				serve = (&socksServer{reply: 1, asked: make(chan string, 1)}).serve
			}
			conn, err := dialled(t, t.Context(), Proxies{URLs: []string{"socks5://" + serveConns(t, serve)}, Direct: q.direct}, Target{Address: pool})
			if q.want == "" {
				if err == nil {
					t.Error("it is through")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			first := line(t, bufio.NewReader(conn))
			equal(t, "first line", first, map[string]string{"proxy": "through the proxy", "direct": "hello"}[q.want])
		})
	}
}

func TestAProxyCountsAsThroughWithThePoolsTLSOnly(t *testing.T) {
	pool, fingerprint := selfSigned(t)
	silent := serveConns(t, mute) // accepts connections, but does no TLS
	asked := make(chan string, 2)
	stuck := serveConns(t, (&connectServer{pool: silent, asked: asked}).serve)
	stopped := make(chan struct{})
	mutes := serveConns(t, func(c net.Conn) {
		c.Read(make([]byte, 1))
		bufio.NewReader(c).ReadString(0) // until we close
		close(stopped)
	})
	good := serveConns(t, (&socksServer{pool: pool, asked: asked}).serve)
	d, err := Through(Proxies{URLs: []string{"http://" + stuck, "http://" + mutes, "socks5://" + good}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := d(t.Context(), Target{Address: "localhost:1", TLS: TLS("localhost", false, fingerprint)})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "first line", line(t, bufio.NewReader(conn)), "hello")
	<-stopped // although the winner lives
	conn.Close()
}
