package upstream

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"farmproxy/codec"
	"farmproxy/stats"
	"farmproxy/work"
)

// What a hand-over of the pools' side costs: this is time in which no miner is served.
// links is for a direct pool, shares are in flight on each.
func BenchmarkHandOver(b *testing.B) {
	for _, q := range []struct{ links, shares int }{{1, 1000}, {10_000, 1}} {
		b.Run(fmt.Sprintf("links=%d,shares=%d", q.links, q.links*q.shares), func(b *testing.B) {
			d := NewDirectory(DirectoryOptions{Book: stats.New(stats.Options{})}, nobody{})
			p := at("a", "farm")
			p.Direct = q.links > 1
			d.Set(kept(p))
			for n := range q.links {
				busyLane(d.goal(""), n, q.shares, new(aWire))
			}
			b.ResetTimer()
			var size int
			var image []byte
			var wires []Wire
			for b.Loop() {
				var err error
				d.Freeze()
				if image, wires, err = d.State(noRelay); err != nil {
					b.Fatal(err)
				}
				d.Thaw()
				next := NewDirectory(DirectoryOptions{Book: stats.New(stats.Options{})}, nobody{})
				next.Set(kept(p))
				if err := next.Restore(image, make([]net.Conn, len(wires)), func(c Cookie) Cookie { return c }); err != nil {
					b.Fatal(err)
				}
				size = len(image)
			}
			if len(wires) != q.links || !json.Valid(image) {
				b.Fatalf("%d links are in the image", len(wires))
			}
			b.ReportMetric(float64(size)/1e6, "MB")
		})
	}
}

// busyLane opens a lane with a link at work: a block of 3,000 transactions, four jobs a
// miner may answer, and shares in flight.
func busyLane(g *Goal, n, shares int, wire Wire) {
	g.mu.Lock()
	l := g.open(Prefix{Value: uint16(n), Len: 2})
	g.mu.Unlock()
	layout, _ := work.NewLayout(8, 2)
	e := newEpoch(g.list()[0], "session", []byte{1, 2, 3, 4}, 8, layout)
	k := g.newLink(context.Background(), g.list()[0], l, linkFiles{})
	atWork(k, e)
	l.setEpochs([]*epoch{e})
	l.serving, l.current = k, e
	k.wire.Store(&wire)
	now := time.Now()
	for range 4 {
		notify := &codec.Notify{
			Template: work.Template{Coinb1: make([]byte, 60), Coinb2: make([]byte, 150), Branches: make([][32]byte, 12), NBits: 0x1d00ffff},
			JobID:    `"6f1a"`,
		}
		k.protocol.job = makeJob(notify, e, 1024, nil, 0x1fffe000, now)
		k.protocol.job.Work = l.works.number(k.protocol.job)
		l.publish(Post{Lane: l, Job: k.protocol.job, Difficulty: 1024})
	}
	for i := range shares {
		s := share(k.protocol.job, uint32(i))
		k.protocol.flight.put(&s, now)
	}
}

// Jobs that nobody can answer are not handed over: those that a clean one of their epoch
// has replaced by another block.
func TestWhatIsHandedOverOfJobs(t *testing.T) {
	for said, want := range map[string]string{
		"1a 1a 1a":      "1a 1a 1a",
		"1a 1b!":        "1b!",
		"1a 1a! 1a":     "1a 1a! 1a",
		"1a 1b! 1b 1b":  "1b! 1b 1b",
		"1a 1b! 1c! 1c": "1c! 1c",
		"1a 2b! 2b":     "1a 2b! 2b", // the link of epoch 1 may be draining
		"1a 2b 2c!":     "1a 2c!",
		"1a!":           "1a!",
	} {
		var list []Recent
		for word := range strings.FieldsSeq(said) {
			job := &work.Job{Epoch: uint64(word[0]), PoolID: word}
			job.PrevHash[0] = word[1]
			list = append(list, Recent{job, strings.HasSuffix(word, "!")})
		}
		var got []string
		for _, r := range answerable(list) {
			got = append(got, r.Job.PoolID)
		}
		equal(t, said, strings.Join(got, " "), want)
	}
}
