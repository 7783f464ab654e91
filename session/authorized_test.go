package session

import (
	"testing"
	"time"

	"farmproxy/codec"
)

// authorized returns a miner that works on the first recorded job.
func authorized(t testing.TB) (*Session, *Env, *codec.Decoder) {
	terms := &Terms{SubscribeTimeout: time.Minute, AuthorizeTimeout: time.Minute, Difficulty: Policy{Start: 512, Min: 1, SharesPerMinute: 6}}
	feed := new(Feed)
	job := vectorJob(t, "bitaxe_bm1397_1", 1, 0, 2)
	job.Difficulty = 1000
	feed.Post(job, true, 0x1fffe000, 1000)
	e := &Env{Terms: terms, Feed: feed}
	d := codec.NewDecoder()
	s := new(Session)
	var r codec.Request
	for _, line := range []string{
		`{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]}`,
		`{"id":2,"method":"mining.subscribe","params":["x"]}`,
		`{"id":3,"method":"mining.authorize","params":["user.worker","x"]}`,
	} {
		if err := d.DecodeRequest([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		switch _, effect := s.Step(e, &r, nil); effect.Kind {
		case WantSubscribe:
			s.Subscribed(e, &r, 7, []byte{0xf5, 0x0e}, 2, nil)
		case WantAuthorize:
			s.Authorized(e, &r, "user.worker", 0, nil)
		}
	}
	if s.LastJob() != 1 {
		t.Fatal("the miner has no job")
	}
	return s, e, d
}
