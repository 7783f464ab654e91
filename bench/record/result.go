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

// Result is a recorded run of budget, sweep or long: every figure of every round, and
// its origin. Tables, plots and comparisons are made from it.
type Result struct {
	Scenario string    `json:"scenario"` // budget, sweep or long
	Started  time.Time `json:"started"`
	Commit   string    `json:"commit"` // from git describe
	Machine  Machine   `json:"machine"`
	Command  string    `json:"command"` // what was run
	Seconds  float64   `json:"seconds"` // duration
	Measures []Measure `json:"measures"`
	Memory   []Memory  `json:"memory,omitempty"` // long only
	Breaches []string  `json:"breaches"`
}

// Measure is one figure under one set of conditions, for all rounds: the n-th values of
// Floor, HAProxy and Proxy are from the same round.
type Measure struct {
	Key     string    `json:"key"`
	Name    string    `json:"name"`
	Unit    Unit      `json:"unit"`
	Miners  int       `json:"miners"`
	Rate    float64   `json:"rate,omitempty"`           // requested shares per second; 0: none
	Ratio   float64   `json:"budget_ratio,omitempty"`   // the budget, as a multiple of the floor; 0: none
	Most    *float64  `json:"budget_most,omitempty"`    // the budget, in units; nil: none
	Passed  float64   `json:"budget_haproxy,omitempty"` // the budget, as a multiple of HAProxy; 0: none
	Floor   []float64 `json:"floor,omitempty"`
	HAProxy []float64 `json:"haproxy,omitempty"`
	Proxy   []float64 `json:"proxy"`
}

// Memory is the memory in use at one moment of a long load.
type Memory struct {
	Seconds   float64 `json:"seconds"` // since the load began
	Shares    int     `json:"shares"`
	RSS       int64   `json:"rss_bytes"`
	Anonymous int64   `json:"anonymous_bytes"` // of it, without the pages of the program: its growth is judged
}

// Unit is the unit of a figure.
type Unit string

const (
	inSeconds     Unit = "seconds"
	inBytes       Unit = "bytes"
	inAllocations Unit = "allocations"
	inFractions   Unit = "fraction" // of a core, or of an earlier value
	inPerSecond   Unit = "per second"

	inBytesPerSecond Unit = "bytes per second"
)

// format formats a value with its unit, with about three digits.
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
	case inBytesPerSecond:
		return fmt.Sprintf("%.1f kB/s", v/1000)
	case inAllocations:
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// allocationsAreNone is the number of allocations per share, or per notify, below which
// they count as none: what the process allocates anyway (each second, each job, each
// collection) is spread over them.
const allocationsAreNone = 0.02

// ratio returns proxy to floor, of the medians; 0 if there is no floor.
func (m *Measure) ratio() float64 {
	if floor := figure.Median(m.Floor); floor > 0 {
		return figure.Median(m.Proxy) / floor
	}
	return 0
}

// hasBudget reports whether there is a budget to meet.
func (m *Measure) hasBudget() bool { return m.Most != nil || m.Ratio > 0 || m.Passed > 0 }

// met reports whether the median is within the budget.
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

// Add enters one side's figures of one round.
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

// measure returns the measure of a sample; a new one, at the end, if needed.
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

// Order sorts the measures as in the table.
func (r *Result) Order() {
	slices.SortStableFunc(r.Measures, func(a, b Measure) int {
		return slices.Index(TableOrder, a.Key) - slices.Index(TableOrder, b.Key)
	})
}

// New returns a result with only what is known before a run.
func New(scenario, commit string, args []string) *Result {
	return &Result{
		Scenario: scenario, Started: time.Now().UTC().Truncate(time.Second), Commit: commit, Machine: thisMachine(),
		Command: strings.Join(append([]string{"farmproxy bench", scenario}, args...), " "), Breaches: []string{},
	}
}

const wantRecorded = "want a file that bench budget, sweep or long has written, with -record DIRECTORY"

// Load reads what Record has written.
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

// fileName is date-commit-scenario, plus a number if there were more on that day.
func (r *Result) fileName(number int) string {
	name := strings.Join([]string{r.Started.Format(time.DateOnly), r.Commit, r.Scenario}, "-")
	if number > 1 {
		name = fmt.Sprintf("%s-%d", name, number)
	}
	return name + ".json"
}

// recordsADay bounds the search for a free name.
const recordsADay = 100

// Record writes the result into a directory, under a unique name.
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

// Recorded scenarios, see Result.
const (
	Budget = "budget"
	Sweep  = "sweep"
	Long   = "long"
)
