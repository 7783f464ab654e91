package api

// PoolStates are all pools that are known: those of the configuration, and those of the
// store that accounts in use have.
type PoolStates struct {
	Pools []PoolState `json:"pools"`
}

// PoolState is what is known of a pool, and what it has done for us.
type PoolState struct {
	pool
	done
	InFlight int64      `json:"in_flight"` // shares without a verdict yet
	Audit    *PoolAudit `json:"audit"`     // beside the others
}

// PoolStates returns the pools, the preferred ones first.
func (s *Server) PoolStates() *PoolStates {
	a := &PoolStates{Pools: []PoolState{}}
	inFlight := make(map[string]int64)
	for _, l := range s.options.Book.Links() {
		inFlight[l.Pool] += l.InFlight
	}
	totals, compared := s.options.Book.PoolTotals(), s.options.Book.Compare()
	for i := range compared {
		p := compared[i].Pool
		a.Pools = append(a.Pools, PoolState{s.makePool(p), makeDone(totals[p.Name]), inFlight[p.Name], makePoolAudit(&compared[i])})
	}
	return a
}
