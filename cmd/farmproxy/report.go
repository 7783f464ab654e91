package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"

	"farmproxy/proxy"
	"farmproxy/report"
)

const reportAbout = `What the farm did on the last day that is over, or in the last week: hash rate, shares, uptime, groups, pools, and the workers with most hash rate missing. The same is sent to the channels of alerts at alerts.report_daily and alerts.report_weekly. Days begin at midnight in alerts.zone; weeks, on Monday.

  farmproxy report
  farmproxy report weekly`

func reportCommand(flags *flag.FlagSet) run {
	a := askFlags(flags)
	return func(ctx context.Context, args []string, t terminal) int {
		order := proxy.ReportArgs{Report: report.Daily}
		if len(args) > 0 {
			kind, err := report.KindOf(args[0])
			if err != nil || len(args) > 1 {
				return misused(t, "report", "unexpected %q: daily or weekly", args[len(args)-1])
			}
			order.Report = kind
		}
		return a.command(ctx, t, "report", order, nil, printReport)
	}
}

// reportKinds are the words that farmproxy report takes.
func reportKinds() []choice {
	return []choice{{string(report.Daily), "the last day that is over"}, {string(report.Weekly), "the last week, Monday to Sunday"}}
}

func printReport(w io.Writer, answer json.RawMessage) error {
	var r proxy.ReportAnswer
	if err := json.Unmarshal(answer, &r); err != nil {
		return fmt.Errorf("the answer is no report: %w", err)
	}
	_, err := fmt.Fprintf(w, "%s\n\n%s", r.Title, r.Text)
	return err
}
