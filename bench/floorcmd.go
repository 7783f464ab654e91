package bench

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"farmproxy/bench/cli"
	"farmproxy/bench/floor"
	"farmproxy/bench/proof"
	"farmproxy/bench/wait"
	"farmproxy/bench/wire"
)

func floorCommand(ctx context.Context, args []string, t cli.Terminal) error {
	flags := cli.NewFlags(t, "floor", `
A responder in the proxy's place that parses nothing and accepts every share.
Its costs are the floor that the proxy's are compared with. Miners must
configure, subscribe and authorize. Standard input accepts "job" (send a new
job) and "notify PARAMS" (send exactly that job).`)
	listen := flags.String("listen", "127.0.0.1:3333", "`host:port`")
	loops := flags.Int("loops", 0, "event loops; 0: one per CPU")
	difficulty := flags.Float64("difficulty", proof.EasyDifficulty, "difficulty that miners get")
	every := flags.Duration("job-every", 0, "interval between new jobs; 0: only on command")
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	f := floor.New()
	f.Difficulty = *difficulty
	jobs := proof.NewTemplate(rand.Uint64(), "floor", 12)
	var mu sync.Mutex // of jobs
	job := func() {
		mu.Lock()
		defer mu.Unlock()
		f.Notify(jobs.Params(true, 8, time.Now()))
	}
	job()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go wire.ReadLines(t.In, func(line string) { // not waited for: a read of standard input can't be interrupted
		if params, ok := strings.CutPrefix(line, "notify "); ok {
			f.Notify(params)
		} else if line == "job" {
			job()
		}
	})
	var ticking sync.WaitGroup
	defer ticking.Wait()
	defer cancel()
	if *every > 0 {
		ticking.Go(func() {
			for wait.For(ctx, *every) == nil {
				job()
			}
		})
	}
	return f.Run(ctx, *listen, *loops)
}
