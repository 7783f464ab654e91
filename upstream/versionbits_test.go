package upstream

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// A job with bits inside the mask, at pools that apply a share's bits in each of the
// three known ways. The first share may be sent twice; its miner sees one verdict, and
// after it the pool's way is known.
func TestSharesOfAJobWithVersionBitsAtPoolsOfEachKind(t *testing.T) {
	const base, mask, hashed = 0x20400000, 0x1fffe000, 0x20402000
	f := func(name, want string, apply func(bits uint32) uint32) {
		t.Helper()
		inFarm(t, "a", func(f *farm) {
			p := f.pools[0]
			p.answer = func(s submit) string {
				version := uint32(base)
				if bits, err := strconv.ParseUint(s.Version, 16, 32); err == nil {
					version = apply(uint32(bits))
				}
				if version == hashed || version == base && s.Version == "" {
					return yes
				}
				return `"result":null,"error":[23,"Low difficulty share",null]`
			}
			f.start()
			p.lane().say(strings.Replace(notify("bits", true), "20000000", "20400000", 1))
			f.after(time.Millisecond)
			for n := uint32(1); n <= 3; n++ {
				s := share(f.latest().Job, n)
				if s.Version = hashed; n == 3 {
					s.Version = base // it did not roll
				}
				f.lane().Submit(s)
				f.after(5 * time.Millisecond)
			}
			f.wantFate(1, 3, work.Accepted)
			var sent []string
			for _, s := range p.shares() {
				sent = append(sent, s.Version)
			}
			equal(t, name, strings.Join(sent, " "), want)
			equal(t, name+": in flight", f.lane().serving.book.InFlight.Load(), 0)
		})
	}
	f("replaces them", "00402000 00402000 ", func(bits uint32) uint32 { return base&^mask | bits&mask })
	f("ORs them in", "00402000 00402000 ", func(bits uint32) uint32 { return base | bits })
	f("flips them", "00402000 00002000 00002000 ", func(bits uint32) uint32 { return base ^ bits })
}

// A share that the pool refuses either way is refused.
func TestAShareIsSentTheOtherWayOnce(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		p := f.pools[0]
		p.answer = func(submit) string { return `"result":null,"error":[23,"Low difficulty share",null]` }
		f.start()
		p.lane().say(strings.Replace(notify("bits", true), "20000000", "20400000", 1))
		f.after(time.Millisecond)
		for n := uint32(1); n <= 2; n++ {
			s := share(f.latest().Job, n)
			s.Version = 0x20402000
			f.lane().Submit(s)
			f.after(5 * time.Millisecond)
		}
		f.wantFate(1, 2, work.LowDifficulty)
		var sent []string
		for _, s := range p.shares() {
			sent = append(sent, s.Version)
		}
		equal(t, "sent", strings.Join(sent, " "), "00402000 00002000 00402000 00002000")
	})
}
