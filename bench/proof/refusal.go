package proof

import (
	"fmt"
)

// Refusal is why a share was refused: the code and text that the miner is told.
type Refusal struct {
	Code int
	Text string
}

// Error is the text, with the code.
func (r *Refusal) Error() string { return fmt.Sprintf("%d %s", r.Code, r.Text) }

// The reasons a Pool refuses for; Books count by their Text.
var (
	RefusedParams       = &Refusal{20, "Bad params"}
	RefusedExtranonce2  = &Refusal{20, "Bad extranonce2 size"}
	RefusedTime         = &Refusal{20, "Time out of range"}
	RefusedVersion      = &Refusal{20, "Version bits outside mask"}
	RefusedByScript     = &Refusal{20, "Refused by script"}
	RefusedUnknown      = &Refusal{21, "Job not found"}
	RefusedStale        = &Refusal{21, "Stale share"}
	RefusedDuplicate    = &Refusal{22, "Duplicate share"}
	RefusedLow          = &Refusal{23, "Low difficulty share"}
	RefusedUnauthorized = &Refusal{24, "Unauthorized worker"}
	RefusedSubscribe    = &Refusal{25, "Not subscribed"}
)
