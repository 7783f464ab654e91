package sharelog

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// columns are the fields of a line, in their order; in JSON lines they are the keys.
var columns = []string{"time", "worker", "address", "account", "pool", "algorithm", "verdict", "difficulty"}

// timeFormat is RFC 3339 in UTC, with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z"

// line is a share as JSON shows it; its fields are columns.
type line struct {
	Time       string  `json:"time"`
	Worker     string  `json:"worker"`
	Address    string  `json:"address"`
	Account    string  `json:"account"`
	Pool       string  `json:"pool"`
	Algorithm  string  `json:"algorithm"`
	Verdict    string  `json:"verdict"`
	Difficulty float64 `json:"difficulty"`
}

func lineOf(s *Share) line {
	address := ""
	if s.Address.IsValid() {
		address = s.Address.String()
	}
	return line{s.Time.In(time.UTC).Format(timeFormat), s.Worker, address, s.Account, s.Pool, s.Algorithm, s.Verdict.String(), s.Work}
}

// suffix is the end of the names of segments.
func (f Format) suffix() string {
	if f == CSV {
		return ".csv.zst"
	}
	return ".jsonl.zst"
}

// head begins a segment.
func (f Format) head() string {
	if f == CSV {
		return strings.Join(columns, ",") + "\n"
	}
	return ""
}

// append appends a share's line.
func (f Format) append(dst []byte, s *Share) []byte {
	x := lineOf(s)
	b := bytes.NewBuffer(dst)
	if f == CSV {
		w := csv.NewWriter(b)
		_ = w.Write([]string{x.Time, x.Worker, x.Address, x.Account, x.Pool, x.Algorithm, x.Verdict, strconv.FormatFloat(x.Difficulty, 'g', -1, 64)}) // to memory
		w.Flush()
		return b.Bytes()
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(x) // strings and a finite number
	return b.Bytes()
}
