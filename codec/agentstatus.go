package codec

// AgentStatus is what became of a share, as a SUBMIT_RESPONSE says it. AGENT.md
// does not have that frame; the values are btcpool's. The accepting ones are
// far from all others, so that no slip accepts a share.
type AgentStatus uint32

const (
	AgentAccept      AgentStatus = 1798084231
	AgentAcceptStale AgentStatus = 950395421 // paid, though its job is over
	AgentSolved      AgentStatus = 1422486894
	AgentSolvedStale AgentStatus = 1713984938

	AgentReject              AgentStatus = 0 // for no reason given
	AgentStaleOrUnknownJob   AgentStatus = 21
	AgentDuplicate           AgentStatus = 22
	AgentLowDifficulty       AgentStatus = 23
	AgentUnauthorized        AgentStatus = 24
	AgentNotSubscribed       AgentStatus = 25
	AgentIllegalMethod       AgentStatus = 26
	AgentIllegalParams       AgentStatus = 27
	AgentBanned              AgentStatus = 28
	AgentInvalidUser         AgentStatus = 29
	AgentInternalError       AgentStatus = 30
	AgentTimeTooOld          AgentStatus = 31
	AgentTimeTooNew          AgentStatus = 32
	AgentIllegalVersion      AgentStatus = 33
	AgentInvalidSolution     AgentStatus = 34
	AgentWrongPrefix         AgentStatus = 35
	AgentUnknownJob          AgentStatus = 36 // also: no job since the session registered
	AgentStale               AgentStatus = 37
	AgentNiceHashUnsupported AgentStatus = 38 // of BTCAgent's list, not in btcpool's
)

// Accepted reports whether the pool counts the share.
func (s AgentStatus) Accepted() bool {
	switch s {
	case AgentAccept, AgentAcceptStale, AgentSolved, AgentSolvedStale:
		return true
	}
	return false
}

// rejected holds the code and the text that a miner is told. btcpool would
// tell a miner of its own the status itself; but firmware knows the codes 20
// to 25 only.
var rejected = [...]struct {
	code int
	text string
}{
	AgentReject:              {20, "Rejected by the pool"},
	AgentStaleOrUnknownJob:   {21, "Stale or unknown job"},
	AgentDuplicate:           {22, "Duplicate share"},
	AgentLowDifficulty:       {23, "Low difficulty share"},
	AgentUnauthorized:        {24, "Unauthorized worker"},
	AgentNotSubscribed:       {25, "Not subscribed"},
	AgentIllegalMethod:       {20, "Unknown method"},
	AgentIllegalParams:       {20, "Malformed share"},
	AgentBanned:              {20, "Address banned by the pool"},
	AgentInvalidUser:         {24, "Unknown user"},
	AgentInternalError:       {20, "Error inside the pool"},
	AgentTimeTooOld:          {20, "Time too old"},
	AgentTimeTooNew:          {20, "Time too new"},
	AgentIllegalVersion:      {20, "Version bits outside the mask"},
	AgentInvalidSolution:     {20, "Wrong solution"},
	AgentWrongPrefix:         {20, "Wrong nonce prefix"},
	AgentUnknownJob:          {21, "Job not found"},
	AgentStale:               {21, "Stale share"},
	AgentNiceHashUnsupported: {20, "NiceHash not supported"},
}

// Code returns the Stratum error code that a miner is told; 0 when accepted.
func (s AgentStatus) Code() int {
	if s.Accepted() {
		return 0
	}
	return rejected[s.known()].code
}

// Text returns the error text that a miner is told; "" when accepted.
func (s AgentStatus) Text() string {
	if s.Accepted() {
		return ""
	}
	return rejected[s.known()].text
}

// known returns s, or AgentReject for a rejection that has no entry.
func (s AgentStatus) known() AgentStatus {
	if uint64(s) >= uint64(len(rejected)) || rejected[s].text == "" {
		return AgentReject
	}
	return s
}
