package proof

import (
	"fmt"
)

// Refusal is the reason for refusing a share: the code and text sent to the miner.
type Refusal struct {
	Code int
	Text string
}

// Error returns the code and the text.
func (r *Refusal) Error() string { return fmt.Sprintf("%d %s", r.Code, r.Text) }

// A Pool's reasons for refusing; Books count by their Text.
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
