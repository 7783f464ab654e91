package alert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"farmproxy/plain"
	"farmproxy/stats"
	"farmproxy/work"
)

const (
	// recent is for how long a worker that is missing is spoken of: one that was switched
	// off last week is in the table, and no news.
	recent = 24 * time.Hour

	// newcomer is how long a worker has to be connected before its hash rate says
	// anything: twice the time over which it is taken.
	newcomer = 10 * time.Minute

	// slow is the part of its usual hash rate below which a worker is slow: from 30 shares
	// it is below that by chance once in 500 looks.
	slow = 0.5

	// mostNames bounds how many names a sentence has.
	mostNames = 5
)

// Workers are all workers at one look, summed up by group. The zero value has none.
type Workers struct {
	Up, Down, NeverSeen int

	now       time.Time
	groups    map[string]*group // "" for workers without one
	listed    bool              // an operator has listed some
	unlisted  int               // that mine, and are not
	strangers []string          // some of their names
}

// group are the workers of one.
type group struct {
	up, missing int
	silent      int       // of the missing, those that have a miner
	first, last time.Time // since when the first and the last of the missing are so
	names       prefix    // of all
	lost        prefix    // of the missing
	one         string    // one of them
	slow        int
	hashRate    float64
}

// all is how many workers count: those that are up, and those that are missing since recently.
func (g *group) all() int { return g.up + g.missing }

// down reports whether none of several workers is up.
func (g *group) down() bool { return g.up == 0 && g.missing > 1 }

// NewWorkers returns none.
func NewWorkers(now time.Time) *Workers { return &Workers{now: now, groups: make(map[string]*group)} }

// Add adds a worker. usual is its usual hash rate, in H/s; 0: not known.
func (s *Workers) Add(w *stats.WorkerInfo, usual float64) {
	s.listed = s.listed || w.Expected
	if w.State == stats.WorkerDown && w.Since.IsZero() {
		s.NeverSeen++
		return
	}
	g := s.groups[w.Group]
	if g == nil {
		g = new(group)
		s.groups[w.Group] = g
	}
	if w.State != stats.WorkerUp {
		s.Down++
		if s.now.Sub(w.Since) <= recent {
			g.lose(w)
		}
		return
	}
	s.Up++
	g.up++
	g.names.add(w.Name)
	g.hashRate += w.HashRate
	if usual > 0 && w.HashRate < slow*usual && s.now.Sub(w.ConnectedSince) > newcomer {
		g.slow++
	}
	if !w.Expected && w.Name != stats.Other && w.Shares[work.Accepted] > 0 {
		s.unlisted++
		if len(s.strangers) < mostNames {
			s.strangers = append(s.strangers, w.Name)
		}
	}
}

// lose adds a worker that is missing.
func (g *group) lose(w *stats.WorkerInfo) {
	g.missing++
	if w.State == stats.WorkerSilent {
		g.silent++
	}
	g.one = w.Name
	g.names.add(w.Name)
	g.lost.add(w.Name)
	if g.first.IsZero() || w.Since.Before(g.first) {
		g.first = w.Since
	}
	if w.Since.After(g.last) {
		g.last = w.Since
	}
}

// byMissing returns the names of the groups, those with the most missing workers first.
func (s *Workers) byMissing() []string {
	if s == nil {
		return nil
	}
	return slices.SortedFunc(maps.Keys(s.groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.groups[b].missing, s.groups[a].missing), cmp.Compare(a, b))
	})
}

// words says which workers of a group are missing, how, and since when.
func (k *look) words(name string) string {
	g := k.Workers.groups[name]
	first, last := clock(k.now, g.first, k.zone), clock(k.now, g.last, k.zone)
	if g.missing == 1 {
		return fmt.Sprintf("Worker %s has been %s since %s", g.one, g.how(), first)
	}
	when := "since " + first
	if g.last.Sub(g.first) > 2*time.Minute {
		when = fmt.Sprintf("since %s to %s", first, last)
	}
	whose := ""
	switch {
	case name != "":
		whose = " of group " + name
	case len(k.Workers.groups) > 1:
		whose = " without a group"
	}
	if g.up == 0 {
		return fmt.Sprintf("All %s workers%s have been %s %s", plain.Count(g.missing), whose, g.how(), when)
	}
	text := fmt.Sprintf("%s of %s workers%s have been %s %s", plain.Count(g.missing), plain.Count(g.all()), whose, g.how(), when)
	if len(g.lost.text) > len(g.names.text) && g.missing > 2 {
		text += ", all of them called " + g.lost.text + "*"
	}
	return text
}

// how says what the missing are, in the words of the table of workers.
func (g *group) how() string {
	switch g.silent {
	case 0:
		return "down"
	case g.missing:
		return "silent"
	}
	return "down or silent"
}

// prefix is what names begin with, all of them.
type prefix struct {
	text  string
	begun bool
}

func (p *prefix) add(name string) {
	if !p.begun {
		p.text, p.begun = name, true
		return
	}
	for !strings.HasPrefix(name, p.text) {
		p.text = p.text[:len(p.text)-1]
	}
}
