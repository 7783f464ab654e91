package agent

// Status is a share's verdict in a SUBMIT_RESPONSE. AGENT.md does not have that frame;
// the values are btcpool's. The accepting ones are far from all others, so that no
// corrupted value accepts a share.
type Status uint32

const (
	Accept      Status = 1798084231
	AcceptStale Status = 950395421 // paid, though its job is over
	Solved      Status = 1422486894
	SolvedStale Status = 1713984938

	Reject              Status = 0 // no reason given
	StaleOrUnknownJob   Status = 21
	Duplicate           Status = 22
	LowDifficulty       Status = 23
	Unauthorized        Status = 24
	NotSubscribed       Status = 25
	IllegalMethod       Status = 26
	IllegalParams       Status = 27
	Banned              Status = 28
	InvalidUser         Status = 29
	InternalError       Status = 30
	TimeTooOld          Status = 31
	TimeTooNew          Status = 32
	IllegalVersion      Status = 33
	InvalidSolution     Status = 34
	WrongPrefix         Status = 35
	UnknownJob          Status = 36 // also: no job since the session registered
	Stale               Status = 37
	NiceHashUnsupported Status = 38 // in BTCAgent's list, not in btcpool's
)

// Accepted reports whether the pool counts the share.
func (s Status) Accepted() bool {
	switch s {
	case Accept, AcceptStale, Solved, SolvedStale:
		return true
	}
	return false
}

// rejected holds the code and text for the miner. btcpool would send its own miners
// the status itself, but firmware only knows the codes 20 to 25.
var rejected = [...]struct {
	code int
	text string
}{
	Reject:              {20, "Rejected by the pool"},
	StaleOrUnknownJob:   {21, "Stale or unknown job"},
	Duplicate:           {22, "Duplicate share"},
	LowDifficulty:       {23, "Low difficulty share"},
	Unauthorized:        {24, "Unauthorized worker"},
	NotSubscribed:       {25, "Not subscribed"},
	IllegalMethod:       {20, "Unknown method"},
	IllegalParams:       {20, "Malformed share"},
	Banned:              {20, "Address banned by the pool"},
	InvalidUser:         {24, "Unknown user"},
	InternalError:       {20, "Error inside the pool"},
	TimeTooOld:          {20, "Time too old"},
	TimeTooNew:          {20, "Time too new"},
	IllegalVersion:      {20, "Version bits outside the mask"},
	InvalidSolution:     {20, "Wrong solution"},
	WrongPrefix:         {20, "Wrong nonce prefix"},
	UnknownJob:          {21, "Job not found"},
	Stale:               {21, "Stale share"},
	NiceHashUnsupported: {20, "NiceHash not supported"},
}

// Code returns the Stratum error code for the miner; 0 if accepted.
func (s Status) Code() int {
	if s.Accepted() {
		return 0
	}
	return rejected[s.known()].code
}

// Text returns the error text for the miner; "" if accepted.
func (s Status) Text() string {
	if s.Accepted() {
		return ""
	}
	return rejected[s.known()].text
}

// known returns s, or Reject for a rejection without an entry.
func (s Status) known() Status {
	if uint64(s) >= uint64(len(rejected)) || rejected[s].text == "" {
		return Reject
	}
	return s
}
