package upstream

import (
	"strings"

	"farmproxy/codec"
	"farmproxy/work"
)

// verdictOf interprets a pool's answer to a share. Pools use codes differently, so a
// clear text takes precedence.
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

// texts are phrases that pools use, in lower case; the first match counts.
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
	{"worker mismatch", work.Unauthorized}, // ckpool: the connection is authorized under another name
	{"ntime", work.BadTime},
}
