package stats

import (
	"bufio"
	"io"
	"math"
	"runtime"
	"strconv"
	"sync"
	"unicode/utf8"
)

// exposition writes the Prometheus text format: families with HELP and TYPE,
// and their series.
//
// VictoriaMetrics/metrics writes no text after HELP, and needs each series' name with
// its labels as a string: for 70,000 series of workers that was 70,000 allocations per
// scrape. This one uses one buffer of fixed size.
//
// It is reused, together with its lists of what a scrape visits: a farm of 10,000
// would otherwise allocate 600 kB of them each time.
type exposition struct {
	w      *bufio.Writer
	out    yielding
	family string
	digits [32]byte  // scratch for one number
	labels [8]string // scratch for those of a worker

	workers []*Worker
	totals  []*total
	groups  map[string]inGroup
	tell    []*Miner
	fresh   fresh
}

// expositionBuffer is how many bytes are collected before a write: enough for gzip to
// work on, and negligible beside 10,000 miners.
const expositionBuffer = 32 << 10

var expositions = sync.Pool{New: func() any {
	e := new(exposition)
	e.w = bufio.NewWriterSize(&e.out, expositionBuffer)
	return e
}}

// newExposition returns an exposition that writes to w until finish.
func newExposition(w io.Writer) *exposition {
	e := expositions.Get().(*exposition)
	e.out.Writer = w
	e.w.Reset(&e.out)
	return e
}

// finish writes what is left, and releases e for the next scrape.
func (e *exposition) finish() error {
	err := e.w.Flush()
	e.out.Writer = nil // it must not keep dropped books alive either
	clear(e.workers[:cap(e.workers)])
	clear(e.totals[:cap(e.totals)])
	clear(e.tell[:cap(e.tell)])
	clear(e.groups)
	clear(e.fresh)
	clear(e.labels[:])
	expositions.Put(e)
	return err
}

// yielding lets other goroutines run before each write: a scrape is a hundred
// milliseconds of work, and Go's scheduler would let an event loop that wakes up wait
// for ten of them.
type yielding struct{ io.Writer }

func (y yielding) Write(b []byte) (int, error) {
	runtime.Gosched()
	return y.Writer.Write(b)
}

type kind string

const (
	counter       kind = "counter"
	gauge         kind = "gauge"
	histogramKind kind = "histogram"
)

// begin starts a family: all its series must follow. help is one line.
func (e *exposition) begin(family string, k kind, help string) {
	e.family = family
	for _, s := range [...]string{"# HELP ", family, " ", help, "\n# TYPE ", family, " ", string(k), "\n"} {
		e.w.WriteString(s)
	}
}

// count writes a series of the family; labels are name, value, ...
func (e *exposition) count(v uint64, labels ...string) {
	e.series("", labels)
	e.whole(v)
}

// whole writes the value of a series.
func (e *exposition) whole(v uint64) {
	e.w.Write(strconv.AppendUint(e.digits[:0], v, 10))
	e.w.WriteByte('\n')
}

// worker writes the name and labels of a worker's series, up to the value.
func (e *exposition) worker(name string, m *mining, more ...string) {
	labels := append(e.labels[:0], "worker", name)
	if listener := m.key[byListener]; listener != "" {
		labels = append(labels, "listener", listener)
	}
	if group := m.group(); group != "" {
		labels = append(labels, "group", group)
	}
	e.series("", append(labels, more...))
}

// value writes a series of the family, as count does.
func (e *exposition) value(v float64, labels ...string) {
	e.series("", labels)
	e.number(v)
}

// number writes whole numbers in full: 1700000000 is more precise than 1.7e+09.
func (e *exposition) number(v float64) {
	b := e.digits[:0]
	if math.Abs(v) < 1<<53 && v == math.Trunc(v) {
		b = strconv.AppendInt(b, int64(v), 10)
	} else {
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	e.w.Write(b)
	e.w.WriteByte('\n')
}

// truth writes 1 for true.
func (e *exposition) truth(v bool, labels ...string) {
	n := uint64(0)
	if v {
		n = 1
	}
	e.count(n, labels...)
}

// histogram writes all series of a histogram of seconds with one label.
func (e *exposition) histogram(l *Latency, label, value string) {
	var below uint64
	for i, bound := range latencyBounds {
		below += l.counts[i]
		le := strconv.FormatFloat(float64(bound)/1000, 'g', -1, 64)
		e.series("_bucket", []string{label, value, "le", le})
		e.w.WriteString(strconv.FormatUint(below, 10) + "\n")
	}
	e.series("_bucket", []string{label, value, "le", "+Inf"})
	e.w.WriteString(strconv.FormatUint(l.count, 10) + "\n")
	e.series("_sum", []string{label, value})
	e.number(l.sum.Seconds())
	e.series("_count", []string{label, value})
	e.w.WriteString(strconv.FormatUint(l.count, 10) + "\n")
}

// series writes the name and labels, up to the value.
func (e *exposition) series(suffix string, labels []string) {
	e.w.WriteString(e.family)
	e.w.WriteString(suffix)
	for i := 0; i < len(labels); i += 2 {
		if i == 0 {
			e.w.WriteByte('{')
		} else {
			e.w.WriteByte(',')
		}
		e.w.WriteString(labels[i])
		e.w.WriteString(`="`)
		e.escaped(labels[i+1])
		e.w.WriteByte('"')
	}
	if len(labels) > 0 {
		e.w.WriteByte('}')
	}
	e.w.WriteByte(' ')
}

// escaped writes a label's value. Bytes that are not UTF-8 are replaced: they would
// make the reader reject the whole scrape.
func (e *exposition) escaped(s string) {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf && s[i] != '\\' && s[i] != '"' && s[i] != '\n' {
		i++ // nearly always to the end
	}
	e.w.WriteString(s[:i])
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\':
			e.w.WriteString(`\\`)
		case r == '"':
			e.w.WriteString(`\"`)
		case r == '\n':
			e.w.WriteString(`\n`)
		default:
			e.w.WriteRune(r)
		}
		i += n
	}
}
