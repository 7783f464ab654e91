package upstream

import (
	"strings"
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// reply handles the answer to a share or to the authorize of a name. Answers
// to anything else are of no interest.
func (k *link) reply(m *codec.Message) {
	id, ok := m.ID.RequestID()
	if !ok {
		return
	}
	if id == configureID {
		k.configured(m)
		return
	}
	e, refused := m.Error.PoolError()
	yes, _ := m.Result.Bool()
	yes = yes && !refused
	if !yes && !refused {
		e, _ = m.Reason.PoolError()
	}

	k.mu.Lock()
	wasFull := k.flight.room() == 0
	s, ok := k.flight.remove(id)
	if !ok {
		if k.nameAnswered(id, yes, saying(e)) {
			poke(k.wake)
		}
		k.mu.Unlock()
		return
	}
	v := verdictOf(yes, e)
	if v == work.Duplicate && s.share.resubmitted {
		v, e = work.Accepted, codec.PoolError{} // the first copy had arrived
	}
	k.rejects.note(v)
	k.mu.Unlock()

	if wasFull {
		poke(k.wake)
	}
	k.verdict(&s, v, e, time.Now())
}

// verdictOf reads a pool's answer to a share. Codes are used differently by
// different pools, so the text has its say where it is clear.
func verdictOf(yes bool, e codec.PoolError) work.Verdict {
	if yes {
		return work.Accepted
	}
	text := strings.ToLower(e.Text)
	switch e.Code {
	case 22:
		return work.Duplicate
	case 24:
		return work.Unauthorized
	case 31, 32:
		return work.BadTime
	case 33:
		return work.BadVersion
	case 36:
		return work.UnknownJob
	case 37:
		return work.Stale
	}
	for _, t := range texts {
		if strings.Contains(text, t.part) {
			return t.verdict
		}
	}
	switch e.Code {
	case 21:
		return work.Stale
	case 23:
		return work.LowDifficulty
	}
	return work.PoolRejected
}

// texts are what pools write, in lower case; the first that matches counts.
var texts = []struct {
	part    string
	verdict work.Verdict
}{
	{"stale", work.Stale},
	{"job not found", work.UnknownJob},
	{"unknown job", work.UnknownJob},
	{"invalid job", work.UnknownJob},
	{"duplicate", work.Duplicate},
	{"low diff", work.LowDifficulty},
	{"above target", work.LowDifficulty},
	{"high-hash", work.LowDifficulty},
	{"bad-version", work.BadVersion},
	{"version mask", work.BadVersion},
	{"unauthorized", work.Unauthorized},
	{"ntime", work.BadTime},
}
