package stats

import "errors"

// SetStore has the store's state asked for, whenever it is to be shown: how
// many accounts there are, and nil, or why and since when its database is away.
// It may be called from any goroutine, and must not block.
func (b *Book) SetStore(state func() (accounts int, err error)) { b.store.Store(&state) }

// Store returns nil where there is no store or it is well; else why and since
// when its database is away, in a sentence.
func (b *Book) Store() error {
	if state := b.store.Load(); state != nil {
		_, err := (*state)()
		return err
	}
	return nil
}

// accountless returns why nobody can log in where only accounts are served; nil
// where that is not so.
func (b *Book) accountless() error {
	state := b.store.Load()
	if state == nil || !b.onlyStore.Load() {
		return nil
	}
	if accounts, err := (*state)(); err != nil && accounts == 0 {
		return errors.New("the store's database is away, and no account is known")
	}
	return nil
}

func (b *Book) writeStore(e *exposition) {
	state := b.store.Load()
	if state == nil {
		return
	}
	accounts, err := (*state)()
	e.begin("farmproxy_store_up", gauge, "1 while the store's database answers and takes changes; accounts that are known are served without it.")
	e.truth(err == nil)
	e.begin("farmproxy_accounts", gauge, "Accounts that are registered.")
	e.value(float64(accounts))
}
