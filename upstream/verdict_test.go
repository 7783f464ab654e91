package upstream

import (
	"testing"

	"farmproxy/codec"
	"farmproxy/work"
)

func TestVerdictOf(t *testing.T) {
	for _, q := range []struct {
		yes  bool
		code int
		text string
		want work.Verdict
	}{
		{true, 0, "", work.Accepted},
		{false, 0, "", work.PoolRejected},
		{false, 20, "Other/Unknown", work.PoolRejected},
		{false, 20, "Stale", work.Stale},
		{false, 20, "ntime out of range", work.BadTime},
		{false, 21, "Job not found", work.UnknownJob},
		{false, 21, "Job not found (=stale)", work.Stale},
		{false, 21, "", work.Stale},
		{false, 22, "Duplicate share", work.Duplicate},
		{false, 23, "Low difficulty share", work.LowDifficulty},
		{false, 23, "high-hash", work.LowDifficulty},
		{false, 23, "bad-version", work.BadVersion},
		{false, 24, "Unauthorized worker", work.Unauthorized},
		{false, 25, "Not subscribed", work.PoolRejected},
		{false, 31, "Time too old", work.BadTime},
		{false, 32, "Time too new", work.BadTime},
		{false, 33, "Illegal version mask", work.BadVersion},
		{false, 36, "", work.UnknownJob},
		{false, 37, "", work.Stale},
		{false, 0, "Above target 2", work.LowDifficulty},
	} {
		if got := verdictOf(q.yes, codec.PoolError{Code: q.code, Text: q.text}); got != q.want {
			t.Errorf("%v %d %q: %v, want %v", q.yes, q.code, q.text, got, q.want)
		}
	}
}

func TestPoolsOwnWordsReachTheMiner(t *testing.T) {
	for _, q := range []struct {
		answer, text string
		code         int
	}{
		{`"result":null,"error":[23,"Difficulty too low (0.5)",null]`, "Difficulty too low (0.5)", 23},
		{`"result":null,"error":{"code":-32602,"message":"Bad \"x\""}`, "Bad x", -32602},
		{`"result":false,"error":null`, "Rejected by the pool", 20},
		{`"result":null`, "Rejected by the pool", 20},
		{`"result":null,"error":"stale"`, "stale", 21},
	} {
		inFarm(t, "a", func(f *farm) {
			f.pools[0].answer = func(submit) string { return q.answer }
			f.start()
			f.submit(1, 1)
			v := f.fate()[1]
			equal(t, "text", v.Text, q.text)
			equal(t, "code", v.Code, q.code)
		})
	}
}

func TestAnswersInAnyOrder(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		a := f.pools[0]
		a.answer = func(submit) string { return "" }
		f.start()
		f.submit(1, 300)
		shares := a.shares()
		for i := len(shares) - 1; i >= 0; i-- {
			answer := yes
			if i%2 == 1 {
				answer = `"result":null,"error":[22,"Duplicate",null]`
			}
			shares[i].conn.reply(shares[i].ID, answer)
			shares[i].conn.reply(shares[i].ID, answer) // the second one is ignored
		}
		f.after(0)
		for i, s := range shares {
			want := work.Accepted
			if i%2 == 1 {
				want = work.Duplicate
			}
			nonce, _ := codec.HexUint32([]byte(s.Nonce))
			f.wantFate(nonce, nonce, want)
		}
		link := f.lane().serving.book
		equal(t, "in flight", link.InFlight.Load(), 0)
		equal(t, "submitted", link.Submitted.Load(), 300)
		equal(t, "accepted", link.Verdicts[work.Accepted].Load(), 150)
	})
}
