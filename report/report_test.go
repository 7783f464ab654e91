package report

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"farmproxy/history"
	"farmproxy/internal/golden"
	"farmproxy/wish"
	"farmproxy/work"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := wish.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// Reports are of whole days, as the clocks of the zone show them: also those with 23 and 25
// hours.
func TestBefore(t *testing.T) {
	for _, c := range []struct {
		kind            Kind
		now, zone, want string
		hours           float64
	}{
		{Daily, "2026-11-26T06:00:00Z", "Europe/Berlin", "Wed 25 Nov 2026", 24},
		{Daily, "2026-11-26T23:30:00Z", "Europe/Berlin", "Thu 26 Nov 2026", 24},
		{Daily, "2026-10-26T06:00:00Z", "Europe/Berlin", "Sun 25 Oct 2026", 25},
		{Daily, "2026-03-30T06:00:00Z", "Europe/Berlin", "Sun 29 Mar 2026", 23},
		{Daily, "2026-09-06T12:00:00Z", "America/Santiago", "Sat 5 Sep 2026", 24}, // midnight is skipped on the 6th
		{Weekly, "2026-11-26T06:00:00Z", "UTC", "Mon 16 Nov 2026 to Sun 22 Nov 2026", 168},
		{Weekly, "2026-11-23T00:00:00Z", "UTC", "Mon 16 Nov 2026 to Sun 22 Nov 2026", 168},
		{Weekly, "2026-11-22T23:59:00Z", "UTC", "Mon 9 Nov 2026 to Sun 15 Nov 2026", 168},
		{Weekly, "2026-10-26T06:00:00Z", "Europe/Berlin", "Mon 19 Oct 2026 to Sun 25 Oct 2026", 169},
	} {
		now, _ := time.Parse(time.RFC3339, c.now)
		s := Before(c.kind, now, zone(t, c.zone))
		if s.String() != c.want || s.To.Sub(s.From).Hours() != c.hours {
			t.Errorf("%s at %s in %s: %s, %.0f h; want %s, %.0f h", c.kind, c.now, c.zone, s.String(), s.To.Sub(s.From).Hours(), c.want, c.hours)
		}
	}
}

// A report is sent once, at its time or when farmproxy is back soon after.
func TestDue(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	times := &Times{Daily: 7 * 60, Weekly: 7 * 60, On: time.Monday, Zone: berlin, Has: map[Kind]bool{Daily: true, Weekly: true}}
	for _, c := range []struct {
		name      string
		kind      Kind
		last, now string // in Berlin
		at        string
		send      bool
	}{
		{"before its time", Daily, "2026-11-25T07:00", "2026-11-26T06:59", "2026-11-25T07:00", false},
		{"at its time", Daily, "2026-11-25T07:00", "2026-11-26T07:00", "2026-11-26T07:00", true},
		{"not twice", Daily, "2026-11-26T07:00", "2026-11-26T07:01", "2026-11-26T07:00", false},
		{"farmproxy was off at the time", Daily, "2026-11-25T07:00", "2026-11-26T11:00", "2026-11-26T07:00", true},
		{"for too long", Daily, "2026-11-25T07:00", "2026-11-26T19:30", "2026-11-26T07:00", false},
		{"off for days: only the last", Daily, "2026-11-20T07:00", "2026-11-26T08:00", "2026-11-26T07:00", true},
		{"the clock went back an hour", Daily, "2026-11-26T07:00", "2026-11-26T06:10", "2026-11-26T07:00", false},
		{"the clock was a year ahead", Daily, "2027-11-26T07:00", "2026-11-26T09:00", "2026-11-26T07:00", false},
		{"on the 25 hours' day", Daily, "2026-10-24T07:00", "2026-10-25T07:00", "2026-10-25T07:00", true},
		{"a week", Weekly, "2026-11-16T07:00", "2026-11-23T07:00", "2026-11-23T07:00", true},
		{"in the week", Weekly, "2026-11-23T07:00", "2026-11-26T12:00", "2026-11-23T07:00", false},
		{"the day, before its time", Weekly, "2026-11-16T07:00", "2026-11-23T06:00", "2026-11-16T07:00", false},
	} {
		parse := func(text string) time.Time {
			at, err := time.ParseInLocation("2006-01-02T15:04", text, berlin)
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		at, send := times.Due(c.kind, parse(c.last), parse(c.now))
		if !at.Equal(parse(c.at)) || send != c.send {
			t.Errorf("%s: %s, %v; want %s, %v", c.name, at.Format("2006-01-02T15:04"), send, c.at, c.send)
		}
	}
	times.Has = nil
	if _, send := times.Due(Daily, time.Time{}, time.Now()); send {
		t.Error("a report is sent that nobody wants")
	}
}

// past is a history in memory.
type past struct {
	sums   map[history.Kind]map[string]history.Sample
	before history.Sample // of the farm, of the span before from
	from   time.Time
	roster []history.Row
	counts map[string]int
}

func (p *past) Sums(_ context.Context, kind history.Kind, from, to time.Time) (map[string]history.Sample, error) {
	if kind == history.Farm && from.Before(p.from) {
		return map[string]history.Sample{"": p.before}, nil
	}
	return p.sums[kind], nil
}
func (p *past) Roster(context.Context) ([]history.Row, error) { return p.roster, nil }
func (p *past) Counts(context.Context, time.Time, time.Time) (map[string]int, error) {
	return p.counts, nil
}

const day = 86400

// did is a sample of a day.
func did(hashRate float64, accepted, rejected uint64, up float64) history.Sample {
	return history.Sample{Work: hashRate * day / work.HashesPerShare, Accepted: accepted, Rejected: rejected, Up: uint64(up * day), Seconds: day}
}

func aDay(t *testing.T) *past {
	now, _ := time.Parse(time.RFC3339, "2026-11-26T06:00:00Z")
	return &past{
		from: Before(Daily, now, zone(t, "Europe/Berlin")).From,
		sums: map[history.Kind]map[string]history.Sample{
			history.Farm:  {"": did(300e12, 5000, 25, 2.5)},
			history.Group: {"hall-A": did(200e12, 3000, 5, 1.75), "hall-B": did(100e12, 2000, 20, 0.75)},
			history.Pool:  {"a.example:3333": did(300e12, 5000, 25, 2.5), "b.example:3333": did(0, 0, 0, 0)},
			history.Worker: {
				"farm.rig1": did(100e12, 1500, 2, 1), "farm.rig2": did(100e12, 1500, 3, 0.75), "farm.rig3": did(100e12, 2000, 20, 0.75),
				"farm.<img src=x onerror=alert(1)>": did(0, 0, 0, 0),
			},
		},
		before: did(310e12, 5100, 10, 2.6),
		roster: []history.Row{
			{Name: "farm.rig1", Group: "hall-A", Usual: 101e12}, {Name: "farm.rig2", Group: "hall-A", Usual: 134e12},
			{Name: "farm.rig3", Group: "hall-B"}, {Name: "farm.<img src=x onerror=alert(1)>", Group: "hall-B", Usual: 50e12},
			{Name: "never-seen", Expected: true},
		},
		counts: map[string]int{"worker_down": 3, "pool_down": 1, "order": 7},
	}
}

func mustRead(t *testing.T, p *past) *Report {
	t.Helper()
	r, err := Read(t.Context(), p, "north", Before(Daily, p.from.Add(30*time.Hour), p.from.Location()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The whole of a report, as text and as HTML, where names are only names.
func TestReport(t *testing.T) {
	r := mustRead(t, aDay(t))
	golden.Compare(t, "testdata/day.txt", r.Title()+"\n\n"+r.Text())
	golden.Compare(t, "testdata/day.html", r.HTML())
	for line := range strings.SplitSeq(r.Text(), "\n") {
		if len([]rune(line)) > 80 {
			t.Errorf("over 80 columns: %q", line)
		}
	}
}

// Many groups and workers are some lines, and all of them are counted.
func TestLargeFarm(t *testing.T) {
	p := aDay(t)
	for i := range 500 {
		name := "farm." + strings.Repeat("x", 60) + string(rune('a'+i%26)) + string(rune('a'+i/26))
		p.sums[history.Worker][name] = did(50e12, 10, 0, 0.5)
		p.roster = append(p.roster, history.Row{Name: name, Group: name, Usual: 100e12})
		p.sums[history.Group][name] = did(50e12, 10, 0, 0.5)
	}
	r := mustRead(t, p)
	if len(r.Groups) != maxRows || r.Groups[maxRows-1].Name != "483 others" || len(r.Worst) != maxWorst || r.Lacking != 503 {
		t.Errorf("%d groups, last %q, %d of %d workers", len(r.Groups), r.Groups[len(r.Groups)-1].Name, len(r.Worst), r.Lacking)
	}
	if n := len(r.Text()); n > 8<<10 {
		t.Errorf("%d bytes of text, and a message may have 8 kB", n)
	}
	sum := 0.0
	for _, g := range r.Groups {
		sum += g.Work
	}
	if want := did(500*50e12+300e12, 0, 0, 0).Work; sum/want < 0.999 || sum/want > 1.001 {
		t.Errorf("the groups have %g of work, want %g", sum, want)
	}
}

// Nothing was recorded: that is said, and nothing else.
func TestEmptyReport(t *testing.T) {
	r := mustRead(t, &past{from: aDay(t).from})
	if !r.Empty() || !strings.Contains(r.Title(), "nothing was recorded") || len(r.Tables()) > 0 {
		t.Errorf("%q\n%s", r.Title(), r.Text())
	}
}

// The same from a real history: what was recorded on a day is in its report, and nothing else.
func TestFromAHistory(t *testing.T) {
	store, err := history.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"), history.DefaultRetention)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	berlin := zone(t, "Europe/Berlin")
	midnight := time.Date(2026, 11, 25, 0, 0, 0, 0, berlin)
	recorder := history.NewRecorder(nil)
	shares := uint64(0)
	for minute := 23 * 60; minute <= 25*60; minute++ { // an hour of the day, and one after it
		shares += 10
		worker := &history.Seen{Name: "farm.rig1", Group: "hall-A", Pool: "main", Miners: 1, Accepted: shares, Work: float64(shares) * 1000}
		b := recorder.Look(midnight.Add(time.Duration(minute)*time.Minute), func(yield func(*history.Seen) bool) { yield(worker) }, []history.SeenPool{{Name: "main", Watched: true, Up: true, Books: history.PoolBooks{Accepted: worker.Accepted, Work: worker.Work}}})
		if err := store.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Read(t.Context(), store, "north", Before(Daily, midnight.AddDate(0, 0, 1).Add(7*time.Hour), berlin))
	if err != nil {
		t.Fatal(err)
	}
	const hour = 60 * 10 // shares
	if n := r.Farm.Accepted; n < hour-10 || n > hour+10 || r.Before.Accepted > 0 {
		t.Errorf("%d shares and %d before, want %d and none", n, r.Before.Accepted, hour)
	}
	if len(r.Groups) != 1 || r.Groups[0].Name != "hall-A" || len(r.Pools) != 1 || r.Pools[0].Part < 0.99 || r.Workers != 1 || r.Uptime < 0.99 || len(r.Worst) > 0 {
		t.Errorf("%+v", r)
	}
}
