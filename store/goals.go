package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
)

const (
	// MaxGoals bounds the goals of an account, and MaxLevels the pools of each: what is
	// written as one body of 8 KiB.
	MaxGoals  = 16
	MaxLevels = 8
	// maxWeight is finer than any split can be kept, as in the configuration file.
	maxWeight = 1_000_000
	// maxGoalName is in bytes: the name is a label in metrics.
	maxGoalName = 64
)

// Goal is a part of an account's work, and the pools that get it.
type Goal struct {
	Name   string     // unique in the account
	Weight float64    // its part is this divided by the sum of the account's; 0: only by an order, or when all others are down
	Pools  []GoalPool // in order of preference
}

// GoalPool is a pool of a goal, and who works there.
type GoalPool struct {
	Pool     string // host:port
	User     string // "": the account's own, with its own password
	Password Secret // the zero Secret: the one that the account has for this pool and user so far, or else none
}

// SetGoals divides the work of an account's miners among goals, instead of those it had;
// none: all of it goes to the account's own pool again. All pools must have one algorithm.
// prove, unless nil, confirms that the pools accept credentials which the account has not
// had so far; it is called outside of any transaction. ErrUnknownAccount, ErrUnknownPool,
// ErrBadAddress, ErrBadUser, ErrBadPassword, ErrBadValue, and prove's.
func (s *Store) SetGoals(ctx context.Context, name string, goals []Goal, prove Prove) error {
	own, goals, err := s.newGoals(ctx, name, goals)
	if err != nil {
		return err
	}
	known := own.everywhere()
	recallPasswords(goals, known)
	if prove != nil {
		if err := s.proveGoals(ctx, own, goals, known, prove); err != nil {
			return err
		}
	}
	return s.write(ctx, s.division(name, goals))
}

// newGoals returns an account as it is, and the goals that it is to get in the stored form.
func (s *Store) newGoals(ctx context.Context, name string, goals []Goal) (*Account, []Goal, error) {
	goals, err := checkGoals(goals)
	if err != nil {
		return nil, nil, err
	}
	if _, err := s.Account(ctx, name); err != nil {
		return nil, nil, err
	}
	own := s.Snapshot().Account(name)
	if own == nil { // its row is damaged
		return nil, nil, unknownAccount(name)
	}
	return own, goals, nil
}

// division is the change that divides an account's work among goals.
func (s *Store) division(name string, goals []Goal) func(*transaction, int64) error {
	return func(t *transaction, version int64) error {
		own, err := account(t, name)
		if err != nil {
			return err
		}
		if err := oneAlgorithm(t, own.Pool, goals); err != nil {
			return err
		}
		if _, err := t.exec("DELETE FROM goals WHERE account = ?", name); err != nil {
			return err
		}
		if err := s.insertGoals(t, name, goals); err != nil {
			return err
		}
		_, err = t.exec("UPDATE accounts SET version = ? WHERE name = ?", version, name)
		return err
	}
}

// checkGoals returns goals in the stored form.
func checkGoals(goals []Goal) ([]Goal, error) {
	if len(goals) > MaxGoals {
		return nil, failf(ErrBadValue, "there are %d goals: expected at most %d", len(goals), MaxGoals)
	}
	checked, sum := make([]Goal, len(goals)), 0.0
	for i, g := range goals {
		switch {
		case g.Name == "" || len(g.Name) > maxGoalName || !plain(g.Name):
			return nil, failf(ErrBadValue, "name %.40q of goal %d: expected 1 to %d bytes without control characters", g.Name, i+1, maxGoalName)
		case slices.ContainsFunc(goals[:i], func(o Goal) bool { return o.Name == g.Name }):
			return nil, failf(ErrBadValue, "goal %q comes twice: each needs a name of its own", g.Name)
		case !(g.Weight >= 0 && g.Weight <= maxWeight):
			return nil, failf(ErrBadValue, "weight %v of goal %q: expected 0 to %d", g.Weight, g.Name, maxWeight)
		case len(g.Pools) == 0 || len(g.Pools) > MaxLevels:
			return nil, failf(ErrBadValue, "goal %q has %d pools: expected 1 to %d, in order of preference", g.Name, len(g.Pools), MaxLevels)
		}
		sum += g.Weight
		checked[i] = g
		checked[i].Pools = make([]GoalPool, len(g.Pools))
		for j, p := range g.Pools {
			if err := p.check(); err != nil {
				return nil, err
			}
			if slices.ContainsFunc(checked[i].Pools[:j], func(o GoalPool) bool { return o.Pool == p.Pool && o.User == p.User }) {
				return nil, failf(ErrBadValue, "goal %q has pool %s twice: list it once", g.Name, p.Pool)
			}
			checked[i].Pools[j] = p
		}
	}
	if len(goals) > 0 && sum == 0 {
		return nil, failf(ErrBadValue, "no goal has a weight above 0: expected one at least")
	}
	return checked, nil
}

// check checks p and converts it to the stored form.
func (p *GoalPool) check() (err error) {
	if p.Pool, err = ParseAddress(p.Pool); err != nil {
		return err
	}
	if p.User != "" {
		return checkCredentials(p.User, p.Password.Reveal())
	}
	if p.Password.Reveal() != "" {
		return failf(ErrBadUser, "pool %s has a password and no user: name the user too, or leave both out for the account's own", p.Pool)
	}
	return nil
}

// sealedFor is what the password is sealed for: nobody with access to the database alone
// can have it sent to another pool.
func (p *GoalPool) sealedFor(account string) string { return account + " " + p.Pool + " " + p.User }

// everywhere returns the account as it is at each pool that it has.
func (a *Account) everywhere() []Account {
	list := []Account{*a}
	for _, g := range a.Goals {
		for _, p := range g.Pools {
			list = append(list, a.At(p))
		}
	}
	return list
}

// recallPasswords fills in the passwords that are left out.
func recallPasswords(goals []Goal, known []Account) {
	for i := range goals {
		for j := range goals[i].Pools {
			p := &goals[i].Pools[j]
			if p.User == "" || p.Password != (Secret{}) {
				continue
			}
			if k := slices.IndexFunc(known, func(a Account) bool { return a.Pool == p.Pool && a.User == p.User }); k >= 0 {
				p.Password = known[k].Password
			}
		}
	}
}

// proveGoals makes sure that an account's miners can work where it has not been so far.
func (s *Store) proveGoals(ctx context.Context, own *Account, goals []Goal, known []Account, prove Prove) error {
	for _, g := range goals {
		for _, p := range g.Pools {
			a := own.At(p)
			if slices.ContainsFunc(known, func(k Account) bool {
				return k.Pool == a.Pool && k.User == a.User && k.Password.Reveal() == a.Password.Reveal()
			}) {
				continue
			}
			at, err := s.Pool(ctx, a.Pool)
			if err != nil {
				return err
			}
			if err := prove(ctx, at, a); err != nil {
				return err
			}
			known = append(known, a)
		}
	}
	return nil
}

// At returns the account as it is at a pool of one of its goals.
func (a *Account) At(p GoalPool) Account {
	at := Account{Name: a.Name, Pool: p.Pool, User: p.User, Password: p.Password, Created: a.Created}
	if p.User == "" {
		at.User, at.Password = a.User, a.Password
	}
	return at
}

// oneAlgorithm checks that a miner of an account can work for all of its pools.
func oneAlgorithm(t *transaction, own string, goals []Goal) error {
	first, err := pool(t, own)
	if err != nil {
		return err
	}
	for _, g := range goals {
		for _, listed := range g.Pools {
			p, err := pool(t, listed.Pool)
			if err != nil {
				return err
			}
			if p.Algorithm != first.Algorithm {
				return failf(ErrBadValue, "pool %s has the algorithm %s, and the account's own pool %s has %s: expected one algorithm, since any miner may work at any of them", p.Address, p.Algorithm, first.Address, first.Algorithm)
			}
		}
	}
	return nil
}

// keepsAlgorithm checks that no account mixes algorithms when a pool gets another one.
func keepsAlgorithm(t *transaction, p Pool) error {
	var mixed int
	err := t.row(`SELECT COUNT(DISTINCT a.name) FROM accounts a JOIN goals g ON g.account = a.name JOIN pools o ON o.address = a.pool OR o.address = g.pool
		WHERE (a.pool = ? OR EXISTS (SELECT 1 FROM goals h WHERE h.account = a.name AND h.pool = ?)) AND o.address <> ? AND o.algorithm <> ?`,
		[]any{p.Address, p.Address, p.Address, p.Algorithm}, &mixed)
	if err == nil && mixed > 0 {
		return failf(ErrInGoals, "pool %s can't have the algorithm %s: %d accounts divide their work among it and pools of another one; change their goals first", p.Address, p.Algorithm, mixed)
	}
	return err
}

// inNoGoal checks that no account has a pool in its goals.
func inNoGoal(t *transaction, address string) error {
	var accounts int
	err := t.row("SELECT COUNT(DISTINCT account) FROM goals WHERE pool = ?", []any{address}, &accounts)
	if err == nil && accounts > 0 {
		return failf(ErrInGoals, "pool %s is in the goals of %d accounts: change their goals first", address, accounts)
	}
	return err
}

func (s *Store) insertGoals(t *transaction, name string, goals []Goal) error {
	for i, g := range goals {
		for j, p := range g.Pools {
			_, err := t.exec("INSERT INTO goals (account, number, level, goal, weight, pool, pool_user, password) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
				name, i+1, j+1, g.Name, g.Weight, p.Pool, p.User, s.sealer.seal(p.sealedFor(name), p.Password.Reveal()))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// changedGoals reads the goals of accounts that changed after a version.
func (s *Store) changedGoals(t *transaction, since int64, c *changes) error {
	return t.rows(func(r *sql.Rows) error {
		var name, goal string
		var weight float64
		var p GoalPool
		var sealed []byte
		if err := r.Scan(&name, &goal, &weight, &p.Pool, &p.User, &sealed); err != nil {
			return err
		}
		a := c.accounts[name]
		if a == nil {
			return nil // its own row is damaged
		}
		password, err := s.sealer.open(p.sealedFor(name), sealed)
		if err != nil { // one damaged row must not stop the others
			s.options.Log.Error("the password of an account at a pool of its goals cannot be read; set its goals again", "account", name, "goal", goal, "pool", p.Pool, "error", err)
			return nil
		}
		p.Password = NewSecret(password)
		if last := len(a.Goals) - 1; last < 0 || a.Goals[last].Name != goal {
			a.Goals = append(a.Goals, Goal{Name: goal, Weight: weight})
		}
		last := &a.Goals[len(a.Goals)-1]
		last.Pools = append(last.Pools, p)
		return nil
	}, `SELECT g.account, g.goal, g.weight, g.pool, g.pool_user, g.password FROM goals g JOIN accounts a ON a.name = g.account
		WHERE a.version > ? ORDER BY g.account, g.number, g.level`, since)
}

// rememberedGoal is a Goal in the state file.
type rememberedGoal struct {
	Name   string               `json:"goal"`
	Weight float64              `json:"weight"`
	Pools  []rememberedGoalPool `json:"pools"`
}

type rememberedGoalPool struct {
	Pool     string `json:"pool"`
	User     string `json:"user,omitempty"`
	Password string `json:"password"` // sealed, in hex
}

func (s *Store) rememberGoals(a *Account) (list []rememberedGoal) {
	for _, g := range a.Goals {
		r := rememberedGoal{Name: g.Name, Weight: g.Weight}
		for _, p := range g.Pools {
			r.Pools = append(r.Pools, rememberedGoalPool{p.Pool, p.User, hexText(s.sealer.seal(p.sealedFor(a.Name), p.Password.Reveal()))})
		}
		list = append(list, r)
	}
	return list
}

// recallGoals is the opposite of rememberGoals.
func recallGoals(account string, list []rememberedGoal, sealer *sealer) (goals []Goal, err error) {
	for _, r := range list {
		if len(r.Pools) == 0 {
			return nil, errUnreadable
		}
		g := Goal{Name: r.Name, Weight: r.Weight}
		for _, p := range r.Pools {
			at := GoalPool{Pool: p.Pool, User: p.User}
			sealed, err := hexBytes(p.Password)
			password := ""
			if err == nil {
				password, err = sealer.open(at.sealedFor(account), sealed)
			}
			if err != nil {
				return nil, errors.Join(errUnreadable, err)
			}
			at.Password = NewSecret(password)
			g.Pools = append(g.Pools, at)
		}
		goals = append(goals, g)
	}
	return goals, nil
}
