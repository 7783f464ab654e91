package attack

import (
	"maps"
)

// Figures are what an attack did and what came of it.
type Figures struct {
	Name     string         `json:"name"`
	Connects int            `json:"connects"`
	Cut      int            `json:"cut"` // connections ended by the other side
	Sent     int            `json:"sent"`
	Accepted int            `json:"accepted"`
	Refused  int            `json:"refused"`
	Repeats  int            `json:"repeats_accepted"`
	Earned   int            `json:"connections_with_a_share"`
	Lanes    bool           `json:"lanes"` // it wanted links of its own
	Ends     map[string]int `json:"ends"`  // why connections ended and shares were refused
}

// Figures returns the figures so far.
func (r *Raid) Figures() Figures {
	b := &r.books
	b.mu.Lock()
	defer b.mu.Unlock()
	return Figures{
		Name: r.Name, Connects: int(b.connects.Load()), Cut: int(b.cut.Load()), Sent: int(b.sent.Load()),
		Accepted: int(b.accepted.Load()), Refused: int(b.refused.Load()), Repeats: int(b.repeats.Load()),
		Earned: int(b.earned.Load()), Lanes: r.lanes, Ends: maps.Clone(b.ends),
	}
}
