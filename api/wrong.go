package api

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"farmproxy/live"
)

// wrongs counts, over all workers, what a page says in words.
type wrongs struct {
	up, down, never int
	groups          map[string]*missing // by group; "" for workers without one
}

// missing are the workers of a group that do not work.
type missing struct {
	workers, all int
	first, last  time.Time // since when the first and the last of them are so
	one          string    // a name
}

func (s *wrongs) add(w *live.Worker) {
	if s.groups == nil {
		s.groups = make(map[string]*missing)
	}
	m := s.groups[w.Group]
	if m == nil {
		m = new(missing)
		s.groups[w.Group] = m
	}
	m.all++
	switch {
	case w.State == live.Up:
		s.up++
		return
	case w.Since.IsZero():
		s.never++
		return
	}
	s.down++
	m.workers++
	m.one = w.Name
	if m.first.IsZero() || w.Since.Before(m.first) {
		m.first = w.Since
	}
	if w.Since.After(m.last) {
		m.last = w.Since
	}
}

const (
	// recent is for how long a page speaks of a worker that is missing: one that was
	// switched off last week is in the table, and no news.
	recent = 24 * time.Hour

	// manyRejects is the fraction of rejected shares that a page speaks of.
	manyRejects = 0.02

	// enoughShares is how many shares tell a rate.
	enoughShares = 500

	// mostWrongs bounds what a page lists.
	mostWrongs = 20
)

// tell returns what is wrong now, in words, the worst first.
func (s *wrongs) tell(f *live.Farm) []live.Wrong {
	first, then := []live.Wrong{}, []live.Wrong{}
	say := func(severe bool, format string, args ...any) {
		w := live.Wrong{Severe: severe, Text: fmt.Sprintf(format, args...)}
		if severe {
			first = append(first, w)
		} else {
			then = append(then, w)
		}
	}
	if !f.Ready {
		say(true, "Miners get no work: %s", f.Error)
	}
	for _, p := range f.Pools {
		if !p.Up && p.Trouble != "" {
			say(true, "Pool %s is down: %s", p.Name, p.Trouble)
		}
	}
	worst := func(a, b string) int {
		return cmp.Or(cmp.Compare(s.groups[b].workers, s.groups[a].workers), cmp.Compare(a, b))
	}
	for _, name := range slices.SortedFunc(maps.Keys(s.groups), worst) {
		m := s.groups[name]
		if m.workers == 0 || time.Since(m.last) > recent {
			continue
		}
		say(m.workers*10 >= m.all, "%s", m.words(name))
	}
	for _, p := range f.Pools {
		rejected := uint64(0)
		for _, n := range p.Shares.Rejected {
			rejected += n
		}
		if n := rejected + p.Shares.Accepted; n >= enoughShares && float64(rejected) > manyRejects*float64(n) {
			say(false, "Pool %s has rejected %.1f %% of the shares since farmproxy started", p.Name, 100*float64(rejected)/float64(n))
		}
	}
	if f.MinersMax > 0 && f.Miners >= f.MinersMax {
		say(true, "farmproxy is full: %d miners are connected, and there is no room for more", f.Miners)
	}
	list := append(first, then...)
	return list[:min(len(list), mostWrongs)]
}

// words says which workers are missing, and since when, by this machine's clock.
func (m *missing) words(group string) string {
	const clock = "15:04"
	if m.workers == 1 {
		return fmt.Sprintf("Worker %s has been silent since %s", m.one, m.first.Format(clock))
	}
	when := "since " + m.first.Format(clock)
	if m.last.Sub(m.first) > 2*time.Minute {
		when = fmt.Sprintf("since %s to %s", m.first.Format(clock), m.last.Format(clock))
	}
	whose := ""
	if group != "" {
		whose = " of group " + group
	}
	if m.workers == m.all {
		return fmt.Sprintf("All %d workers%s have been silent %s", m.all, whose, when)
	}
	return fmt.Sprintf("%d of %d workers%s have been silent %s", m.workers, m.all, whose, when)
}
