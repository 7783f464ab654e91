package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"farmproxy/bench/figure"
)

// Result is a recorded run of budget, sweep or long: every single figure of
// every round, and where it comes from. Tables, plots and comparisons are made
// of it.
type Result struct {
	Scenario string    `json:"scenario"` // budget, sweep or long
	Started  time.Time `json:"started"`
	Commit   string    `json:"commit"` // as git describe has it
	Machine  Machine   `json:"machine"`
	Command  string    `json:"command"` // what was run
	Seconds  float64   `json:"seconds"` // that it took
	Measures []Measure `json:"measures"`
	Memory   []Memory  `json:"memory,omitempty"` // of long
	Breaches []string  `json:"breaches"`
}

// Measure is one figure under one set of conditions, of all rounds: the n-th
// of Floor, HAProxy and Proxy are of the same round.
type Measure struct {
	Key     string    `json:"key"`
	Name    string    `json:"name"`
	Unit    Unit      `json:"unit"`
	Miners  int       `json:"miners"`
	Rate    float64   `json:"rate,omitempty"`           // shares a second that were asked for; 0: none
	Ratio   float64   `json:"budget_ratio,omitempty"`   // the budget, as a multiple of the floor; 0: none
	Most    *float64  `json:"budget_most,omitempty"`    // the budget, in units; nil: none
	Passed  float64   `json:"budget_haproxy,omitempty"` // the budget, as a multiple of HAProxy; 0: none
	Floor   []float64 `json:"floor,omitempty"`
	HAProxy []float64 `json:"haproxy,omitempty"`
	Proxy   []float64 `json:"proxy"`
}

// Memory is how much there was at one moment of a long load.
type Memory struct {
	Seconds float64 `json:"seconds"` // since the load began
	Shares  int     `json:"shares"`
	RSS     int64   `json:"rss_bytes"`
}

// Unit is what a figure is in.
type Unit string

const (
	inSeconds     Unit = "seconds"
	inBytes       Unit = "bytes"
	inAllocations Unit = "allocations"
	inFractions   Unit = "fraction" // of a core, or of what there was before
	inPerSecond   Unit = "per second"
)

// format is a value with its unit, in three digits or so.
func (u Unit) format(v float64) string {
	switch u {
	case inSeconds:
		if v < 1e-3 {
			return fmt.Sprintf("%.1f µs", v*1e6)
		}
		if v < 1 {
			return fmt.Sprintf("%.1f ms", v*1e3)
		}
		return fmt.Sprintf("%.2f s", v)
	case inBytes:
		if v >= 1<<20 {
			return fmt.Sprintf("%.1f MB", v/(1<<20))
		}
		return fmt.Sprintf("%.2f kB", v/(1<<10))
	case inFractions:
		return fmt.Sprintf("%.2f %%", v*100)
	case inAllocations:
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// allocationsAreNone is below how many a share, or a notify, allocates nothing:
// what the process allocates anyhow (each second, each job, each collection) is
// spread over them.
const allocationsAreNone = 0.02

// ratio is proxy to floor, of the medians; 0 where there is no floor.
func (m *Measure) ratio() float64 {
	if floor := figure.Median(m.Floor); floor > 0 {
		return figure.Median(m.Proxy) / floor
	}
	return 0
}

// hasBudget says whether there is something to meet.
func (m *Measure) hasBudget() bool { return m.Most != nil || m.Ratio > 0 || m.Passed > 0 }

// met says whether the median is within the budget.
func (m *Measure) met() bool {
	value := figure.Median(m.Proxy)
	switch {
	case len(m.Proxy) == 0:
		return false
	case m.Most != nil && m.Unit == inAllocations && *m.Most == 0:
		return value < allocationsAreNone
	case m.Most != nil:
		return value <= *m.Most
	case m.Passed > 0:
		return value <= m.Passed*figure.Median(m.HAProxy)
	}
	return m.ratio() <= m.Ratio && m.ratio() > 0
}

// Sample is one figure of one side in one round.
type Sample struct {
	Key    string
	Miners int
	Rate   float64
	Value  float64
}

// Add enters what one side showed in one round.
func (r *Result) Add(on Side, samples []Sample) {
	for _, s := range samples {
		m := r.measure(s)
		switch on {
		case SideFloor:
			m.Floor = append(m.Floor, s.Value)
		case SideHAProxy:
			m.HAProxy = append(m.HAProxy, s.Value)
		default:
			m.Proxy = append(m.Proxy, s.Value)
		}
	}
}

// measure is where a sample belongs; a new one at the end if need be.
func (r *Result) measure(s Sample) *Measure {
	for i := range r.Measures {
		if m := &r.Measures[i]; m.Key == s.Key && m.Miners == s.Miners && m.Rate == s.Rate {
			return m
		}
	}
	q := quantities[s.Key]
	m := Measure{Key: s.Key, Name: q.name, Unit: q.unit, Miners: s.Miners, Rate: s.Rate}
	if r.Scenario != Sweep { // it goes where no budget was set
		m.Ratio, m.Passed = q.ratio, q.passed
		if q.bounded {
			m.Most = &q.most
		}
	}
	r.Measures = append(r.Measures, m)
	return &r.Measures[len(r.Measures)-1]
}

// Order sorts the measures as the table has them.
func (r *Result) Order() {
	slices.SortStableFunc(r.Measures, func(a, b Measure) int {
		return slices.Index(TableOrder, a.Key) - slices.Index(TableOrder, b.Key)
	})
}

// New is empty but for what is known before a run.
func New(scenario, commit string, args []string) *Result {
	return &Result{
		Scenario: scenario, Started: time.Now().UTC().Truncate(time.Second), Commit: commit, Machine: thisMachine(),
		Command: strings.Join(append([]string{"farmproxy bench", scenario}, args...), " "), Breaches: []string{},
	}
}

const wantRecorded = "want a file that bench budget, sweep or long has written, with -record DIRECTORY"

// Load reads what record or write has written.
func Load(file string) (*Result, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w; %s", err, wantRecorded)
	}
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: %w; %s", file, err, wantRecorded)
	}
	if len(r.Measures) == 0 {
		return nil, fmt.Errorf("%s: no measures; %s", file, wantRecorded)
	}
	return &r, nil
}

// fileName is date-commit-scenario, with a number where there were more that
// day.
func (r *Result) fileName(number int) string {
	name := strings.Join([]string{r.Started.Format(time.DateOnly), r.Commit, r.Scenario}, "-")
	if number > 1 {
		name = fmt.Sprintf("%s-%d", name, number)
	}
	return name + ".json"
}

// recordsADay bounds the search for a free name.
const recordsADay = 100

// Record writes the result into a directory, under a name of its own.
func (r *Result) Record(dir string) (file string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("-record: %w", err)
	}
	text, err := r.encode()
	if err != nil {
		return "", err
	}
	for number := 1; number <= recordsADay; number++ {
		file = filepath.Join(dir, r.fileName(number))
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("-record: %w", err)
		}
		_, err = f.Write(text)
		return file, errors.Join(err, f.Close())
	}
	return "", fmt.Errorf("-record: there are %d like %s; name another directory", recordsADay, file)
}

func (r *Result) encode() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	return append(text, '\n'), nil
}

// Scenarios that are recorded, see Result.
const (
	Budget = "budget"
	Sweep  = "sweep"
	Long   = "long"
)
