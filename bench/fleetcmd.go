package bench

import (
	"context"
	"errors"
	"flag"
	"strings"
	"time"

	"farmproxy/bench/cli"
	"farmproxy/bench/fleet"
	"farmproxy/bench/proof"
)

// fleetFlags adds the flags of a fleet to a set; apply reads those that are not plain
// values.
func fleetFlags(flags *flag.FlagSet, o *fleet.Options) (apply func() error) {
	flags.IntVar(&o.Miners, "miners", o.Miners, "number of miners")
	flags.Float64Var(&o.Rate, "rate", o.Rate, "shares per second of the whole fleet")
	flags.IntVar(&o.Behind, "agents", o.Behind, "number of agent `connections` that carry the miners; 0: each miner has its own")
	flags.StringVar(&o.Account, "account", o.Account, "worker names are `account`.rigNNNNN")
	flags.IntVar(&o.Connecting, "connecting", o.Connecting, "concurrent dials")
	flags.Float64Var(&o.ConnectRate, "connect-rate", o.ConnectRate, "dials per second; 0: as fast as -connecting allows")
	algorithm := flags.String("algorithm", o.Algorithm.Name, "algorithm, as for bench pool")
	roll := flags.String("roll", fleet.RollText(o), "what miners change besides nonces: `version`, time, both separated by a comma, or none")
	sources := flags.String("sources", strings.Join(o.Sources, ","), "local `addresses` to dial from, in turn; \"\": the system chooses")
	return func() (err error) {
		o.Sources = strings.FieldsFunc(*sources, func(r rune) bool { return r == ',' })
		if err = fleet.SetRoll(o, *roll); err != nil {
			return cli.Misused("-roll: %w", err)
		}
		if o.Algorithm, err = proof.LookupAlgorithm(*algorithm); err != nil {
			return cli.Misused("-algorithm: %w", err)
		}
		return nil
	}
}

func fleetCommand(ctx context.Context, args []string, t cli.Terminal) error {
	o := fleet.DefaultOptions("127.0.0.1:3333")
	flags := cli.NewFlags(t, "fleet", `
Miners that configure, subscribe, authorize and really mine, provided that a CPU
can meet the difficulty (see bench pool -difficulty). With -agents they are
sessions on the connections of that many agents.`)
	flags.StringVar(&o.Target, "target", o.Target, "`host:port` of the proxy or pool")
	flags.StringVar(&o.Password, "password", o.Password, "password of every miner")
	flags.BoolVar(&o.Reconnect, "reconnect", o.Reconnect, "miners that lose their connection reconnect")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "seed of everything random")
	length := flags.Duration("for", 0, "stop after this long; 0: at Ctrl-C")
	apply := fleetFlags(flags, &o)
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	if err := apply(); err != nil {
		return err
	}
	f, err := fleet.New(o)
	if err != nil {
		return cli.Misused("%w", err)
	}
	defer f.Close()
	line := cli.NewProgress(t)
	defer line.End()
	stop := line.Every(func() string { return f.Status() })
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
	line.End()
	t.Printf("%s\n", f.Status())
	for reason, n := range f.Books().Total().Reasons {
		t.Printf("  refused %d: %s\n", n, reason)
	}
	return err
}

// verdictsWithin is how long the last shares may wait for their verdicts.
const verdictsWithin = 10 * time.Second
