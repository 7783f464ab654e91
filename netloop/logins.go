package netloop

import "sync"

// maxLogins bounds the accounts recorded between two calls of take; any others are
// recorded at their next login.
const maxLogins = 1 << 16

// logins are the accounts that miners logged in to, for the store's "last seen".
type logins struct {
	mu    sync.Mutex
	names map[string]struct{}
}

// note records an account; "" is none.
func (l *logins) note(account string) {
	if account == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.names == nil {
		l.names = make(map[string]struct{})
	}
	if len(l.names) < maxLogins {
		l.names[account] = struct{}{}
	}
}

// take returns what was recorded since the last call.
func (l *logins) take() (names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range l.names {
		names = append(names, name)
	}
	clear(l.names)
	return names
}
