package bench

import (
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"

	"farmproxy/bench/cli"
	"farmproxy/bench/pool"
	"farmproxy/bench/proof"
	"farmproxy/bench/wire"
)

// poolFlags adds the flags of a pool to a set; apply reads those that are not plain
// values.
func poolFlags(flags *flag.FlagSet, o *pool.Options) (apply func() error) {
	flags.IntVar(&o.Extranonce1Size, "extranonce1-size", o.Extranonce1Size, "`bytes` of extranonce1, 2 to 8")
	flags.IntVar(&o.Extranonce2Size, "extranonce2", o.Extranonce2Size, "`bytes` of extranonce2, 1 to 16")
	flags.Float64Var(&o.Difficulty, "difficulty", o.Difficulty, "difficulty of the first jobs; the default takes a CPU 256 hashes per share")
	flags.DurationVar(&o.JobEvery, "job-every", o.JobEvery, "interval between new jobs; 0: only on command")
	flags.IntVar(&o.CleanEvery, "clean-every", o.CleanEvery, "every `n`-th job is clean; 0: none")
	flags.IntVar(&o.Branches, "branches", o.Branches, "merkle `branches` of a job, 0 to 20")
	flags.DurationVar(&o.AnswerDelay, "answer-delay", o.AnswerDelay, "delay before each verdict, as with a distant pool")
	flags.BoolVar(&o.Resume, "resume", o.Resume, "sessions can be resumed")
	flags.BoolVar(&o.StringIDs, "string-ids", o.StringIDs, "quirk: return ids as strings")
	flags.BoolVar(&o.NotifyIDs, "notify-ids", o.NotifyIDs, "quirk: notifications carry ids")
	flags.BoolVar(&o.SuggestAsNotify, "suggest-as-notify", o.SuggestAsNotify, "quirk: suggest_difficulty is answered by set_difficulty with its id")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "seed of everything random")
	algorithm := flags.String("algorithm", o.Algorithm.Name, "algorithm: sha256d, scrypt, or x11 (pool and fleet replace it by a hash of their own)")
	mask := flags.String("mask", fmt.Sprintf("%08x", o.Mask), "version bits that may be rolled, 8 hex `digits`; 00000000 refuses version rolling")
	extranonce1 := flags.String("extranonce1", "", "the same extranonce1 for every session, in `hex`")
	refuse := flags.String("refuse-names", "", "names that match this `pattern` are not authorized")
	return func() (err error) {
		if o.Algorithm, err = proof.LookupAlgorithm(*algorithm); err != nil {
			return cli.Misused("-algorithm: %w", err)
		}
		if o.Mask, err = proof.ParseWord(*mask); err != nil {
			return cli.Misused("-mask: %w", err)
		}
		if *extranonce1 != "" {
			if o.Extranonce1, err = hex.DecodeString(*extranonce1); err != nil {
				return cli.Misused("-extranonce1: %w", err)
			}
		}
		if *refuse != "" {
			if o.RefuseNames, err = regexp.Compile(*refuse); err != nil {
				return cli.Misused("-refuse-names: %w", err)
			}
		}
		return nil
	}
}

func poolCommand(ctx context.Context, args []string, t cli.Terminal) error {
	o := pool.DefaultOptions()
	o.Listen, o.JobEvery = "127.0.0.1:4444", 30*time.Second
	flags := cli.NewFlags(t, "pool", `
A Stratum V1 pool that makes realistic jobs, verifies every share itself and
counts it. Any name may log in. The same port accepts agents, with many workers
on one connection (the protocol of BTCAgent and btcpool). Standard input accepts
the same commands as -script. Ctrl-C stops the pool and prints its counts.

`+pool.ScriptHelp)
	flags.StringVar(&o.Listen, "listen", o.Listen, "`host:port`; port 0 picks a free one")
	text := flags.String("script", "", "`faults`, see above")
	trace := flags.String("trace", "", "write everything received to this `file`: the connection's number, and the line, or the frame in hex")
	verbose := flags.Bool("v", false, "print every share")
	apply := poolFlags(flags, &o)
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	if err := apply(); err != nil {
		return err
	}
	script, err := pool.ParseScript(*text)
	if err != nil {
		return cli.Misused("%w", err)
	}
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		t.Printf("%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
	}
	o.OnJob = func(j proof.Job) { say("job %s clean=%v", j.ID, j.Clean) }
	if *verbose {
		o.OnSubmit = func(s pool.Submit) {
			verdict := "accepted"
			if s.Refused != nil {
				verdict = s.Refused.Error()
			}
			say("share of %s for job %s: %s, hash %s", s.User, s.JobID, verdict, s.Hash)
		}
	}
	if *trace != "" {
		file, err := os.Create(*trace)
		if err != nil {
			return cli.Misused("-trace: %w", err)
		}
		defer file.Close()
		o.Trace = file
	}
	p, err := pool.Start(o)
	if err != nil {
		return err
	}
	defer p.Close()
	say("pool listens on %s, difficulty %v, mask %08x, extranonce2 of %d bytes", p.Addr(), o.Difficulty, o.Mask, o.Extranonce2Size)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		if err := script.Run(ctx, p, func(s string) { say("script: %s", s) }); err != nil && ctx.Err() == nil {
			say("%v", err)
		}
	})
	go obey(ctx, p, t, say) // not waited for: a read of standard input can't be interrupted
	<-ctx.Done()
	printBooks(p, t)
	return nil
}

// obey runs the commands from standard input, one per line.
func obey(ctx context.Context, p *pool.Pool, t cli.Terminal, say func(string, ...any)) {
	wire.ReadLines(t.In, func(line string) {
		script, err := pool.ParseScript(line)
		if err == nil {
			err = script.Run(ctx, p, func(s string) { say("command: %s", s) })
		}
		if err != nil && ctx.Err() == nil {
			say("%v", err)
		}
	})
}

// printBooks prints the books at the end of bench pool.
func printBooks(p *pool.Pool, t cli.Terminal) {
	users := p.Books().Users()
	const most = 20 // most names worth a line; a fleet has thousands
	names := slices.Sorted(maps.Keys(users))
	for _, name := range names[:min(most, len(names))] {
		t.Printf("%-40s accepted %d, refused %v\n", name, users[name].Accepted, users[name].Refused)
	}
	if len(names) > most {
		t.Printf("... and %d more names\n", len(names)-most)
	}
	total := p.Books().Total()
	t.Printf("in all: accepted %d, refused %v, %d bytes received\n", total.Accepted, total.Refused, p.BytesUp())
	for _, b := range p.Agents() {
		t.Printf("agent %d, %q: %s\n", b.Link, b.User, b)
	}
}
