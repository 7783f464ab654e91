package bench

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what bench run writes with -json. Times are in seconds, sizes in
// bytes.
type Report struct {
	Scenario string             `json:"scenario"`
	Started  time.Time          `json:"started"`
	Seed     uint64             `json:"seed"`
	Rate     float64            `json:"rate"`
	Jobs     int                `json:"jobs"`
	Proxy    *Outcome           `json:"proxy,omitempty"`
	Rounds   []Round            `json:"rounds,omitempty"` // of scenario floor
	Ratios   map[string]float64 `json:"ratios,omitempty"` // proxy to floor, of the medians
	Breaches []string           `json:"breaches"`
}

// Round is one turn of scenario floor.
type Round struct {
	Floor Outcome `json:"floor"`
	Proxy Outcome `json:"proxy"`
}

// Outcome is one fleet against one child.
type Outcome struct {
	Figures Figures     `json:"figures"`
	Fleet   FleetTotal  `json:"fleet"`
	Books   *Reconciled `json:"books,omitempty"`
	Broken  []string    `json:"broken,omitempty"`
	Log     string      `json:"log,omitempty"` // of the child, when something failed

	Agents []AgentsAt `json:"agents,omitempty"` // of a run with -agent

	Crews []CrewFigures `json:"accounts,omitempty"` // of scenario accounts

	Ordeals []Ordeal `json:"stages,omitempty"` // of scenario hostile

	samples []sample // of budget and sweep
	memory  []Memory // of long
}

// figure is one row of the table.
type figure struct {
	key, name string
	value     func(Figures) float64
	unit      func(float64) string
}

var figures = []figure{
	{"connect", "connect, all miners", func(f Figures) float64 { return f.ConnectSeconds }, seconds},
	{"notify_median", "job, emission to the last miner, median", func(f Figures) float64 { return f.NotifyMedian }, seconds},
	{"notify_max", "job, emission to the last miner, worst", func(f Figures) float64 { return f.NotifyMax }, seconds},
	{"submit_p50", "share, round trip, median", func(f Figures) float64 { return f.RoundTripP50 }, seconds},
	{"submit_p99", "share, round trip, 99 %", func(f Figures) float64 { return f.RoundTripP99 }, seconds},
	{"cpu_per_share", "processor time a share", func(f Figures) float64 { return f.CPUPerShare }, seconds},
	{"cpu_per_notify", "processor time a notify", func(f Figures) float64 { return f.CPUPerNotify }, seconds},
	{"cpu_idle", "processor time a second, idle", func(f Figures) float64 { return f.CPUIdle }, seconds},
	{"rss_connected", "memory, all connected", func(f Figures) float64 { return float64(f.RSSConnected) }, megabytes},
	{"rss_end", "memory, at the end", func(f Figures) float64 { return float64(f.RSSEnd) }, megabytes},
	{"bytes_up_per_share", "bytes up a share", func(f Figures) float64 { return f.BytesUpPerShare }, plain},
	{"kbit_up", "kbit/s up", func(f Figures) float64 { return f.KbitUp }, plain},
	{"failover", "failover, pool gone to the last miner", func(f Figures) float64 { return f.FailoverSeconds }, seconds},
	{"return", "return, pool back to the last miner", func(f Figures) float64 { return f.ReturnSeconds }, seconds},
	{"gone", "account deleted to its last miner closed", func(f Figures) float64 { return f.GoneSeconds }, seconds},
	{"restart", "killed and restarted, to the last miner at work", func(f Figures) float64 { return f.RestartSeconds }, seconds},
}

func seconds(v float64) string   { return short(time.Duration(v * float64(time.Second))) }
func megabytes(v float64) string { return fmt.Sprintf("%.1f MB", v/(1<<20)) }
func plain(v float64) string     { return fmt.Sprintf("%.1f", v) }

func (r *Report) print(t terminal) {
	t.printf("\n")
	switch {
	case len(r.Rounds) > 0:
		r.printRatios(t)
	case r.Proxy != nil && r.Proxy.Ordeals != nil:
		r.Proxy.printOrdeals(t)
	case r.Proxy != nil:
		r.Proxy.print(t)
	}
	if len(r.Breaches) == 0 {
		t.printf("\nno breach\n")
		return
	}
	t.printf("\nBREACHES\n")
	for _, b := range r.Breaches {
		t.printf("  - %s\n", b)
	}
	for _, log := range r.logs() {
		t.printf("the child's log: %s\n", log)
	}
}

func (r *Report) logs() (logs []string) {
	outcomes := []*Outcome{r.Proxy}
	for i := range r.Rounds {
		outcomes = append(outcomes, &r.Rounds[i].Floor, &r.Rounds[i].Proxy)
	}
	for _, o := range outcomes {
		if o == nil {
			continue
		}
		if o.Log != "" {
			logs = append(logs, o.Log)
		}
		for _, d := range o.Ordeals {
			if d.Log != "" {
				logs = append(logs, d.Log)
			}
		}
	}
	return logs
}

// print is the table of one run.
func (out *Outcome) print(t terminal) {
	w := tabwriter.NewWriter(t.out, 0, 8, 2, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(w, "%s\t%s\n", name, value) }
	f := out.Figures
	row("miners", fmt.Sprint(f.Miners))
	for _, fig := range figures {
		v := fig.value(f)
		if v == 0 {
			continue
		}
		text := fig.unit(v)
		switch fig.key {
		case "cpu_per_share":
			text += fmt.Sprintf("  (%d clock ticks, %.0f shares/s)", f.CPUTicksShares, f.SharesPerSecond)
		case "cpu_per_notify":
			text += fmt.Sprintf("  (%d clock ticks)", f.CPUTicksNotifies)
		}
		row(fig.name, text)
	}
	if b := out.Books; b != nil {
		row("share, from the miner to the pool, median", seconds(b.UpP50))
		row("verdict, from the pool to the miner, median", seconds(b.DownP50))
	}
	row("shares sent", fmt.Sprint(out.Fleet.Submits))
	row("  accepted, as the miners were told", fmt.Sprint(out.Fleet.Accepted))
	if b := out.Books; b != nil {
		row("  accepted, on the pools' books", fmt.Sprint(b.PoolAccepted))
		row("  accepted, below the pool's difficulty", fmt.Sprint(b.Local))
		row("  refused, as the miners were told", counts(b.Refused))
		row("  refused, on the pools' books", counts(b.PoolRefused))
		row("  refused, excused", counts(b.Excused))
	}
	out.printAgents(row)
	row("disconnects", fmt.Sprint(out.Fleet.Disconnects))
	if out.Fleet.LeftOut+out.Fleet.TooHard > 0 {
		row("shares not sent, too slow a machine / too hard", fmt.Sprintf("%d / %d", out.Fleet.LeftOut, out.Fleet.TooHard))
	}
	w.Flush()
	if len(out.Crews) > 0 {
		t.printf("\n")
		out.printCrews(func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) })
		w.Flush()
	}
}

// counts is "3 x a, 1 x b", or "none".
func counts(m map[string]int) string {
	var parts []string
	for _, k := range sortedKeys(m) {
		parts = append(parts, fmt.Sprintf("%d x %s", m[k], k))
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// printRatios is the table of scenario floor.
func (r *Report) printRatios(t terminal) {
	w := tabwriter.NewWriter(t.out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "median of %d rounds\tfloor\tproxy\tratio\n", len(r.Rounds))
	for _, fig := range figures {
		floor, proxy := r.medians(fig)
		if floor == 0 && proxy == 0 {
			continue
		}
		ratio := "-"
		if floor > 0 {
			ratio = fmt.Sprintf("%.2f", proxy/floor)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", fig.name, fig.unit(floor), fig.unit(proxy), ratio)
	}
	w.Flush()
}

func (r *Report) medians(fig figure) (floor, proxy float64) {
	var floors, proxies []float64
	for _, round := range r.Rounds {
		floors = append(floors, fig.value(round.Floor.Figures))
		proxies = append(proxies, fig.value(round.Proxy.Figures))
	}
	return median(floors), median(proxies)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// write puts the report into a file as JSON.
func (r *Report) write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("-json: %w", err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("-json: %w; name a file that can be written", err)
	}
	return nil
}
