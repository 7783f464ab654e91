package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"farmproxy/bench/cli"
	"farmproxy/bench/record"
)

// Recording says where a result goes besides the terminal.
type Recording struct {
	Args   []string // of the command
	Commit string
	Dir    string // gets a new file; "": not recorded
}

// measurement is a result in the making.
type measurement struct{ *record.Result }

func newMeasurement(o Options, r Recording) measurement {
	return measurement{record.New(o.Scenario, r.Commit, r.Args)}
}

// Budget measures everything that has a budget, round by round.
func Budget(ctx context.Context, o Options, t cli.Terminal, r Recording) error {
	m := newMeasurement(o, r)
	for n := range o.Rounds {
		if err := m.round(ctx, o, t, fmt.Sprintf("round %d of %d", n+1, o.Rounds)); err != nil {
			return m.finish(ctx, t, r, err)
		}
	}
	return m.finish(ctx, t, r, nil)
}

// round measures everything that has a budget, once.
func (m measurement) round(ctx context.Context, o Options, t cli.Terminal, turn string) error {
	if o.OnlyTLS {
		return m.overTLS(ctx, o, t, turn+", over TLS")
	}
	if err := m.both(ctx, o, t, turn+", memory", (*trial).crowd); err != nil {
		return err
	}
	if err := m.both(ctx, o, t, turn+", costs", (*trial).costs); err != nil {
		return err
	}
	if o.HAProxy != "" {
		if err := m.one(ctx, o.behindHAProxy(), t, turn+", passing on", (*trial).passing, record.SideHAProxy); err != nil {
			return err
		}
	}
	if err := m.overTLS(ctx, o, t, turn+", over TLS"); err != nil {
		return err
	}
	if err := m.one(ctx, o.rapid(), t, turn+", ten jobs a second", (*trial).rapid, record.SideProxy); err != nil {
		return err
	}
	return m.openPages(ctx, o, t, turn)
}

// Sweep measures costs at each number of miners, and at one of these numbers at each
// rate.
func Sweep(ctx context.Context, o Options, numbers []float64, t cli.Terminal, r Recording) error {
	m := newMeasurement(o, r)
	for n := range o.Rounds {
		for _, point := range sweepPoints(o, numbers) {
			turn := fmt.Sprintf("round %d of %d, %d miners", n+1, o.Rounds, point.Miners)
			if err := m.both(ctx, point, t, turn, (*trial).sweep); err != nil {
				return m.finish(ctx, t, r, err)
			}
		}
	}
	return m.finish(ctx, t, r, nil)
}

// sweepPoints returns the options for each number of miners: all at the one rate, and
// one number, added if it was not requested, at all rates.
func sweepPoints(o Options, numbers []float64) (points []Options) {
	all := false
	for _, n := range numbers {
		p := o
		p.Miners = int(n)
		if all = all || p.Miners == o.Miners; p.Miners != o.Miners {
			p.Rates = []float64{o.Rate}
		}
		points = append(points, p)
	}
	if !all {
		points = append(points, o)
	}
	return points
}

// both plays one scenario on the floor and then on the proxy, so that a busy minute of
// the machine affects both.
func (m measurement) both(ctx context.Context, o Options, t cli.Terminal, turn string, scenario func(*trial, context.Context) error) error {
	for _, on := range []record.Side{record.SideFloor, record.SideProxy} {
		if err := m.one(ctx, o, t, turn, scenario, on); err != nil {
			return err
		}
	}
	return nil
}

// one plays one scenario and enters its figures.
func (m measurement) one(ctx context.Context, o Options, t cli.Terminal, turn string, scenario func(*trial, context.Context) error, on record.Side) error {
	fmt.Fprintf(t.Err, "%s, %s\n", turn, on)
	out, err := play(ctx, o, t, scenario, on)
	for _, b := range out.breaches() {
		m.Breaches = append(m.Breaches, fmt.Sprintf("%s, %s: %s", turn, on, b))
	}
	if out.Log != "" {
		m.Breaches = append(m.Breaches, fmt.Sprintf("%s, %s: the child's log is %s", turn, on, out.Log))
	}
	if err != nil {
		return fmt.Errorf("%s, %s: %w", turn, on, err)
	}
	m.Add(on, out.samples)
	m.Memory = append(m.Memory, out.memory...)
	return nil
}

// finish prints what there is, even if failed ended the run, and records a complete
// run.
func (m measurement) finish(ctx context.Context, t cli.Terminal, to Recording, failed error) error {
	switch {
	case ctx.Err() != nil:
		m.Breaches = append(m.Breaches, "interrupted before the end")
	case failed != nil:
		m.Breaches = append(m.Breaches, failed.Error())
	}
	m.Seconds = time.Since(m.Started).Seconds()
	m.Order()
	t.Printf("\n%s\n%s\n\n", m.Machine, m.Command)
	m.Print(t)
	for _, b := range m.Breaches {
		t.Printf("BREACH: %s\n", b)
	}
	if to.Dir != "" && failed == nil {
		file, err := m.Record(to.Dir)
		if err != nil {
			return err
		}
		t.Printf("recorded in %s\n", file)
	}
	if len(m.Breaches) > 0 {
		return errors.New("the run found breaches, see above")
	}
	return nil
}

// Long measures one load for a long time.
func Long(ctx context.Context, o Options, t cli.Terminal, r Recording) error {
	m := newMeasurement(o, r)
	return m.finish(ctx, t, r, m.one(ctx, o, t, "long load", (*trial).long, record.SideProxy))
}
