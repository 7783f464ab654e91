package upstream

import "sync"

// standstill is when nobody decides anything: whoever does so enters before, and leaves
// afterwards.
type standstill struct {
	mu      sync.Mutex
	changed sync.Cond
	inside  int
	frozen  bool
}

// ready is called before anything else.
func (s *standstill) ready() { s.changed.L = &s.mu }

// enter waits until it is thawed.
func (s *standstill) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.frozen {
		s.changed.Wait()
	}
	s.inside++
}

func (s *standstill) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inside--; s.inside == 0 {
		s.changed.Broadcast()
	}
}

// freeze waits until all who are inside have left.
func (s *standstill) freeze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.frozen {
		s.changed.Wait()
	}
	s.frozen = true
	for s.inside > 0 {
		s.changed.Wait()
	}
}

func (s *standstill) thaw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = false
	s.changed.Broadcast()
}
