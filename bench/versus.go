package bench

import (
	"context"
	"fmt"
)

// versus plays the steady scenario against the floor and the proxy in turn, so that
// a busy minute of the machine meets both.
func versus(ctx context.Context, o runOptions, t terminal, report *Report) error {
	for n := range o.rounds {
		var round Round
		for _, side := range []struct {
			on  side
			out *Outcome
		}{{sideFloor, &round.Floor}, {sideProxy, &round.Proxy}} {
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
	for _, fig := range figures {
		if floor, proxy := report.medians(fig); floor > 0 {
			report.Ratios[fig.key] = proxy / floor
		}
	}
	return nil
}
