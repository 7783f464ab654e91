package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"farmproxy/bench/cli"
	"farmproxy/bench/figure"
	"farmproxy/bench/fleet"
	"farmproxy/bench/judge"
	"farmproxy/bench/record"
)

// Report is what bench run writes with -json. Times are in seconds, sizes in bytes.
type Report struct {
	Scenario string             `json:"scenario"`
	Started  time.Time          `json:"started"`
	Seed     uint64             `json:"seed"`
	Rate     float64            `json:"rate"`
	Jobs     int                `json:"jobs"`
	Proxy    *Outcome           `json:"proxy,omitempty"`
	Rounds   []Round            `json:"rounds,omitempty"` // scenario floor
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
	Figures Figures           `json:"figures"`
	Fleet   fleet.Total       `json:"fleet"`
	Books   *judge.Reconciled `json:"books,omitempty"`
	Broken  []string          `json:"broken,omitempty"`
	Log     string            `json:"log,omitempty"` // of the child, if something failed

	Agents []AgentsAt `json:"agents,omitempty"` // of a run with -agent

	Crews []CrewFigures `json:"accounts,omitempty"` // of scenario accounts

	Splits []SplitPart `json:"splits,omitempty"` // of scenario split

	Ordeals []judge.Ordeal `json:"stages,omitempty"` // of scenario hostile

	samples []record.Sample // of budget and sweep
	memory  []record.Memory // of long

	Notes    []string `json:"notes,omitempty"` // stages of scenario upgrade that were left out
	cuts     []cut    // of scenario upgrade, when its proxy is killed
	suffered trouble  // what the fleet suffered by that
}

// tableRow is one row of the table.
type tableRow struct {
	key, name string
	value     func(Figures) float64
	unit      func(float64) string
}

var tableRows = []tableRow{
	{"connect", "connect, all miners", func(f Figures) float64 { return f.ConnectSeconds }, figure.Seconds},
	{"notify_median", "job, emission to the last miner, median", func(f Figures) float64 { return f.NotifyMedian }, figure.Seconds},
	{"notify_max", "job, emission to the last miner, worst", func(f Figures) float64 { return f.NotifyMax }, figure.Seconds},
	{"submit_p50", "share, round trip, median", func(f Figures) float64 { return f.RoundTripP50 }, figure.Seconds},
	{"submit_p99", "share, round trip, 99 %", func(f Figures) float64 { return f.RoundTripP99 }, figure.Seconds},
	{"cpu_per_share", "processor time a share", func(f Figures) float64 { return f.CPUPerShare }, figure.Seconds},
	{"cpu_per_notify", "processor time a notify", func(f Figures) float64 { return f.CPUPerNotify }, figure.Seconds},
	{"cpu_idle", "processor time a second, idle", func(f Figures) float64 { return f.CPUIdle }, figure.Seconds},
	{"rss_connected", "memory, all connected", func(f Figures) float64 { return float64(f.RSSConnected) }, figure.Megabytes},
	{"rss_end", "memory, at the end", func(f Figures) float64 { return float64(f.RSSEnd) }, figure.Megabytes},
	{"bytes_up_per_share", "bytes up a share", func(f Figures) float64 { return f.BytesUpPerShare }, figure.Plain},
	{"kbit_up", "kbit/s up", func(f Figures) float64 { return f.KbitUp }, figure.Plain},
	{"failover", "failover, pool gone to the last miner", func(f Figures) float64 { return f.FailoverSeconds }, figure.Seconds},
	{"return", "return, pool back to the last miner", func(f Figures) float64 { return f.ReturnSeconds }, figure.Seconds},
	{"gone", "account deleted to its last miner closed", func(f Figures) float64 { return f.GoneSeconds }, figure.Seconds},
	{"reloads", "reloads", func(f Figures) float64 { return float64(f.Reloads) }, figure.Grouped},
	{"reload", "reload, longest", func(f Figures) float64 { return f.ReloadSeconds }, figure.Seconds},
	{"reload_silence", "reload, longest wait for an answer", func(f Figures) float64 { return f.ReloadSilence }, figure.Seconds},
	{"upgrade_prepared", "upgrade, until the new process is ready", func(f Figures) float64 { return f.PreparedSeconds }, figure.Seconds},
	{"upgrade_frozen", "upgrade, nothing is read or written", func(f Figures) float64 { return f.FrozenSeconds }, figure.Seconds},
	{"upgrade_silence", "upgrade, longest wait for an answer", func(f Figures) float64 { return f.SilenceSeconds }, figure.Seconds},
	{"moves", "moves by hand", func(f Figures) float64 { return float64(f.MovesByHand) }, figure.Grouped},
	{"moves_per_second", "  a second, each a request", func(f Figures) float64 { return f.MovesPerSecond }, figure.Plain},
	{"cpu_per_move", "  processor time a move, with its request", func(f Figures) float64 { return f.CPUPerMove }, figure.Seconds},
	{"refused_by_moves", "  shares refused meanwhile", func(f Figures) float64 { return float64(f.RefusedByMoves) }, figure.Grouped},
	{"restart", "killed and restarted, to the last miner at work", func(f Figures) float64 { return f.RestartSeconds }, figure.Seconds},
}

func (r *Report) print(t cli.Terminal) {
	t.Printf("\n")
	switch {
	case len(r.Rounds) > 0:
		r.printRatios(t)
	case r.Proxy != nil && r.Proxy.Ordeals != nil:
		r.Proxy.printOrdeals(t)
	case r.Proxy != nil:
		r.Proxy.print(t)
	}
	if len(r.Breaches) == 0 {
		t.Printf("\nno breach\n")
		return
	}
	t.Printf("\nBREACHES\n")
	for _, b := range r.Breaches {
		t.Printf("  - %s\n", b)
	}
	for _, log := range r.logs() {
		t.Printf("the child's log: %s\n", log)
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

// print prints the table of one run.
func (out *Outcome) print(t cli.Terminal) {
	w := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(w, "%s\t%s\n", name, value) }
	f := out.Figures
	row("miners", fmt.Sprint(f.Miners))
	for _, fig := range tableRows {
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
		row("share, from the miner to the pool, median", figure.Seconds(b.UpP50))
		row("verdict, from the pool to the miner, median", figure.Seconds(b.DownP50))
	}
	row("shares sent", fmt.Sprint(out.Fleet.Submits))
	row("  accepted, as the miners were told", fmt.Sprint(out.Fleet.Accepted))
	if b := out.Books; b != nil {
		row("  accepted, on the pools' books", fmt.Sprint(b.PoolAccepted))
		row("  accepted, below the pool's difficulty", fmt.Sprint(b.Local))
		row("  refused, as the miners were told", figure.Counts(b.Refused))
		row("  refused, on the pools' books", figure.Counts(b.PoolRefused))
		row("  refused, excused", figure.Counts(b.Excused))
	}
	out.printAgents(row)
	f.Page.print(row)
	row("disconnects", fmt.Sprint(out.Fleet.Disconnects))
	if out.Fleet.LeftOut+out.Fleet.TooHard > 0 {
		row("shares not sent, too slow a machine / too hard", fmt.Sprintf("%d / %d", out.Fleet.LeftOut, out.Fleet.TooHard))
	}
	w.Flush()
	for _, note := range out.Notes {
		t.Printf("%s\n", note)
	}
	if len(out.Splits) > 0 {
		t.Printf("\n")
		out.printSplits(func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) })
		w.Flush()
	}
	if len(out.Crews) > 0 {
		t.Printf("\n")
		out.printCrews(func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) })
		w.Flush()
	}
}

// printRatios prints the table of scenario floor.
func (r *Report) printRatios(t cli.Terminal) {
	w := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "median of %d rounds\tfloor\tproxy\tratio\n", len(r.Rounds))
	for _, fig := range tableRows {
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

func (r *Report) medians(fig tableRow) (floor, proxy float64) {
	var floors, proxies []float64
	for _, round := range r.Rounds {
		floors = append(floors, fig.value(round.Floor.Figures))
		proxies = append(proxies, fig.value(round.Proxy.Figures))
	}
	return figure.Median(floors), figure.Median(proxies)
}

// write writes the report into a file as JSON.
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

// printOrdeals prints the tables of the stages.
func (out *Outcome) printOrdeals(t cli.Terminal) {
	w := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
	for i := range out.Ordeals {
		d := &out.Ordeals[i]
		fmt.Fprintf(w, "\nstage %s, %d honest miners\t\t\t\n", d.Stage, d.Miners)
		for _, p := range d.Verdict() {
			kept := "ok"
			if !p.Kept {
				kept = "BROKEN"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", p.Text, p.Figure, p.Want, kept)
		}
		w.Flush()
		fmt.Fprintf(w, "  attack\tconnections\tclosed\tsent\taccepted\trefused\n")
		for _, r := range d.Raids {
			fmt.Fprintf(w, "  %s\t%d\t%d\t%d\t%d\t%d\n", r.Name, r.Connects, r.Cut, r.Sent, r.Accepted, r.Refused)
		}
		w.Flush()
		if len(d.Broken()) == 0 {
			continue
		}
		for _, r := range d.Raids {
			t.Printf("  %s: %s\n", r.Name, figure.Counts(r.Ends))
		}
		t.Printf("  all connections, closed by the proxy: %s\n", figure.Counts(d.Reasons))
		for _, trouble := range d.Troubles {
			t.Printf("  ! %s\n", trouble)
		}
	}
}

// Figures are what a trial measured. Those not measured are zero.
type Figures struct {
	Miners           int       `json:"miners"`
	ConnectSeconds   float64   `json:"connect_seconds"`
	NotifySeconds    []float64 `json:"notify_seconds"` // from the emission of each job to the last miner
	NotifyMedian     float64   `json:"notify_median_seconds"`
	NotifyMax        float64   `json:"notify_max_seconds"`
	RoundTripP50     float64   `json:"submit_p50_seconds"`
	RoundTripP99     float64   `json:"submit_p99_seconds"`
	SharesPerSecond  float64   `json:"shares_per_second"` // answered, while the load was measured
	CPUPerShare      float64   `json:"cpu_seconds_per_share"`
	CPUPerNotify     float64   `json:"cpu_seconds_per_notify"` // per miner that gets one
	CPUIdle          float64   `json:"cpu_idle_seconds_per_second,omitempty"`
	RSSConnected     int64     `json:"rss_connected_bytes"`
	RSSEnd           int64     `json:"rss_end_bytes"`
	BytesUpPerShare  float64   `json:"bytes_up_per_share"` // proxy to pool, over the load
	KbitUp           float64   `json:"kbit_up_per_second"` // the same traffic
	CPUTicksShares   int64     `json:"cpu_ticks_shares"`   // clock ticks that CPUPerShare is based on
	CPUTicksNotifies int64     `json:"cpu_ticks_notifies"`
	FailoverSeconds  float64   `json:"failover_seconds,omitempty"`     // pool gone to the last miner on the next one's job
	ReturnSeconds    float64   `json:"return_seconds,omitempty"`       // pool back to the last miner on its job
	GoneSeconds      float64   `json:"gone_seconds,omitempty"`         // account deleted to its last miner closed
	MovesByHand      int       `json:"moves_by_hand,omitempty"`        // of miners between goals, over the API
	MovesPerSecond   float64   `json:"moves_per_second,omitempty"`     // of those
	CPUPerMove       float64   `json:"cpu_seconds_per_move,omitempty"` // with its request
	RefusedByMoves   int       `json:"refused_by_moves,omitempty"`     // shares that were refused meanwhile
	Reloads          int       `json:"reloads,omitempty"`
	ReloadSeconds    float64   `json:"reload_seconds,omitempty"`           // the longest, from the command to its end
	ReloadSilence    float64   `json:"reload_silence_seconds,omitempty"`   // a miner waited for an answer
	PreparedSeconds  float64   `json:"upgrade_prepared_seconds,omitempty"` // the longest of all upgrades, as the next two
	FrozenSeconds    float64   `json:"upgrade_frozen_seconds,omitempty"`   // nothing was read or written
	SilenceSeconds   float64   `json:"upgrade_silence_seconds,omitempty"`  // a miner waited for an answer
	RestartSeconds   float64   `json:"restart_seconds,omitempty"`          // proxy killed to the last miner at work again
	Page             *PageCost `json:"page,omitempty"`                     // of scenario page
}
