package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"
)

// fleetFlags adds the flags of a fleet to a set; apply reads those that are not
// plain values.
func fleetFlags(flags *flag.FlagSet, o *FleetOptions) (apply func() error) {
	flags.IntVar(&o.Miners, "miners", o.Miners, "how many")
	flags.Float64Var(&o.Rate, "rate", o.Rate, "shares per second of the whole fleet")
	flags.IntVar(&o.Behind, "agents", o.Behind, "`connections` of agents that carry the miners; 0: each miner has its own")
	flags.StringVar(&o.Account, "account", o.Account, "worker names are `account`.rigNNNNN")
	flags.IntVar(&o.Connecting, "connecting", o.Connecting, "dials at the same time")
	flags.Float64Var(&o.ConnectRate, "connect-rate", o.ConnectRate, "dials per second; 0: as fast as -connecting allows")
	algorithm := flags.String("algorithm", o.Algorithm.Name, "what is mined, as for bench pool")
	roll := flags.String("roll", rollText(o), "what miners change beside nonces: `version`, time, both separated by a comma, or none")
	sources := flags.String("sources", strings.Join(o.Sources, ","), "local `addresses` to dial from, in turn; \"\": the system's choice")
	return func() (err error) {
		o.Sources = strings.FieldsFunc(*sources, func(r rune) bool { return r == ',' })
		if err = setRoll(o, *roll); err != nil {
			return misused("-roll: %w", err)
		}
		if o.Algorithm, err = lookupAlgorithm(*algorithm); err != nil {
			return misused("-algorithm: %w", err)
		}
		return nil
	}
}

func fleetCommand(ctx context.Context, args []string, t terminal) error {
	o := DefaultFleetOptions("127.0.0.1:3333")
	flags := newFlags(t, "fleet", `
Miners that configure, subscribe, authorize and really mine, as long as the
difficulty is one that a CPU can meet (see bench pool -difficulty). With -agents
they are sessions on the connections of that many agents.`)
	flags.StringVar(&o.Target, "target", o.Target, "`host:port` of the proxy or pool")
	flags.StringVar(&o.Password, "password", o.Password, "of every miner")
	flags.BoolVar(&o.Reconnect, "reconnect", o.Reconnect, "miners that lose their connection dial again")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "of everything random")
	length := flags.Duration("for", 0, "end after that long; 0: at Ctrl-C")
	apply := fleetFlags(flags, &o)
	if err := parse(flags, args); err != nil {
		return err
	}
	if err := apply(); err != nil {
		return err
	}
	f, err := NewFleet(o)
	if err != nil {
		return misuse{err}
	}
	defer f.Close()
	line := newProgress(t)
	defer line.end()
	stop := line.every(func() string { return f.status() })
	defer stop()
	if *length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *length)
		defer cancel()
	}
	if err := f.Connect(ctx); err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), verdictsWithin)
	defer cancel()
	err = f.Settle(last)
	stop()
	line.end()
	t.printf("%s\n", f.status())
	for reason, n := range f.Books().Total().Reasons {
		t.printf("  refused %d: %s\n", n, reason)
	}
	return err
}

// Names in -roll.
const (
	rollVersion = "version"
	rollTime    = "time"
	rollNone    = "none"
)

// setRoll reads -roll.
func setRoll(o *FleetOptions, text string) error {
	mask := DefaultFleetOptions("").Mask
	o.Mask, o.RollTime = 0, false
	for _, name := range strings.Split(text, ",") {
		switch name {
		case rollVersion:
			o.Mask = mask
		case rollTime:
			o.RollTime = true
		case rollNone:
		default:
			return fmt.Errorf("want version, time, version,time or none, got %q", text)
		}
	}
	return nil
}

// rollText is what setRoll would read for o.
func rollText(o *FleetOptions) string {
	var names []string
	if o.Mask != 0 {
		names = append(names, rollVersion)
	}
	if o.RollTime {
		names = append(names, rollTime)
	}
	if names == nil {
		return rollNone
	}
	return strings.Join(names, ",")
}

// verdictsWithin is how long the last shares may wait for their verdicts.
const verdictsWithin = 10 * time.Second

// status is the fleet in one line.
func (f *Fleet) status() string {
	n := f.books.Total()
	s := fmt.Sprintf("%d of %d miners at work, %d shares sent: %d accepted, %d refused, %d pending; round trip %s, 99%% %s",
		f.Ready(), f.o.Miners, n.Submits, n.Accepted, n.Refused, f.Pending(),
		short(f.books.RoundTrip(0.5)), short(f.books.RoundTrip(0.99)))
	for _, extra := range []struct {
		n    int
		what string
	}{{n.Disconnects, "disconnects"}, {n.Unanswered, "unanswered"}, {n.LeftOut, "left out"}, {n.TooHard, "too hard"}, {n.Garbage, "garbage"}} {
		if extra.n > 0 {
			s += fmt.Sprintf(", %d %s", extra.n, extra.what)
		}
	}
	return s
}

// short is d in three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}
