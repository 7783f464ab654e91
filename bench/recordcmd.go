package bench

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"farmproxy/bench/cli"
	"farmproxy/bench/record"
)

func gobenchCommand(_ context.Context, args []string, t cli.Terminal) error {
	flags := cli.NewFlags(t, "gobench", `
Prints recorded runs (FILE ..., see bench budget -record) in the format of Go's
benchmarks, one line per round. benchstat compares two such outputs.`)
	results, err := parseResults(flags, args)
	if err != nil {
		return err
	}
	for _, r := range results {
		t.Printf("%s", r.GoBench())
	}
	return nil
}

func plotCommand(_ context.Context, args []string, t cli.Terminal) error {
	flags := cli.NewFlags(t, "plot", `
Draws recordings of bench sweep (FILE ...) as an SVG: the costs of the floor and
the proxy against the number of miners and against shares per second. The rounds
of several files are combined.`)
	out := flags.String("o", "", "the `file` to write; \"\": standard output")
	results, err := parseResults(flags, args)
	if err != nil {
		return err
	}
	picture, shown := record.Plot(results)
	if len(shown) == 0 {
		return fmt.Errorf("%s: nothing was measured at two points: want what bench sweep recorded", flags.Arg(0))
	}
	if *out == "" {
		t.Printf("%s", picture)
		return nil
	}
	if err := os.WriteFile(*out, []byte(picture), 0o644); err != nil {
		return fmt.Errorf("-o: %w; name a file that can be written", err)
	}
	t.Printf("wrote %s: %s\n", *out, strings.Join(shown, "; "))
	return nil
}

func tableCommand(_ context.Context, args []string, t cli.Terminal) error {
	flags := cli.NewFlags(t, "table", `
Prints recorded runs (FILE ..., see bench budget -record) as Markdown.`)
	results, err := parseResults(flags, args)
	if err != nil {
		return err
	}
	for i, r := range results {
		if i > 0 {
			t.Printf("\n")
		}
		t.Printf("%s", r.Markdown())
	}
	return nil
}

// parseResults parses flags and then files that budget, sweep or long recorded.
func parseResults(flags *flag.FlagSet, args []string) (results []*record.Result, err error) {
	if err := cli.ParseFlags(flags, args); err != nil {
		return nil, err
	}
	if flags.NArg() == 0 {
		return nil, cli.Misused("want a recorded run, such as bench/results/DATE-COMMIT-budget.json")
	}
	for _, file := range flags.Args() {
		r, err := record.Load(file)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}
