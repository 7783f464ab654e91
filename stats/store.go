package stats

import "errors"

// SetStore sets the function that returns the store's state whenever it is shown: the
// number of accounts, and nil, or why and since when its database is unavailable.
// state may be called from any goroutine, and must not block.
func (b *Book) SetStore(state func() (accounts int, err error)) { b.store.Store(&state) }

// Store returns nil if there is no store or it is healthy; otherwise why and since
// when its database is unavailable, in a sentence.
func (b *Book) Store() error {
	if state := b.store.Load(); state != nil {
		_, err := (*state)()
		return err
	}
	return nil
}

// accountless returns why nobody can log in if only accounts are served; nil if
// somebody can.
func (b *Book) accountless() error {
	state := b.store.Load()
	if state == nil || !b.onlyStore.Load() {
		return nil
	}
	if accounts, err := (*state)(); err != nil && accounts == 0 {
		return errors.New("the store's database is unavailable, and no account is known")
	}
	return nil
}

func (b *Book) writeStore(e *exposition) {
	state := b.store.Load()
	if state == nil {
		return
	}
	accounts, err := (*state)()
	e.begin("farmproxy_store_up", gauge, "1 while the store's database answers and accepts changes; known accounts are served without it.")
	e.truth(err == nil)
	e.begin("farmproxy_accounts", gauge, "Registered accounts.")
	e.value(float64(accounts))
}
