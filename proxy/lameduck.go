package proxy

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"farmproxy/admin"
)

const (
	// lameDuckTime is how long the miners of a lame duck take to leave, unless the
	// operator says otherwise: 10,000 of them are 83 a second, which is no burden for
	// whoever takes them.
	lameDuckTime = 2 * time.Minute

	// lameDuckMost keeps a slip of the operator's from lasting for ever.
	lameDuckMost = 24 * time.Hour

	// lameDuckEvery is how often some of them are let go, and lameDuckTells how often
	// the operator is told how many are left.
	lameDuckEvery = 100 * time.Millisecond
	lameDuckTells = time.Second
)

// lameDuck is the way out when nothing can be handed over: no miner comes any more, and
// those that are here leave one after another.
type lameDuck struct {
	begun atomic.Bool
	ended chan struct{} // closed when farmproxy is to end
}

func newLameDuck() lameDuck { return lameDuck{ended: make(chan struct{})} }

// mark is what systemctl status begins with.
func (d *lameDuck) mark() string {
	if d.begun.Load() {
		return "lame duck, "
	}
	return ""
}

// lameDuckArgs are the arguments of the command.
type lameDuckArgs struct {
	Over string `json:"over,omitempty"` // how long the miners take to leave, as 2m; "": 2m0s
	Stay bool   `json:"stay,omitempty"` // farmproxy goes on without miners until it is stopped
}

// lameDuckAnswer is its answer, and while miners leave its event.
type lameDuckAnswer struct {
	Miners  int     `json:"miners"` // still connected
	Seconds float64 `json:"seconds"`
}

var (
	errLameDuck = errors.New("farmproxy is a lame duck: it takes no miners, and lets those go that it has")
	errNoMiners = errors.New("farmproxy is a lame duck: all miners have left; stop or restart it")
)

// lameDuck runs the command: it returns when all miners have left. It goes on when the
// operator leaves.
func (p *proxy) lameDuck(ctx context.Context, call *admin.Call) (any, error) {
	var args lameDuckArgs
	if err := call.Args(&args); err != nil {
		return nil, err
	}
	over := lameDuckTime
	if args.Over != "" {
		var err error
		if over, err = time.ParseDuration(args.Over); err != nil || over < 0 || over > lameDuckMost {
			return nil, fmt.Errorf("over = %q: want a duration from 0s to %v, such as 2m", args.Over, lameDuckMost)
		}
	}
	if err := p.beginLameDuck(); err != nil {
		return nil, err
	}
	p.log.Warn("lame duck: no miner is taken any more, and all are let go", "miners", p.server.Connected(), "over", over, "then_stays", args.Stay)
	p.book.SetReady(errLameDuck)
	p.server.Refuse()
	began := time.Now()
	err := p.letGo(ctx, over, args.Stay, func(left int) {
		_ = call.Send(lameDuckAnswer{left, time.Since(began).Seconds()}) // the operator may have left
	})
	answer := lameDuckAnswer{p.server.Connected(), time.Since(began).Seconds()}
	if err != nil {
		return answer, err
	}
	p.log.Info("lame duck: the miners have left", "miners", answer.Miners, "took", time.Since(began))
	if args.Stay {
		p.book.SetReady(errNoMiners)
	} else {
		close(p.duck.ended)
	}
	return answer, nil
}

// beginLameDuck makes farmproxy a lame duck. During an upgrade it does not: the new process
// would take miners again, and have those that are left.
func (p *proxy) beginLameDuck() error {
	if !p.successor.mu.TryLock() {
		return errUpgrading
	}
	defer p.successor.mu.Unlock()
	if !p.duck.begun.CompareAndSwap(false, true) {
		return fmt.Errorf("farmproxy is a lame duck already, with %d miners left", p.server.Connected())
	}
	return nil
}

// letGo lets all miners go, evenly over that time, and returns when they have left.
// Those that wait for a verdict longer than a stop would wait are left to the stop,
// which comes next unless farmproxy stays.
func (p *proxy) letGo(ctx context.Context, over time.Duration, stays bool, tell func(left int)) error {
	tick := time.NewTicker(lameDuckEvery)
	defer tick.Stop()
	began, told := time.Now(), time.Duration(0)
	for {
		age := time.Since(began)
		part := 1.0
		if age < over {
			part = age.Seconds() / over.Seconds()
		}
		p.server.LetGo(part)
		left := p.server.Connected()
		switch {
		case left == 0, age > over+p.drain && !stays:
			return nil
		case age >= told+lameDuckTells:
			told = age
			tell(left)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("farmproxy was stopped before all miners had left")
		}
	}
}
