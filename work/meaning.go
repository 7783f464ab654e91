package work

import "slices"

// meanings say in words, for operators, what was wrong with a rejected share.
var meanings = [NumVerdicts]string{
	UnknownJob:    "for a job that this miner was never sent, or that is forgotten",
	Stale:         "for a job that was replaced: the miner or its network is too slow",
	LinkLost:      "on its way when the link to the pool was lost",
	Duplicate:     "submitted before: the firmware repeats itself",
	LowDifficulty: "above the target: the miner ignores its difficulty, or hashes wrongly",
	BadTime:       "with a time that the job does not allow",
	BadVersion:    "with version bits that the pool does not allow",
	Malformed:     "with a field that is missing or wrong",
	Unauthorized:  "before the worker was authorized, or under another name",
	NotSubscribed: "before the miner had subscribed",
	PoolRejected:  "refused by the pool for a reason of its own",
	Overloaded:    "not answered by the pool in time",
	TooMany:       "more than one miner may have waiting",
}

// Meaning says in words, for operators, what was wrong with shares that were rejected for a
// reason, as String calls it; "" for what is none.
func Meaning(reason string) string {
	v := slices.IndexFunc(verdicts[:], func(v verdict) bool { return v.name == reason })
	if v < 0 {
		return ""
	}
	return meanings[v]
}
