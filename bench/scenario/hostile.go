package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"farmproxy/bench/api"
	"farmproxy/bench/attack"
	"farmproxy/bench/cli"
	"farmproxy/bench/fleet"
	"farmproxy/bench/judge"
	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
	"farmproxy/bench/stand"
	"farmproxy/bench/wait"
)

// The scenario of a farm under attack: honest miners, measured in a quiet period and
// then beside attackers, in stages. Each stage has its own proxy, because what can be
// attacked depends on the algorithm and on who the miners are.
//
//	connect -> quiet -> attack, newcomers -> quiet again -> settle -> judge
//	                      └───── where it was slow, again ─────┘

// What the scenario takes unless flags say otherwise. The pools answer as late as
// those of the same continent do: in a shorter round trip the scheduling of a busy
// machine is most of it, and no ratio says anything.
const (
	hostileMiners = 1000
	hostileRate   = 300
	hostileLoad   = 30 * time.Second
	hostileQuick  = 6 * time.Second // of load with -quick
	hostileAnswer = 50 * time.Millisecond
)

// stage is one proxy, and the attacks on it.
type stage struct {
	name      string
	algorithm *proof.Algorithm
	users     bool    // each name has its own user, and links, at the pools
	harder    float64 // the pools' difficulty, as a multiple of the algorithm's easy one
	easy      bool    // honest miners use the easy one all the same
	rate      float64 // fraction of the usual rate
	secure    bool    // all miners connect over TLS
	attacks   []string
}

// The pools are harder than the easiest share, so that there are shares that they never
// see. For scrypt they are so hard that a random share is never good: at 0.4 ms a hash,
// its honest miners could not find many otherwise.
var stages = []stage{
	{"farm", proof.SHA256d, false, 4, false, 1, false, []string{"replay", "resume", "reregister", "names", "agents", "connects", "slow", "dribble", "http", "masks"}},
	{"users", proof.SHA256d, true, 4, false, 1, false, []string{"replay", "names", "agents", "connects"}},
	{"unchecked", proof.Unchecked, false, 1, false, 1, false, []string{"replay", "resume", "junk"}},
	{"scrypt", proof.Scrypt, false, 16, true, 0.4, false, []string{"resume", "flood"}},
	{"tls", proof.SHA256d, false, 4, false, 1, true, []string{"halves", "hellos", "records"}},
}

// Windows in which round trips are measured: the median of several shows what was
// usual, where a single one is hit by whatever else the machine does. A longer attack
// has more of them, none longer than longestWindow.
const (
	quietBeforeAttack = 3
	quietAfterAttack  = 2
	attackWindows     = 4
	longestWindow     = 5 * time.Second
)

// mostBouts is how often a stage is attacked if round trips exceed the promise: other
// work on the machine does not spoil every bout.
const mostBouts = 3

// windows returns the number and length of the attack's windows.
func (s *siege) windows() (n int, length time.Duration) {
	n = max(attackWindows, int(s.o.Duration/longestWindow))
	return n, s.o.Duration / time.Duration(n)
}

// guestsEach is how many miners connect during the attack: this many directly, and as
// many behind an agent.
const guestsEach = 20

// guestUser is the newcomers' account: a new one if names are users.
const guestUser = "guest"

// siege is a stage under way.
type siege struct {
	o      Options
	stage  stage
	stand  *stand.Stand
	pools  []*pool.Pool // the serving one, and its backup
	fleet  *fleet.Fleet
	guests []*fleet.Fleet
	raids  []*attack.Raid
	ordeal judge.Ordeal
	shown  *stand.Certificate // to miners; nil: they connect without TLS
	say    func(format string, args ...any)
}

// playHostile plays all stages that have one of the requested attacks.
func playHostile(ctx context.Context, o Options, t cli.Terminal) (out Outcome, err error) {
	wanted, err := attack.Lookup(o.Only)
	if err != nil {
		return out, err
	}
	out.Figures.Miners = o.Miners
	out.Fleet.Reasons = map[string]int{}
	for _, st := range stages {
		var some []attack.Attack
		for _, a := range wanted {
			if slices.Contains(st.attacks, a.Name) {
				some = append(some, a)
			}
		}
		if len(some) == 0 {
			continue
		}
		s := &siege{o: o, stage: st}
		if err := s.run(ctx, t, some, &out); err != nil {
			return out, fmt.Errorf("stage %s: %w", st.name, err)
		}
	}
	return out, nil
}

// run plays one stage and judges it. By the time it returns, the child has stopped and
// everything is closed.
func (s *siege) run(ctx context.Context, t cli.Terminal, some []attack.Attack, out *Outcome) (err error) {
	defer func() {
		for _, p := range s.pools {
			p.Close()
		}
	}()
	if err := s.begin(ctx, some); err != nil {
		return err
	}
	defer func() { // after the fleets are closed
		ending := s.stand.Stop()
		if ending != nil {
			out.Broken = append(out.Broken, fmt.Sprintf("stage %s: %v", s.stage.name, ending))
		}
		if err == nil && ending == nil && len(s.ordeal.Broken()) == 0 && !s.o.Keep {
			s.stand.Clean()
			return
		}
		s.ordeal.Log = s.stand.LogFile()
		out.Ordeals[len(out.Ordeals)-1].Log = s.ordeal.Log
	}()
	defer s.close()

	var mu sync.Mutex
	current := ""
	s.say = func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		current = fmt.Sprintf(format, args...)
	}
	line := cli.NewProgress(t)
	defer line.End()
	start := time.Now()
	stop := line.Every(func() string {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprintf("%5.1fs stage %s, %s: %s", time.Since(start).Seconds(), s.stage.name, current, s.fleet.Status())
	})
	defer stop()
	err = s.watched(ctx)
	s.collect(ctx)
	out.Ordeals = append(out.Ordeals, s.ordeal)
	out.Fleet.Add(s.fleet.Books().Total())
	out.Broken = append(out.Broken, s.ordeal.Broken()...)
	return err
}

// begin starts pools and proxy, and prepares the fleet and the attacks.
func (s *siege) begin(ctx context.Context, some []attack.Attack) error {
	alg := s.stage.algorithm
	for i, name := range []string{"main", "backup"} {
		o := pool.DefaultOptions()
		o.Name, o.Seed, o.AnswerDelay = name, s.o.Seed+uint64(i), s.o.AnswerDelay
		o.Algorithm, o.Difficulty = alg, alg.Easy()*s.stage.harder
		o.JobEvery, o.CleanEvery = s.o.JobEvery, s.o.CleanEvery
		p, err := pool.Start(o)
		if err != nil {
			return err
		}
		s.pools = append(s.pools, p)
	}
	web, err := stand.FreeAddr()
	if err != nil {
		return err
	}
	if s.stage.secure {
		if s.shown, err = stand.NewCertificate(); err != nil {
			return err
		}
	}
	if s.stand, err = stand.Proxy(ctx, stand.ProxyOptions{
		Exe: s.o.Exe, Pools: s.pools, User: PoolUser, HTTP: web, Easy: true, Users: s.stage.users, Profiles: s.profiles(), Shown: s.shown,
	}); err != nil {
		return err
	}
	for i, a := range some {
		s.raids = append(s.raids, &attack.Raid{
			Attack: a, Target: s.stand.Addr, HTTP: web, Source: s.source(i),
			Account: PoolUser, Algorithm: alg, Pool: s.pools[0], Seed: s.o.Seed + uint64(i),
		})
	}
	s.fleet, err = s.newFleet(s.o.Miners, 0, PoolUser, "rig")
	return err
}

// oneAddress is where everybody is, with Options.OneAddress: behind one NAT.
const oneAddress = "127.0.66.1"

// source returns the address of an attack's connections.
func (s *siege) source(attack int) string {
	if s.o.OneAddress {
		return oneAddress
	}
	return fmt.Sprintf("127.0.66.%d", attack+1)
}

// profiles returns the directory for the stage's profiles, or "" for none.
func (s *siege) profiles() string {
	if s.o.Profiles == "" {
		return ""
	}
	return filepath.Join(s.o.Profiles, s.stage.name)
}

// newFleet returns some honest miners. They roll within what the pool always grants.
func (s *siege) newFleet(miners, behind int, account, name string) (*fleet.Fleet, error) {
	o := fleet.DefaultOptions(s.stand.Addr)
	o.Miners, o.Behind, o.Algorithm, o.Seed, o.Rate = miners, behind, s.stage.algorithm, s.o.Seed, 0
	o.Mask = attack.NarrowMask
	if s.shown != nil {
		o.TLS = s.shown.Client
	}
	if s.o.OneAddress {
		o.Sources = []string{oneAddress}
	}
	if s.stage.easy {
		o.Password = fmt.Sprintf("d=%v", s.stage.algorithm.Easy())
	}
	o.Connecting, o.ConnectRate = s.o.Connecting, s.o.ConnectRate
	o.Account = account
	o.Name = func(miner int) string { return fmt.Sprintf("%s.%s%05d", account, name, miner) }
	return fleet.New(o)
}

func (s *siege) close() {
	for _, f := range append(s.guests, s.fleet) {
		if f != nil {
			f.Close()
		}
	}
}

// rate returns that of the honest miners, in shares per second.
func (s *siege) rate() float64 { return s.o.Rate * s.stage.rate }

// watched plays the stage while watching the proxy and its health endpoint.
func (s *siege) watched(ctx context.Context) error {
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	var health healthBooks
	watch.Go(func() { s.ordeal.Memory, s.ordeal.Open = s.watchProxy(watching) })
	watch.Go(func() { health = s.watchHealth(watching) })
	err := s.play(ctx)
	stop()
	watch.Wait()
	s.ordeal.Looks, s.ordeal.Sick = health.looks, health.sick
	if health.sick > 0 {
		s.ordeal.Trouble("health: %s", health.last)
	}
	return err
}

// play goes through the stage.
func (s *siege) play(ctx context.Context) error {
	if err := s.connect(ctx); err != nil {
		return err
	}
	s.fleet.SetRate(s.rate())
	if err := wait.For(ctx, quietBefore); err != nil {
		return err
	}
	_, window := s.windows()
	quiet, err := s.quiet(ctx, quietBeforeAttack, window)
	if err != nil {
		return err
	}
	for len(s.ordeal.Bouts) < mostBouts {
		bout := judge.Bout{Before: quiet}
		if err := s.attack(ctx, &bout); err != nil {
			return err
		}
		if quiet, err = s.quiet(ctx, quietAfterAttack, window); err != nil {
			return err
		}
		bout.After = quiet
		shares, _ := s.fleet.Books().Shares()
		bout.TripsDuring(shares)
		s.ordeal.Bouts = append(s.ordeal.Bouts, bout)
		if s.ordeal.Fast() {
			break
		}
	}
	s.say("waiting for the last verdicts")
	limited, cancel := context.WithTimeout(ctx, s.o.Patience)
	defer cancel()
	for _, f := range append([]*fleet.Fleet{s.fleet}, s.guests...) {
		f.Settle(limited) // what stays unanswered is left to the books
	}
	return ctx.Err()
}

func (s *siege) connect(ctx context.Context) error {
	s.say("connecting %d honest miners", s.o.Miners)
	ctx, cancel := context.WithTimeout(ctx, connectBase+time.Duration(s.o.Miners/connectRate)*time.Second)
	defer cancel()
	return s.fleet.Connect(ctx)
}

// quiet measures round trips while nobody attacks.
func (s *siege) quiet(ctx context.Context, windows int, length time.Duration) ([]float64, error) {
	s.say("quiet, %g shares/s", s.rate())
	return s.roundTrips(ctx, windows, length)
}

// roundTrips returns the 99 % round trip of each window, in seconds.
func (s *siege) roundTrips(ctx context.Context, windows int, length time.Duration) (trips []float64, err error) {
	for range windows {
		s.fleet.Books().ResetTrips()
		if err := wait.For(ctx, length); err != nil {
			return trips, err
		}
		trips = append(trips, s.fleet.Books().RoundTrip(0.99).Seconds())
	}
	return trips, nil
}

// attack starts all attackers, measures, and has newcomers connect in the middle of the
// first attack.
func (s *siege) attack(ctx context.Context, bout *judge.Bout) (err error) {
	s.say("under attack")
	n, window := s.windows()
	attacking, stop := context.WithCancel(ctx)
	var raids sync.WaitGroup
	for _, r := range s.raids {
		raids.Go(func() { r.Run(attacking) })
	}
	defer raids.Wait()
	defer stop()
	if err := s.stand.Profiles.Begin(s.stand.Child); err != nil {
		return err
	}
	bout.From = time.Now()
	var coming sync.WaitGroup
	coming.Go(func() {
		if s.guests == nil && wait.For(ctx, s.o.Duration/2) == nil { // by then tables are as full as they get
			s.receive(ctx)
		}
	})
	bout.Attacked, err = s.roundTrips(ctx, n, window)
	bout.To = time.Now()
	if err == nil {
		s.say("under attack, newcomers")
	}
	coming.Wait() // the attack goes on until they are in, or have given up
	return errors.Join(err, s.stand.Profiles.End(s.stand.Child))
}

// receive connects newcomers, some of them behind an agent.
func (s *siege) receive(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, s.o.Patience)
	defer cancel()
	kinds := []int{0}
	if s.stage.algorithm == proof.SHA256d { // what agents are for
		kinds = append(kinds, 1)
	}
	var all sync.WaitGroup
	for _, behind := range kinds {
		f, err := s.newFleet(guestsEach, behind, guestUser, fmt.Sprintf("guest%d-", behind))
		if err != nil {
			s.ordeal.Troubles = append(s.ordeal.Troubles, err.Error())
			continue
		}
		s.guests = append(s.guests, f)
		all.Go(func() {
			if f.Connect(limited) == nil {
				f.SetRate(s.guestRate())
				s.atWork(limited, f)
			}
		})
	}
	all.Wait()
	for _, f := range s.guests {
		s.ordeal.Guests += f.Options().Miners
		if s.works(f) {
			s.ordeal.GuestsIn += f.Ready()
		}
	}
}

// guestRate returns the shares per second of the newcomers of a kind: as many each as the
// other miners send. Where only one share of many is good for the pool, which has to show
// that they are at work, it is as many more: otherwise in one of twenty runs none was.
func (s *siege) guestRate() float64 {
	rate := s.rate() * guestsEach / float64(s.o.Miners)
	if s.stage.easy {
		rate *= s.stage.harder
	}
	return rate
}

// works reports that the pool has a share of these miners, which are one user.
func (s *siege) works(f *fleet.Fleet) bool {
	shares, _ := f.Books().Shares()
	return slices.ContainsFunc(shares, func(share fleet.Share) bool {
		_, booked := s.pools[0].Books().Share(share.Hash)
		return booked
	})
}

// atWork waits until these miners work for the pool.
func (s *siege) atWork(ctx context.Context, f *fleet.Fleet) {
	for !s.works(f) && wait.For(ctx, proxyEvery) == nil {
	}
}

// How often the proxy and its health endpoint are checked, and how long the endpoint
// may take: a load balancer waits about as long.
const (
	proxyEvery   = 100 * time.Millisecond
	healthEvery  = 500 * time.Millisecond
	healthWithin = 5 * time.Second
)

// watchProxy returns the most memory and the most links to the pool seen.
func (s *siege) watchProxy(ctx context.Context) (memory int64, links int) {
	for wait.For(ctx, proxyEvery) == nil {
		if rss, err := s.stand.Child.RSS(); err == nil {
			memory = max(memory, rss)
		}
		links = max(links, s.pools[0].Open())
	}
	return memory, links
}

// healthBooks is the result of watching the health endpoint.
type healthBooks struct {
	looks, sick int
	last        string // what was wrong
}

// watchHealth requests the health as a load balancer does, each time on a new
// connection.
func (s *siege) watchHealth(ctx context.Context) (h healthBooks) {
	client := http.Client{Timeout: healthWithin, Transport: &http.Transport{DisableKeepAlives: true}}
	for wait.For(ctx, healthEvery) == nil {
		reply, err := client.Get("http://" + s.stand.HTTP + "/healthz")
		if ctx.Err() != nil {
			return h
		}
		h.looks++
		if err != nil {
			h.sick, h.last = h.sick+1, attack.RootCause(err)
			continue
		}
		if reply.StatusCode != http.StatusOK {
			h.sick, h.last = h.sick+1, reply.Status
		}
		reply.Body.Close()
	}
	return h
}

// collect enters both sides' books into the ordeal.
func (s *siege) collect(ctx context.Context) {
	d := &s.ordeal
	d.Stage, d.Checked, d.Miners = s.stage.name, s.stage.algorithm != proof.Unchecked, s.o.Miners
	main := s.pools[0].Books()
	refused := main.Total().Refused
	d.Duplicates, d.Low = refused[proof.RefusedDuplicate.Text], refused[proof.RefusedLow.Text]
	links := map[int]bool{}
	var shares []fleet.Share
	var users []string // under which the pool books each miner's shares
	for i, f := range append([]*fleet.Fleet{s.fleet}, s.guests...) {
		some, missing := f.Books().Shares()
		if missing > 0 {
			d.Trouble("%d shares are too many to compare one by one; use a lower -rate or -duration", missing)
		}
		user := PoolUser
		if s.stage.users {
			user = f.Options().Account
		}
		for _, share := range some { // miners are numbered consecutively across all fleets
			share.Miner += len(users)
			shares = append(shares, share)
		}
		users = append(users, slices.Repeat([]string{user}, f.Options().Miners)...)
		total := f.Books().Total()
		d.Sent += total.Submits
		closed := total.Disconnects + total.Reconnects + total.Refusals
		if s.o.OneAddress && f.Options().Behind > 0 { // test work has another extranonce1 than the link
			again := min(closed, f.Options().Miners)
			d.Returned, closed = d.Returned+again, closed-again
		}
		if d.Closed += closed; d.Closed+total.Failures > 0 {
			d.Trouble("honest miners: %s", f.Books().LastTrouble())
		}
		for _, share := range some {
			if booked, ok := main.Share(share.Hash); ok && i == 0 {
				links[booked.Link] = true
			}
			if _, ok := s.pools[1].Books().Share(share.Hash); ok {
				d.Elsewhere++
			}
		}
		for b := range d.Bouts { // shares without an answer when it ended have one now
			if i == 0 {
				d.Bouts[b].TripsDuring(some)
			}
		}
	}
	d.Links, d.Opened = len(links), s.pools[0].Opened()
	d.Enter(judge.Comparison{
		Shares: shares, Pools: judge.Witnesses(s.pools...), Flight: s.o.Flight, Name: func(miner int) string { return users[miner] },
		Newcomer: func(miner int) bool { return s.o.OneAddress && miner >= s.o.Miners },
	}.Reconcile())
	for _, r := range s.raids {
		d.Raids = append(d.Raids, r.Figures())
	}
	if ctx.Err() == nil {
		closings(ctx, api.At(s.stand.HTTP), d)
	}
}

// mostSockets bounds the connections of all attacks together. A process usually may
// have 20,000 descriptors, and a connection takes two.
const mostSockets = 8000

// closings asks the proxy why it closed connections.
func closings(ctx context.Context, proxy api.Client, d *judge.Ordeal) {
	all, err := proxy.Series(ctx, "farmproxy_connections_closed_total")
	if err != nil {
		d.Trouble("metrics: %v", err)
		return
	}
	d.Reasons = map[string]int{}
	for _, s := range all {
		if s.Value > 0 {
			d.Reasons[s.Labels["reason"]] += int(s.Value)
		}
	}
}
