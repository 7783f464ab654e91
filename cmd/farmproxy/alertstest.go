package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"

	"farmproxy/api"
	"farmproxy/plain"
)

const alertsTestAbout = `Each [[alerts.channel]] of the configuration, or the one that is named, is sent a test message, past those that wait for it: farmproxy says whether its server has taken it, and if not why. With -report, the last daily or weekly report is sent instead. The exit code is 1 if any channel failed.

  farmproxy alerts test
  farmproxy alerts test phone
  farmproxy alerts test ops -report daily`

func alertsTestCommand(flags *flag.FlagSet) run {
	a := askFlags(flags)
	kind := flags.String("report", "", "send the last report instead: `daily` or weekly")
	return func(ctx context.Context, args []string, t terminal) int {
		order := api.TestOrder{Report: *kind}
		switch len(args) {
		case 0:
		case 1:
			order.Channel = args[0]
		default:
			return misused(t, "alerts test", "unexpected %q: name one channel, or none for all", args[1])
		}
		failed := false
		code := a.command(ctx, t, "alerts test", order, nil, func(w io.Writer, answer json.RawMessage) (err error) {
			failed, err = printTests(w, t.columns, answer)
			return err
		})
		if failed {
			return exitFailed
		}
		return code
	}
}

// printTests prints what became of a test for people, and reports whether a channel failed.
func printTests(w io.Writer, width int, answer json.RawMessage) (failed bool, err error) {
	var a api.Tests
	if err := json.Unmarshal(answer, &a); err != nil {
		return false, fmt.Errorf("the answer is no test's: %w", err)
	}
	t := table{columns: []column{{title: "CHANNEL", least: 12}, {title: "KIND"}, {title: "RESULT"}, {title: "TOOK", right: true}}}
	for _, r := range a.Results {
		result := "sent"
		if !r.Sent {
			result, failed = "not sent", true
		}
		t.add(printable(r.Channel), r.Kind, result, plain.Seconds(r.Seconds))
	}
	if err := t.print(w, width); err != nil {
		return failed, err
	}
	for _, r := range a.Results {
		if !r.Sent {
			if _, err := fmt.Fprintf(w, "%s: %s\n", printable(r.Channel), printable(r.Error)); err != nil {
				return failed, err
			}
		}
	}
	return failed, nil
}
