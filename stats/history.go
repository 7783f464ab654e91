package stats

// SetHistory sets the function that returns nil while the history is written, or why it
// is not.
func (b *Book) SetHistory(trouble func() error) { b.history.Store(&trouble) }

// History returns nil while the history is written, or why it is not; ok is false if
// there is none.
func (b *Book) History() (trouble error, ok bool) {
	state := b.history.Load()
	if state == nil {
		return nil, false
	}
	return (*state)(), true
}

func (b *Book) writeHistory(e *exposition) {
	trouble, ok := b.History()
	if !ok {
		return
	}
	e.begin("farmproxy_history_up", gauge, "1 while the history is written; nothing else depends on it.")
	e.truth(trouble == nil)
}
