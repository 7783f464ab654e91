package upstream

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestOfferedMask(t *testing.T) {
	const all, some, other = 0x1fffe000, 0x00c00000, 0x1f000000
	type at struct {
		second int
		pool   uint32 // what the pool says
		want   uint32 // what miners are told
	}
	for name, steps := range map[string][]at{
		"the first is told as it is":             {{0, some, some}},
		"more at once where none was taken away": {{0, some, some}, {1, all, all}},
		"fewer at once":                          {{0, all, all}, {1, some, some}, {2, 0, 0}},
		"more a minute after fewer":              {{0, all, all}, {1, some, some}, {2, all, some}, {60, all, some}, {61, all, all}},
		"alternating is one change":              {{0, all, all}, {1, some, some}, {20, all, some}, {40, some, some}, {60, all, some}},
		"what all of them allow":                 {{0, all, all}, {1, some, some}, {2, other, 0}, {3, some, 0}, {62, other, other}},
	} {
		t.Run(name, func(t *testing.T) {
			var o offeredMask
			begin := time.Now()
			for _, s := range steps {
				o.follow(s.pool, begin.Add(time.Duration(s.second)*time.Second))
				equal(t, fmt.Sprintf("mask at %d s", s.second), fmt.Sprintf("%08x", o.mask), fmt.Sprintf("%08x", s.want))
			}
		})
	}
}

// A pool that alternates masks causes one announcement to its miners. Once it has
// settled they get all bits again, with a job.
func TestAPoolThatAlternatesMasks(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		pool := f.pools[0].lane()
		before := len(f.told())
		for range 1000 {
			pool.say(`{"id":null,"method":"mining.set_version_mask","params":["00c00000"]}`)
			pool.say(`{"id":null,"method":"mining.set_version_mask","params":["1fffe000"]}`)
		}
		f.after(time.Second)
		masks := f.masks()
		if n := len(f.told()) - before; n > len(" a-1") {
			t.Errorf("miners were told %d bytes of posts more: %v", n, masks)
		}
		equal(t, "mask", f.latest().Mask, 0x00c00000)
		equal(t, "fewer bits, counted", f.goal.list()[0].book.VersionBitsReduced.Load(), 1)
		f.after(widenAfter)
		pool.job(false)
		f.after(0)
		equal(t, "mask a minute later", f.latest().Mask, 0x1fffe000)
		equal(t, "what newcomers are granted", f.directory.Mask(""), 0x1fffe000)
		equal(t, "of its job", f.latest().Job.Mask, 0x1fffe000)
	})
}

// masks returns the masks sent to miners, in order.
func (f *farm) masks() (list []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.posts {
		list = append(list, fmt.Sprintf("%08x", p.Mask))
	}
	return list
}

func TestAPoolThatKeepsChangingItsExtranonceIsSaid(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		var log strings.Builder
		f.o.Log = slog.New(slog.NewTextHandler(&log, nil))
		f.start()
		change := func(n int) {
			for i := range n {
				f.pools[0].lane().say(fmt.Sprintf(`{"id":null,"method":"mining.set_extranonce","params":["bb%04x",8]}`, i))
				f.pools[0].lane().job(true)
				f.after(time.Millisecond)
			}
		}
		change(maxEpochs)
		equal(t, "times said", strings.Count(log.String(), "keeps changing its extranonce"), 0)
		f.after(time.Minute)
		change(10 * maxEpochs)
		equal(t, "times said", strings.Count(log.String(), "keeps changing its extranonce"), 1)
	})
}

// What a pool does without end is in the log once a minute: lines that mean nothing among
// others that do, and client.reconnect that is never due.
func TestAPoolThatChattersIsInTheLogNowAndThen(t *testing.T) {
	for said, line := range map[string]string{
		"something malformed":  `{"id":null,"method":"mining.set_difficulty","params":[-1]}`,
		"asked to reconnect":   `{"id":null,"method":"client.reconnect","params":["a",1,60]}`,
		"was ignored: it may ": `{"id":null,"method":"client.reconnect","params":["b.example",1,60]}`,
	} {
		inFarm(t, "a", func(f *farm) {
			var log strings.Builder
			f.o.Log = slog.New(slog.NewTextHandler(&log, nil))
			f.start()
			for range 4 { // the last move is not due when the next one comes
				for range 50 {
					f.pools[0].lane().say(line)
				}
				f.after(messagePause * 2 / 3)
			}
			equal(t, "times said: "+said, strings.Count(log.String(), said), 2)
			f.wantOn("a")
		})
	}
}
