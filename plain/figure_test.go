package plain

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

// writers are the functions that the cases are of. The page has the same ones, in
// web/src/format.ts, and its tests read the same cases: one figure is written in one way.
var writers = map[string]func(float64) string{
	"hashrate":      HashRate,
	"difficulty":    Difficulty,
	"percent 0":     func(v float64) string { return Percent(v, 0) + " %" },
	"percent 1":     func(v float64) string { return Percent(v, 1) + " %" },
	"percent 2":     func(v float64) string { return Percent(v, 2) + " %" },
	"seconds":       Seconds,
	"age":           func(v float64) string { return Age(time.Duration(v * float64(time.Second))) },
	"count":         func(v float64) string { return Count(uint64(v)) },
	"several miner": func(v float64) string { return Several(int(v), "miner") },
	"number":        Number,
}

func TestFiguresAreWrittenAsOnThePage(t *testing.T) {
	text, err := os.ReadFile("testdata/figures.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Of    string
		Value float64
		Text  string
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	tried := make(map[string]bool)
	for _, c := range cases {
		write := writers[c.Of]
		if write == nil {
			t.Fatalf("%s: there is no such figure", c.Of)
		}
		tried[c.Of] = true
		if got := write(c.Value); got != c.Text {
			t.Errorf("%s of %v: %q, want %q", c.Of, c.Value, got, c.Text)
		}
	}
	for name := range writers {
		if !tried[name] {
			t.Errorf("no case of %s", name)
		}
	}
}
