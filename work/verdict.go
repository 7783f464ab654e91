package work

// Verdict is the outcome of a share: accepted, or rejected for one reason. The zero
// value is Accepted. The names (String) are the values of the `reason` label of
// metrics and of the API's field; they never change meaning.
type Verdict uint8

const (
	Accepted      Verdict = iota
	UnknownJob            // the job id was never sent to this miner, or is forgotten
	Stale                 // the job was replaced by a clean one
	LinkLost              // the job's link was lost and its work can't be submitted anywhere any more
	Duplicate             // the same 80-byte header was submitted before
	LowDifficulty         // the hash misses the difficulty in force for that job
	BadTime               // ntime before the job's, or more than MaxTimeRoll seconds after it
	BadVersion            // version bits outside the mask, or without version rolling
	Malformed             // a field is missing, not hex, or has the wrong length
	Unauthorized          // the miner has not authorized (under this name)
	NotSubscribed         // submit before subscribe
	PoolRejected          // the pool rejected it for a reason of its own
	Overloaded            // the link's queue is full or the pool did not answer in time
	TooMany               // more of this miner's shares wait than its fair part of a queue, or need remembering than one miner's may

	NumVerdicts = int(TooMany) + 1
)

// verdict is how a Verdict is told.
type verdict struct {
	name string
	code int
	text string
}

// verdicts holds each verdict's name in metrics, and the code and text for miners. The
// codes are those seen in the field: 20 other, 21 stale or unknown job, 22 duplicate,
// 23 low difficulty, 24 unauthorized, 25 not subscribed (docs/protocol of the Stratum
// V1 mining extension).
var verdicts = [NumVerdicts]verdict{
	Accepted:      {"accepted", 0, ""},
	UnknownJob:    {"unknown_job", 21, "Job not found"},
	Stale:         {"stale", 21, "Stale share"},
	LinkLost:      {"link_lost", 21, "Stale share: pool connection lost"},
	Duplicate:     {"duplicate", 22, "Duplicate share"},
	LowDifficulty: {"low_difficulty", 23, "Low difficulty share"},
	BadTime:       {"bad_time", 20, "Time out of range"},
	BadVersion:    {"bad_version", 20, "Version bits outside the mask"},
	Malformed:     {"malformed", 20, "Malformed share"},
	Unauthorized:  {"unauthorized", 24, "Unauthorized worker"},
	NotSubscribed: {"not_subscribed", 25, "Not subscribed"},
	PoolRejected:  {"pool_rejected", 20, "Rejected by the pool"},
	Overloaded:    {"overloaded", 20, "Pool does not answer"},
	TooMany:       {"too_many_shares", 20, "Too many shares at once"},
}

// String returns the verdict's name in metrics and the API.
func (v Verdict) String() string { return verdicts[v].name }

// Code returns the Stratum error code for the miner; 0 for Accepted.
func (v Verdict) Code() int { return verdicts[v].code }

// Text returns the error text for the miner; "" for Accepted.
func (v Verdict) Text() string { return verdicts[v].text }
