package api

import (
	"context"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/store"
)

// registration is what the account proxy's clients send. It ignored unknown fields, and
// so does this.
type registration struct {
	Pool     string `json:"pool"`
	User     string `json:"user"`
	Password string `json:"password"`
}

// registered is the answer they get in every case.
type registered struct {
	Name  string `json:"name"` // "" if it was refused
	Error string `json:"error"`
}

type usersAnswer struct {
	paging
	Users []user `json:"users"`
}

type user struct {
	Name      string     `json:"name"`
	Pool      string     `json:"pool"`
	Algorithm string     `json:"algorithm"`
	User      string     `json:"user"`
	Created   *time.Time `json:"created"`
	LastSeen  *time.Time `json:"last_seen"` // when a miner was last connected
	Goals     []userGoal `json:"goals"`     // none: all work goes to Pool
	done
}

// userGoal is a goal of an account as clients set and see it.
type userGoal struct {
	Name   string     `json:"name"`
	Weight float64    `json:"weight"`
	Pools  []userPool `json:"pools"` // in order of preference
}

// userPool is a pool of a goal.
type userPool struct {
	Pool     string  `json:"pool"`               // host:port
	User     string  `json:"user,omitempty"`     // "": the account's own, with its own password
	Password *string `json:"password,omitempty"` // never shown; nil: the one so far
}

// goalsBody is what an account's goals are set with.
type goalsBody struct {
	Goals []userGoal `json:"goals"`
}

// usersPath is where accounts are registered.
const usersPath = "/api/v1/users"

// registers reports whether a request comes from a client of the account proxy's, which
// knows only one shape of answer.
func registers(ctx *fasthttp.RequestCtx) bool {
	return (ctx.IsPost() || ctx.IsPut()) && string(ctx.Path()) == usersPath
}

func (s *Server) register(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	dry, err := dryRun(ctx)
	if err != nil {
		return err
	}
	if dry { // whoever may only register learns nothing of the farm
		err = s.authorize(ctx, scopeWrite)
	} else {
		err = s.limit(ctx)
	}
	if err != nil {
		return err
	}
	var q registration
	if err := readJSON(ctx, &q, false); err != nil {
		return err
	}
	if dry {
		before, after, err := r.WouldRegister(life, q.Pool, q.User, q.Password)
		return s.wouldBe(life, ctx, before, after, unknownIn(err, store.ErrUnknownPool))
	}
	name, did, err := r.Register(life, q.Pool, q.User, q.Password, s.prover(ctx))
	if err != nil {
		return unknownIn(err, store.ErrUnknownPool)
	}
	switch did {
	case store.RegisteredNow:
		s.audit(ctx, "account registered", "account", name, "pool", q.Pool)
	case store.PasswordChanged:
		s.audit(ctx, "password of an account changed", "account", name, "pool", q.Pool)
	}
	return writeRegistered(ctx, fasthttp.StatusCreated, registered{Name: name})
}

// wouldBe says what would happen if one account became another one, unless that is refused.
func (s *Server) wouldBe(life context.Context, ctx *fasthttp.RequestCtx, before, after *store.Account, refused error) error {
	if refused != nil {
		return refused
	}
	effects, err := s.options.AccountEffects(life, before, after)
	return writeEffects(ctx, &OrderEffects{DryRun: true, Effects: effects}, withCode(fasthttp.StatusServiceUnavailable, err))
}

func writeRegistered(ctx *fasthttp.RequestCtx, code int, a registered) error {
	err := writeJSON(ctx, code, a)
	ctx.SetContentType("application/json") // to the letter
	return err
}

func (s *Server) users(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	var f store.Filter
	err := listQuery(ctx, &f, []parameter{{"pool", &f.Pool}, {"user", &f.User}, {"search", &f.Search}})
	if err != nil {
		return err
	}
	page, err := r.Accounts(life, f)
	if err != nil {
		return err
	}
	a := usersAnswer{paging: makePaging(page), Users: make([]user, len(page.Items))}
	for i := range page.Items {
		a.Users[i] = s.makeUser(r, &page.Items[i])
	}
	return writeList(ctx, "users", &a, a.Users)
}

func (s *Server) user(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	a, err := r.Account(life, item(ctx))
	if err != nil {
		return err
	}
	return writeJSON(ctx, fasthttp.StatusOK, s.makeUser(r, &a))
}

func (s *Server) deleteUser(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	name := item(ctx)
	dry, err := dryRun(ctx)
	if err != nil {
		return err
	}
	if dry {
		before, after, err := r.WouldDelete(life, name)
		return s.wouldBe(life, ctx, before, after, err)
	}
	if err := r.DeleteAccount(life, name); err != nil {
		return err
	}
	s.audit(ctx, "account deleted", "account", name)
	return noContent(ctx)
}

// setGoals divides an account's work among goals.
func (s *Server) setGoals(life context.Context, ctx *fasthttp.RequestCtx, r Registry) error {
	dry, err := dryRun(ctx)
	if err != nil {
		return err
	}
	var body goalsBody
	if err := readJSON(ctx, &body, true); err != nil {
		return err
	}
	if body.Goals == nil {
		return badRequest(`goals: required, such as [{"name": "main", "weight": 70, "pools": [{"pool": "pool.example:3333"}]}, ...]; [] gives all work to the account's own pool again`)
	}
	name, goals := item(ctx), body.stored()
	if dry {
		before, after, err := r.WouldSetGoals(life, name, goals)
		return s.wouldBe(life, ctx, before, after, unknownIn(err, store.ErrUnknownPool))
	}
	if err := r.SetGoals(life, name, goals, s.prover(ctx)); err != nil {
		return unknownIn(err, store.ErrUnknownPool)
	}
	s.audit(ctx, "goals of an account set", "account", name, "goals", len(goals))
	return s.user(life, ctx, r)
}

// stored returns the goals as the store has them.
func (b *goalsBody) stored() []store.Goal {
	goals := make([]store.Goal, len(b.Goals))
	for i, g := range b.Goals {
		goals[i] = store.Goal{Name: g.Name, Weight: g.Weight}
		for _, p := range g.Pools {
			at := store.GoalPool{Pool: p.Pool, User: p.User}
			if p.Password != nil {
				at.Password = store.NewSecret(*p.Password)
			}
			goals[i].Pools = append(goals[i].Pools, at)
		}
	}
	return goals
}

func (s *Server) makeUser(r Registry, a *store.Account) user {
	u := user{
		Name:     a.Name,
		Pool:     a.Pool,
		User:     a.User,
		Created:  OrNull(a.Created),
		LastSeen: OrNull(a.LastSeen),
		Goals:    []userGoal{},
		done:     makeDone(s.options.Book.AccountTotal(a.Name)),
	}
	if u.Miners > 0 { // the store hears of them only now and then
		u.LastSeen = OrNull(time.Now())
	}
	if p := r.Snapshot().Pool(a.Pool); p != nil {
		u.Algorithm = p.Algorithm
	}
	if whole := r.Snapshot().Account(a.Name); whole != nil {
		for _, g := range whole.Goals {
			goal := userGoal{Name: g.Name, Weight: g.Weight}
			for _, p := range g.Pools {
				goal.Pools = append(goal.Pools, userPool{Pool: p.Pool, User: p.User})
			}
			u.Goals = append(u.Goals, goal)
		}
	}
	return u
}
