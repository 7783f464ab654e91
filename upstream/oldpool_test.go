package upstream

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"farmproxy/work"
)

// Behaviour of real pools, observed behind a real miner.

// A pool that does not answer configure costs the wait once, not at every reconnect.
func TestAPoolThatIgnoresConfigureIsWaitedForOnce(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].on["mining.configure"] = func(*conn, request) bool { return true }
		f.start()
		f.wantOn("none")
		f.after(configureTimeout)
		f.wantOn("a")
		f.pools[0].last().Close()
		f.after(10 * time.Millisecond)
		f.wantOn("a")
	})
}

// ckpool gives its reason beside the error, which is null.
func TestRejectReason(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].answer = func(submit) string { return `"reject-reason":"Above target","result":false,"error":null` }
		f.start()
		f.submit(1, 1)
		f.wantFate(1, 1, work.LowDifficulty)
		equal(t, "text", f.fate()[1].Text, "Above target")
	})
}

// Pools that flip version bits instead of replacing them must not receive the job's
// own.
func TestVersionBitsAreLeftOutWhereNoneWereRolled(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.start()
		f.pools[0].lane().say(strings.Replace(notify("bits", true), "20000000", "20400000", 1))
		f.after(time.Millisecond)
		s := share(f.latest().Job, 1)
		s.Version = 0x20400000
		f.lane().Submit(s)
		s.Nonce, s.Cookie, s.Version = 2, 2, 0x20402000
		f.lane().Submit(s)
		f.after(5 * time.Millisecond)
		equal(t, "not rolled", f.pools[0].shares()[0].Version, "")
		equal(t, "rolled", f.pools[0].shares()[1].Version, "00402000")
	})
}

// A block does not wait until the pool has authorized its worker.
func TestABlockWaitsForNoName(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].PassWorkers = true
		f.pools[0].slowNames = true
		f.start()
		f.submitAs("acct.rig1", 1)
		s := share(f.latest().Job, 2)
		s.Worker, s.Block = f.book.Worker("acct.rig1"), true
		f.lane().Submit(s)
		f.after(5 * time.Millisecond)
		equal(t, "users", f.pools[0].users(), "farm")
		f.wantFate(2, 2, work.Accepted)
	})
}

// Once a pool has left one worker unanswered, the shares of others do not wait for
// theirs.
func TestOneNameWithoutAnswerIsEnough(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.others.Pools[0].PassWorkers = true
		f.pools[0].slowNames = true
		f.start()
		f.submitAs("acct.rig1", 1)
		f.after(nameTimeout + tickServing)
		f.submitAs("acct.rig2", 2)
		equal(t, "users", f.pools[0].users(), "farm farm")
	})
}

// A pool that rejects everything is reported, even if there is no other.
func TestRejectsAreSaidWithoutABackup(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		var log strings.Builder
		f.o.Log = slog.New(slog.NewTextHandler(&log, nil))
		f.o.Failover.RejectRate = 0.5
		f.pools[0].answer = func(submit) string { return `"result":null,"error":[23,"Low difficulty",null]` }
		f.start()
		f.submit(1, rejectMin)
		f.after(5 * tickServing)
		equal(t, "times said", strings.Count(log.String(), "the pool rejects most shares"), 1)
		f.wantOn("a")
	})
}
