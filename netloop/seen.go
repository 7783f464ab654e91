package netloop

import "sync"

// maxSeen bounds the accounts that are noted between two calls of take; the
// rest is noted at their next login.
const maxSeen = 1 << 16

// seen notes which accounts miners log in to, for the store's "last seen".
type seen struct {
	mu    sync.Mutex
	names map[string]struct{}
}

// note notes an account; "" is none.
func (s *seen) note(account string) {
	if account == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil {
		s.names = make(map[string]struct{})
	}
	if len(s.names) < maxSeen {
		s.names[account] = struct{}{}
	}
}

// take returns what was noted since the last time.
func (s *seen) take() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.names {
		names = append(names, name)
	}
	clear(s.names)
	return names
}
