package api

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Series is one line of a Prometheus exposition.
type Series struct {
	name   string
	Labels map[string]string
	Value  float64
}

var labelPair = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)

// parseSeries reads the lines whose names begin with prefix.
func parseSeries(text []byte, prefix string) (all []Series, err error) {
	for raw := range bytes.Lines(text) {
		line := strings.TrimSpace(string(raw))
		if !strings.HasPrefix(line, prefix) {
			continue
		}
		cut := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[cut+1:], 64)
		if cut < 0 || err != nil {
			return all, fmt.Errorf("metrics: want a number at the end of %q", line)
		}
		s := Series{Labels: map[string]string{}, Value: value}
		var pairs string
		s.name, pairs, _ = strings.Cut(strings.TrimSpace(line[:cut]), "{")
		for _, pair := range labelPair.FindAllStringSubmatch(pairs, -1) {
			s.Labels[pair[1]] = pair[2]
		}
		all = append(all, s)
	}
	return all, nil
}

// Sum adds up the series of that name that have all the labels, which are pairs of key
// and value; n is the number of series.
func Sum(all []Series, name string, labels ...string) (sum float64, n int) {
next:
	for _, s := range all {
		if s.name != name {
			continue
		}
		for i := 0; i+1 < len(labels); i += 2 {
			if s.Labels[labels[i]] != labels[i+1] {
				continue next
			}
		}
		sum += s.Value
		n++
	}
	return sum, n
}
