package bench

import (
	"context"

	"farmproxy/bench/cli"
	"farmproxy/bench/heir"
)

func heirCommand(_ context.Context, args []string, t cli.Terminal) error {
	flags := cli.NewFlags(t, "heir", `
Stands in for the new process of farmproxy upgrade, and fails. Scenario upgrade
puts it in the program's place, to see that the running farmproxy goes on.`)
	fault := flags.String("fault", string(heir.Crash), "when and how: crash, format, refuse, early, frozen, complete, mute or asleep")
	if err := cli.Parse(flags, args); err != nil {
		return err
	}
	f, err := heir.Parse(*fault)
	if err != nil {
		return cli.Misused("-fault: %w", err)
	}
	return heir.Fail(f)
}
