package scenario

import (
	"context"
	"fmt"

	"farmproxy/bench/cli"
	"farmproxy/bench/record"
)

// versus plays the steady scenario against the floor and the proxy in turn, so that a
// busy minute of the machine affects both.
func versus(ctx context.Context, o Options, t cli.Terminal, report *Report) error {
	for n := range o.Rounds {
		var round Round
		for _, side := range []struct {
			on  record.Side
			out *Outcome
		}{{record.SideFloor, &round.Floor}, {record.SideProxy, &round.Proxy}} {
			var err error
			*side.out, err = play(ctx, o, t, (*trial).steady, side.on)
			for _, b := range side.out.breaches() {
				report.Breaches = append(report.Breaches, fmt.Sprintf("round %d, %s: %s", n+1, side.on, b))
			}
			if err != nil {
				report.Rounds = append(report.Rounds, round) // for its log
				return fmt.Errorf("round %d, %s: %w", n+1, side.on, err)
			}
		}
		report.Rounds = append(report.Rounds, round)
	}
	report.Ratios = map[string]float64{}
	for _, fig := range tableRows {
		if floor, proxy := report.medians(fig); floor > 0 {
			report.Ratios[fig.key] = proxy / floor
		}
	}
	return nil
}
