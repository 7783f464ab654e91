package store

import "context"

// What a change of an account would lead to: the account before it and after it. It is judged
// as the change is, but no pool is asked, and nothing is kept. What is said never depends on
// whether a password is the right one: a password that is given counts as another one than
// that so far, so nobody can try passwords with it. Both accounts are not to be changed.

// WouldRegister says what Register would do. before is nil if the account is new: then after
// has no name yet.
func (s *Store) WouldRegister(ctx context.Context, address, user, password string) (before, after *Account, err error) {
	if address, err = ParseAddress(address); err != nil {
		return nil, nil, err
	}
	if err := checkCredentials(user, password); err != nil {
		return nil, nil, err
	}
	after = &Account{Pool: address, User: user}
	name := ""
	err = s.rehearse(ctx, func(t *transaction, version int64) (err error) {
		if name, _, err = s.credentials(t, address, user); err != nil || name != "" {
			return err
		}
		_, err = s.newAccount(t, address, user, password, version)
		return err
	})
	if err != nil || name == "" {
		return nil, after, err
	}
	if before = s.Snapshot().Account(name); before == nil { // its row is damaged: this mends it
		before = &Account{Name: name, Pool: address, User: user}
	}
	changed := *before
	changed.Password = NewSecret(otherPassword)
	return before, &changed, nil
}

// WouldSetGoals says what SetGoals would do.
func (s *Store) WouldSetGoals(ctx context.Context, name string, goals []Goal) (before, after *Account, err error) {
	before, goals, err = s.newGoals(ctx, name, goals)
	if err != nil {
		return nil, nil, err
	}
	for i := range goals {
		for j := range goals[i].Pools {
			if p := &goals[i].Pools[j]; p.User != "" && p.Password != (Secret{}) {
				p.Password = NewSecret(otherPassword)
			}
		}
	}
	recallPasswords(goals, before.everywhere())
	changed := *before
	changed.Goals = goals
	return before, &changed, s.rehearse(ctx, s.division(name, goals))
}

// WouldDelete says what DeleteAccount would do: after is nil.
func (s *Store) WouldDelete(ctx context.Context, name string) (before, after *Account, err error) {
	if err := s.rehearse(ctx, s.deletion(name)); err != nil {
		return nil, nil, err
	}
	if before = s.Snapshot().Account(name); before != nil {
		return before, nil, nil
	}
	a, err := s.Account(ctx, name)
	return &a, nil, err
}

// Asked is an account at a pool which is asked, before a change, whether it lets the account
// in.
type Asked struct {
	Pool, User string
	Unless     bool // not if the password that is given is the one so far
}

// Asked returns who is asked before the account becomes the one after.
func (a *Account) Asked(after *Account) (list []Asked) {
	known, wanted := a.everywhere(), after.everywhere()
	if after.Password.Reveal() == otherPassword { // Register tries it at the account's own pool
		wanted = wanted[:1]
	}
	for _, w := range wanted {
		is := Asked{Pool: w.Pool, User: w.User}
		same := false
		for _, k := range known {
			if k.Pool == w.Pool && k.User == w.User {
				is.Unless, same = true, same || k.Password.Reveal() == w.Password.Reveal()
			}
		}
		if !same {
			list, known = append(list, is), append(known, w)
		}
	}
	return list
}
