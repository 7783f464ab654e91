package proxy

import (
	"encoding/json"
	"slices"
	"time"

	"farmproxy/balance"
)

// splitState is what the next process has to know of a split route. Fields that it does not
// know it skips.
type splitState struct {
	Route string           `json:"route"`
	Goals []splitGoalState `json:"goals"`
	Past  []splitPastState `json:"past"`
}

// splitGoalState is what it has to know of a goal.
type splitGoalState struct {
	Goal    string            `json:"goal"`
	Owed    float64           `json:"owed"`
	Booked  float64           `json:"booked"` // of the work that the directory hands over
	Wish    float64           `json:"wish"`
	Open    bool              `json:"open"`
	Moves   map[string]uint64 `json:"moves"`
	Refused []uint64          `json:"refused"` // by netloop.Moved
}

// splitPastState is a splitPast.
type splitPastState struct {
	Ago    time.Duration `json:"ago"` // when it ended, before the state was made
	Work   []float64     `json:"work"`
	Wished []float64     `json:"wished"`
}

// freeze has no miner moved, or lets them be moved again.
func (s *splits) freeze(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = on
}

// state returns what the next process has to know.
func (s *splits) state(now time.Time) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]splitState, 0, len(s.routes))
	for _, r := range s.routes {
		list = append(list, r.state(now))
	}
	text, err := json.Marshal(list)
	if err != nil {
		s.log.Warn("the debts of split routes can't be handed over", "error", err)
	}
	return text
}

// restore takes the state of the process before. Each route has it at its first look.
func (s *splits) restore(text []byte) {
	var list []splitState
	if err := json.Unmarshal(text, &list); err != nil {
		s.log.Warn("what the process before says of split routes is not understood: they begin anew", "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = make(map[string]splitState)
	for _, r := range list {
		s.before[r.Route] = r
	}
}

func (s *splitRoute) state(now time.Time) splitState {
	x := splitState{Route: s.name}
	for i, g := range s.goals {
		goal := splitGoalState{Goal: g.Name(), Owed: s.ledger.Owed(i), Booked: s.booked[i], Moves: make(map[string]uint64), Refused: s.counts[i].refused[:]}
		if len(s.given) > 0 {
			goal.Wish, goal.Open = s.given[i].Wish, s.given[i].Open
		}
		for _, why := range balance.Reasons {
			goal.Moves[why.String()] = s.counts[i].moves[why]
		}
		x.Goals = append(x.Goals, goal)
	}
	for _, p := range s.past {
		x.Past = append(x.Past, splitPastState{now.Sub(p.end), p.work, p.wished})
	}
	return x
}

// restore takes over what the process before knew of the route: goals by their names. The
// work of the last minutes is taken over only where all are the same.
func (s *splitRoute) restore(x splitState, now time.Time) {
	same := len(x.Goals) == len(s.goals)
	owed := make([]float64, len(s.goals))
	for i, g := range s.goals {
		at := slices.IndexFunc(x.Goals, func(o splitGoalState) bool { return o.Goal == g.Name() })
		same = same && at == i
		if at < 0 {
			continue
		}
		was := &x.Goals[at]
		owed[i], s.booked[i] = was.Owed, was.Booked
		s.given[i] = balance.Goal{Wish: was.Wish, Open: was.Open}
		for _, why := range balance.Reasons {
			s.counts[i].moves[why] = was.Moves[why.String()]
		}
		copy(s.counts[i].refused[:], was.Refused)
	}
	s.ledger.Restore(owed)
	if !same {
		return
	}
	for _, p := range x.Past {
		if len(p.Work) == len(owed) && len(p.Wished) == len(owed) {
			s.past = append(s.past, splitPast{now.Add(-p.Ago), p.Work, p.Wished})
		}
	}
}
