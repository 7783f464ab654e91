//go:build !race

package netloop

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"farmproxy/codec/agent"
	"farmproxy/session"
)

// logTo returns a log at that level without times.
func logTo(b *bytes.Buffer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// toldPeer is a stranger whose loop logs at that level, after change.
func toldPeer(t *testing.T, level slog.Level, change func(*Settings)) (*fuzzedPeer, *bytes.Buffer) {
	var b bytes.Buffer
	p := newFuzzedPeer(t, aStranger)
	p.loop.server.log = logTo(&b, level)
	p.loop.set(change)
	p.loop.add(p, &listener{}) // once more, as the log is now
	p.peer = p.context.(*peer)
	p.peer.marks |= checked
	return p, &b
}

func wantLines(t *testing.T, what string, b *bytes.Buffer, want ...string) {
	t.Helper()
	if got := strings.TrimSpace(b.String()); got != strings.Join(want, "\n") {
		t.Errorf("%s: the log:\n%s\nwant:\n%s", what, got, strings.Join(want, "\n"))
	}
	b.Reset()
}

const lowShare = `{"id":7,"method":"mining.submit","params":["farm.r","1","0000","66a1b2d0","00000001"]}` + "\n"

// work gives the peer a job, so that its shares are judged.
func (p *fuzzedPeer) work() {
	f := p.peer.feed
	p.loop.feed(f.lane).Post(newBenchJob(1), true, 0x1fffe000, 1024)
	p.loop.setEnv(p.peer)
	p.loop.sendJob(p.peer, true)
}

// A miner's connect and disconnect are in the log at debug, with its worker's name, what
// it did, and why it ended.
func TestAMinersConnectAndDisconnectAreLogged(t *testing.T) {
	p, b := toldPeer(t, slog.LevelDebug, func(*Settings) {})
	p.feed([]byte(hello))
	wantLines(t, "at its login", b, `level=DEBUG msg="miner connected" worker=farm.r address=10.0.0.1:4711 agent=x pool=pool`)
	p.work()
	p.feed([]byte(lowShare + lowShare))
	p.loop.env.Now += 90*time.Second + 900*time.Millisecond
	in, out := len(hello)+2*len(lowShare), p.written.Len()
	p.peer.reason = session.TooSlow
	p.close()
	wantLines(t, "at its end", b, `level=DEBUG msg="miner disconnected" worker=farm.r address=10.0.0.1:4711 reason=too_slow seconds=90 accepted=0 rejected=2 bytes_in=`+
		strconv.Itoa(in)+` bytes_out=`+strconv.Itoa(out))

	p, b = toldPeer(t, slog.LevelDebug, func(*Settings) {})
	p.close()
	wantLines(t, "a stranger's", b, `level=DEBUG msg="connection closed before a login" worker="" address=10.0.0.1:4711 reason=miner_left seconds=0 accepted=0 rejected=0 bytes_in=0 bytes_out=0`)
}

// At info there is no line, and the miner costs no memory for one; with log.miner_ends
// there is the one of its end.
func TestTheLineAtAMinersEndIsOffByDefault(t *testing.T) {
	p, b := toldPeer(t, slog.LevelInfo, func(*Settings) {})
	p.feed([]byte(hello))
	if p.peer.rare != nil {
		t.Error("a miner has what only the line needs")
	}
	p.close()
	wantLines(t, "off", b)

	p, b = toldPeer(t, slog.LevelInfo, func(s *Settings) { s.MinerEnds = true })
	p.feed([]byte(hello))
	wantLines(t, "at its login", b)
	p.close()
	if line := b.String(); !strings.HasPrefix(line, `level=INFO msg="miner disconnected" worker=farm.r `) || strings.Count(line, "\n") != 1 {
		t.Errorf("the log: %s", line)
	}
}

// Each of an agent's miners has its own lines, with its own shares; the bytes are the
// agent's.
func TestAnAgentsMinersAreLogged(t *testing.T) {
	p, b := toldPeer(t, slog.LevelDebug, func(*Settings) {})
	p.feed([]byte(agentHello))
	p.feed(agent.AppendRegister(nil, 1, "cgminer", "w1"))
	p.feed(agent.AppendRegister(nil, 2, "cgminer", "w2"))
	wantLines(t, "two miners", b,
		`level=DEBUG msg="miner connected" worker=farm.w1 address=10.0.0.1:4711 agent=cgminer pool=pool`,
		`level=DEBUG msg="miner connected" worker=farm.w2 address=10.0.0.1:4711 agent=cgminer pool=pool`)
	p.work()
	p.feed(agent.AppendSubmit(nil, &agent.Share{Job: 0, SID: 1, Nonce: 5, HasTime: true, NTime: 0x66a1b2d0}))
	p.feed(agent.AppendUnregister(nil, 1))
	wantLines(t, "one leaves", b, `level=DEBUG msg="miner disconnected" worker=farm.w1 address=10.0.0.1:4711 reason=miner_left seconds=0 accepted=0 rejected=1`)
	p.close()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"miner disconnected" worker=farm.w2 `) || !strings.Contains(lines[1], `"agent disconnected" worker=farm `) || !strings.Contains(lines[1], "bytes_in=") {
		t.Errorf("at the agent's end: %q", lines)
	}
}

// The log says once a minute that farmproxy is full, with how many miners it refused,
// whether more of them come or not.
func TestFullIsLoggedOnceAMinute(t *testing.T) {
	var b bytes.Buffer
	f := fullLog{log: logTo(&b, slog.LevelInfo)}
	now := time.Now()
	after := func(d time.Duration, refused int, want ...string) {
		t.Helper()
		now = now.Add(d)
		for range refused {
			f.note(address{ip: [16]byte{10: 0xff, 0xff, 10, 0, 0, 1}, port: 4711}, 8000, now)
		}
		f.tell(now)
		wantLines(t, d.String(), &b, want...)
	}
	line := func(n int) string {
		return `level=WARN msg="farmproxy is full: it refuses miners; raise LimitNOFILE in the unit, and miners.max if it is set, or run another farmproxy beside" refused=` + strconv.Itoa(n) + ` last_address=10.0.0.1:4711 miners_max=8000`
	}
	after(0, 0)
	after(time.Second, 1, line(1))
	after(time.Second, 500)
	after(fullLogEvery-2*time.Second, 100)
	after(time.Second, 0, line(600))
	after(time.Hour, 0)
	after(time.Second, 2, line(1))
	after(fullLogEvery, 0, line(1))
}
