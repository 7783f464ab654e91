package alert

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/stats"
	"farmproxy/wish"
)

// noon is when tests begin. It has no monotonic reading: both clocks go alike.
var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// farm is a farm on paper, which an engine looks at four times a minute.
type farm struct {
	t       *testing.T
	e       *Engine
	now     time.Time
	facts   Facts
	workers []stats.WorkerInfo
	log     []string
	told    []*Message
	skew    time.Duration // of the wall clock
}

func newFarm(t *testing.T, change func(*Settings)) *farm {
	s := Settings{Site: "north", CoolDown: 30 * time.Minute, Zone: time.UTC}
	if change != nil {
		change(&s)
	}
	return &farm{t: t, e: New(s), now: noon, facts: Facts{Pools: []Pool{{Name: "a", Up: true}, {Name: "b", Up: true}}}}
}

// pass lets time pass.
func (f *farm) pass(d time.Duration) {
	for end := f.now.Add(d); f.now.Before(end); f.now = f.now.Add(15 * time.Second) {
		f.look()
	}
}

func (f *farm) look() {
	f.facts.Workers = NewWorkers(f.now)
	for i := range f.workers {
		f.facts.Workers.Add(&f.workers[i], 0)
	}
	f.facts.Wall = f.now.Add(f.skew)
	facts := f.facts
	o := f.e.Look(f.now, &facts)
	at := f.now.Format("15:04:05")
	for _, x := range o.Began {
		f.log = append(f.log, at+" began "+x.Rule+" "+x.Subject)
	}
	for _, x := range o.Ended {
		f.log = append(f.log, at+" ended "+x.Rule+" "+x.Subject)
	}
	if m := o.Message; m != nil {
		f.told = append(f.told, m)
		f.log = append(f.log, at+" told "+m.Title)
	}
}

// restart has another engine go on, after some time.
func (f *farm) restart(away time.Duration) {
	f.t.Helper()
	text := f.e.State(f.now)
	f.now = f.now.Add(away)
	f.e = New(f.e.settings)
	if err := f.e.Restore(text, f.now); err != nil {
		f.t.Fatal(err)
	}
}

// wants compares what happened since the last time with what should have.
func (f *farm) wants(want ...string) {
	f.t.Helper()
	for i := range f.log {
		f.log[i] = strings.TrimRight(f.log[i], " ")
	}
	if !slices.Equal(f.log, want) {
		f.t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(f.log, "\n\t"), strings.Join(want, "\n\t"))
	}
	f.log = nil
}

// pool has a pool go down, or come back.
func (f *farm) pool(name, trouble string) {
	for i := range f.facts.Pools {
		if p := &f.facts.Pools[i]; p.Name == name {
			p.Up, p.Trouble = trouble == "", trouble
		}
	}
}

// staff gives the farm workers, in groups.
func (f *farm) staff(groups map[string]int) {
	for group, n := range groups {
		for i := range n {
			f.workers = append(f.workers, stats.WorkerInfo{Name: fmt.Sprintf("%s.rig%d", group, i), Group: group, State: stats.WorkerUp, Since: noon.Add(-time.Hour), ConnectedSince: noon.Add(-time.Hour), HashRate: 1e12})
		}
	}
}

// off has the first workers of a group go away, or come back.
func (f *farm) off(group string, n int, gone bool) {
	for i := range f.workers {
		if w := &f.workers[i]; w.Group == group && n > 0 {
			n--
			w.State, w.Since, w.HashRate = stats.WorkerUp, f.now, 1e12
			if gone {
				w.State, w.HashRate = stats.WorkerDown, 0
			}
		}
	}
}

// What ends because its pool is not there any more is not said to be well again.
func TestAPoolThatIsRemovedWhileItIsDown(t *testing.T) {
	f := newFarm(t, nil)
	f.pool("a", "timeout")
	f.pass(3 * time.Minute)
	f.facts.Pools = nil
	f.pass(3 * time.Minute)
	if m := f.told[len(f.told)-1]; !strings.HasPrefix(m.Text, "RESOLVED  Pool a was removed") {
		t.Errorf("told %q", m.Text)
	}
}

// An alert is told once it holds for long enough, and once it is over for as long.
func TestAPoolThatIsDown(t *testing.T) {
	f := newFarm(t, nil)
	f.pass(time.Minute)
	f.pool("a", "timeout")
	f.pass(10 * time.Minute)
	f.wants("12:03:00 began pool_down a", "12:03:30 told [north] Pool a is down: timeout")
	m := f.told[0]
	if m.Kind != Alerts || m.Severity != Ticket || len(m.Alerts) != 1 || m.Alerts[0].State != Firing || !m.Alerts[0].Since.Equal(noon.Add(time.Minute)) ||
		m.Text != "TICKET  Pool a is down: timeout (since 12:01)\nfarmproxy pools says why; miners work at the next pool of the list.\n\n" {
		t.Errorf("%+v", m)
	}
	f.pool("a", "")
	f.pass(10 * time.Minute)
	f.wants("12:13:00 ended pool_down a", "12:13:30 told [north] Resolved: Pool a is up again")
	if m := f.told[1]; m.Severity != "" || m.Text != "RESOLVED  Pool a is up again (from 12:01 to 12:13)\n\n" || m.Alerts[0].State != Resolved || m.Alerts[0].Until == nil {
		t.Errorf("%+v", m)
	}
	f.pass(time.Hour)
	f.wants()
	if list := f.e.Alerts(); len(list) > 0 {
		t.Errorf("left: %v", list)
	}
}

// What was an alert is told, however short it was: that it was, and not twice within the
// cool-down; unless nobody would have been told.
func TestAnAlertThatIsOverBeforeItIsTold(t *testing.T) {
	brief := func(change func(*Settings)) *farm {
		f := newFarm(t, func(s *Settings) {
			s.Rules = map[string]RuleSetting{"pool_down": {CoolDown: 30 * time.Minute}}
			if change != nil {
				change(s)
			}
		})
		f.pool("a", "timeout")
		f.pass(15 * time.Second)
		f.pool("a", "")
		return f
	}
	f := brief(nil)
	f.pass(time.Minute)
	f.wants("12:00:00 began pool_down a", "12:00:15 ended pool_down a", "12:00:30 told [north] Resolved: Pool a is up again")
	if m := f.told[0]; m.Severity != "" || m.Text != "RESOLVED  Pool a is up again (from 12:00 to 12:00)\n\n" || m.Alerts[0].Severity != Ticket {
		t.Errorf("%+v", m)
	}
	f.pool("a", "timeout") // again, while that was told
	f.pass(30 * time.Second)
	f.pool("a", "")
	f.pass(time.Hour)
	f.wants("12:01:15 began pool_down a", "12:01:45 ended pool_down a")

	f = brief(nil)
	f.pass(15 * time.Second)
	f.pool("a", "refused") // before that was told: then it is not over
	f.pass(time.Minute)
	f.wants("12:00:00 began pool_down a", "12:00:15 ended pool_down a", "12:00:30 began pool_down a", "12:00:30 told [north] Pool a is down: refused")

	f = brief(func(s *Settings) {
		s.Quiet = wish.Period{Days: wish.EveryDay, From: 11 * 60, To: 13 * 60, Zone: time.UTC}
	})
	f.pass(2 * time.Hour)
	f.wants("12:00:00 began pool_down a", "12:00:15 ended pool_down a") // it could have waited

	f = brief(func(s *Settings) { s.Mute = true })
	f.pass(time.Minute)
	f.e.settings.Mute = false
	f.pass(time.Minute)
	f.wants("12:00:00 began pool_down a", "12:00:15 ended pool_down a")

	f = brief(nil)
	f.restart(time.Minute)
	f.pass(time.Minute)
	f.wants("12:00:00 began pool_down a", "12:01:15 ended pool_down a", "12:01:45 told [north] Resolved: Pool a is up again")
}

// What is over before it is an alert is none; what is away for a moment is not over.
func TestAPoolThatComesAndGoes(t *testing.T) {
	f := newFarm(t, nil)
	for range 5 {
		f.pool("a", "timeout")
		f.pass(time.Minute)
		f.pool("a", "")
		f.pass(time.Minute)
	}
	f.wants()
	f.pool("a", "timeout")
	f.pass(3 * time.Minute)
	f.wants("12:12:00 began pool_down a", "12:12:30 told [north] Pool a is down: timeout")
	for range 5 {
		f.pool("a", "")
		f.pass(time.Minute)
		f.pool("a", "timeout")
		f.pass(time.Minute)
	}
	f.wants()
}

// One that comes back within the cool-down is told when that is over, if it still is one.
func TestCoolDown(t *testing.T) {
	f := newFarm(t, nil)
	down := func() {
		f.pool("a", "timeout")
		f.pass(5 * time.Minute)
		f.pool("a", "")
		f.pass(5 * time.Minute)
	}
	down()
	f.wants("12:02:00 began pool_down a", "12:02:30 told [north] Pool a is down: timeout", "12:07:00 ended pool_down a", "12:07:30 told [north] Resolved: Pool a is up again")
	down()
	f.wants("12:12:00 began pool_down a", "12:17:00 ended pool_down a") // nobody is told of either
	f.pool("a", "timeout")
	f.pass(20 * time.Minute)
	f.wants("12:22:00 began pool_down a", "12:33:00 told [north] Pool a is down: timeout")
}

// Workers that go together are one message, group by group, in words.
func TestOneMessageForMany(t *testing.T) {
	f := newFarm(t, nil)
	f.staff(map[string]int{"hall-1": 40, "hall-2": 40, "rack-7": 20, "rack-8": 20})
	f.off("hall-1", 12, true)
	f.off("hall-2", 1, true)
	f.off("rack-7", 20, true)
	f.pass(15 * time.Second)
	f.off("rack-8", 20, true)
	f.pass(15 * time.Minute)
	f.wants("12:03:00 began group_down rack-7", "12:03:15 began group_down rack-8",
		"12:03:30 told [north] All 20 workers of group rack-7 have been down since 12:00 (and 1 more)",
		"12:05:00 began workers_down",
		"12:05:30 told [north] 12 of 40 workers of group hall-1 have been down since 12:00. Worker hall-2.rig0 has been down since 12:00")
	f.off("hall-1", 12, false)
	f.off("rack-7", 20, false)
	f.off("rack-8", 20, false)
	f.pass(10 * time.Minute)
	f.wants("12:18:15 ended group_down rack-7", "12:18:15 ended group_down rack-8",
		"12:18:45 told [north] Resolved: Workers of group rack-7 are up again (and 1 more)",
		"12:20:15 ended workers_down",
		"12:20:45 told [north] Resolved: 119 of 120 workers are up")
}

// A subject counts what is wrong, and apart from it what is over. Who is told that a group is
// up again reads how many of it are.
func TestTitlesTellWhatIsOver(t *testing.T) {
	f := newFarm(t, nil)
	f.staff(map[string]int{"hall-1": 16, "hall-2": 84})
	f.off("hall-1", 16, true)
	f.pass(4 * time.Minute)
	f.wants("12:03:00 began group_down hall-1", "12:03:30 told [north] All 16 workers of group hall-1 have been down since 12:00")
	if text, want := f.told[0].Text, "PAGE  All 16 workers of group hall-1 have been down since 12:00\nLook at that hall or rack: power, network.\n\n"; text != want {
		t.Errorf("got  %q\nwant %q", text, want)
	}
	f.off("hall-1", 6, false)
	f.pass(45 * time.Second)
	f.pool("a", "timeout")
	f.pool("b", "timeout")
	f.pass(5 * time.Minute)
	f.wants("12:06:45 began pool_down a", "12:06:45 began pool_down b", "12:07:00 ended group_down hall-1",
		"12:07:15 told [north] Pool a is down: timeout (and 1 more; 1 resolved)",
		"12:09:00 began workers_down", "12:09:30 told [north] 10 of 16 workers of group hall-1 have been down since 12:00")
	if text := f.told[1].Text; !strings.HasSuffix(text, "RESOLVED  6 of 16 workers of group hall-1 are up (from 12:00 to 12:07)\n\n") {
		t.Error(text)
	}
}

// Groups that are off on purpose are no news, nor in the quarter of an hour after; others are.
func TestCurtailment(t *testing.T) {
	evening := wish.Period{Days: wish.EveryDay, From: 13 * 60, To: 14 * 60, Zone: time.UTC}
	f := newFarm(t, func(s *Settings) { s.Curtailed = []Curtailment{{"hall-1", evening}} })
	f.staff(map[string]int{"hall-1": 40, "hall-2": 40})
	f.facts.Usual = Usual{80e12, map[string]float64{"hall-1": 40e12, "hall-2": 40e12}}
	f.pass(time.Hour)
	f.off("hall-1", 40, true)
	f.pass(time.Hour + 14*time.Minute)
	f.wants()
	if n := f.e.Notices(); len(n) > 0 {
		t.Errorf("a page says %v", n)
	}
	if off := f.e.Off(); len(off) > 0 {
		t.Errorf("after its end, off: %v", off)
	}
	f.off("hall-1", 40, false)
	f.facts.Curtailed = map[string]time.Time{"": f.now.Add(time.Hour)} // ordered, of all
	f.off("hall-2", 40, true)
	f.pass(time.Hour - time.Minute)
	if off := f.e.Off(); len(off) != 1 || !off[""].Equal(f.facts.Curtailed[""]) {
		t.Errorf("off: %v", off)
	}
	f.pass(time.Minute)
	f.wants()
	f.facts.Curtailed = nil
	f.pass(30 * time.Minute) // they stay away
	f.wants("15:31:45 began group_down hall-2", "15:32:15 told [north] All 40 workers of group hall-2 have been down since 14:14",
		"15:38:45 began hashrate_low", "15:39:15 told [north] The farm hashes 40.0 TH/s, 50 % of its usual 80.0 TH/s")
}

// A curtailment that is ordered late ends the alerts, and says why.
func TestCurtailmentThatIsOrderedLate(t *testing.T) {
	f := newFarm(t, nil)
	f.staff(map[string]int{"hall-1": 40, "hall-2": 40})
	f.off("hall-1", 40, true)
	f.pass(5 * time.Minute)
	f.facts.Curtailed = map[string]time.Time{"hall-1": f.now.Add(time.Hour)}
	f.pass(10 * time.Minute)
	f.wants("12:03:00 began group_down hall-1", "12:03:30 told [north] All 40 workers of group hall-1 have been down since 12:00",
		"12:08:00 ended group_down hall-1",
		"12:08:30 told [north] Resolved: Miners are off on purpose. Before: All 40 workers of group hall-1 have been down since 12:00")
}

// In quiet hours tickets wait for the morning, and are told then if they still are; what
// can't wait does not.
func TestQuietHours(t *testing.T) {
	night := wish.Period{Days: wish.EveryDay, From: 22 * 60, To: 6 * 60, Zone: time.UTC}
	f := newFarm(t, func(s *Settings) { s.Quiet = night })
	f.now = noon.Add(10 * time.Hour)
	f.pool("a", "timeout")
	f.pass(time.Hour)
	f.pool("a", "")
	f.pool("b", "refused")
	f.pass(30 * time.Minute)
	f.facts.NotReady = "no link to a pool is up"
	f.pass(10 * time.Minute)
	f.facts.NotReady = ""
	f.pass(8 * time.Hour)
	f.wants("22:02:00 began pool_down a", "23:02:00 began pool_down b", "23:02:00 ended pool_down a",
		"23:31:00 began not_ready", "23:31:30 told [north] Miners get no work: no link to a pool is up",
		"23:41:00 ended not_ready", "23:41:30 told [north] Resolved: Miners get work again",
		"06:00:30 told [north] Pool b is down: refused")
}

// While neither a pool nor a channel can be reached nothing is told; after it, one message
// says what happened, and what still is.
func TestCutOff(t *testing.T) {
	f := newFarm(t, nil)
	f.staff(map[string]int{"hall-1": 40})
	f.facts.Usual.Farm = 40e12
	f.pass(time.Minute)
	f.pool("a", "timeout")
	f.pool("b", "timeout")
	f.facts.NotReady, f.facts.CutOff = "no link to a pool is up", true
	f.pass(15 * time.Minute)
	f.off("hall-1", 40, true)
	f.pass(15 * time.Minute)
	f.wants("12:02:00 began not_ready")
	if since := f.e.CutOff(); !since.Equal(noon.Add(time.Minute)) {
		t.Errorf("cut off since %v", since)
	}
	f.pool("a", "")
	f.facts.NotReady, f.facts.CutOff = "", false
	f.pass(time.Minute)
	f.off("hall-1", 40, false)
	f.pass(time.Hour)
	f.wants("12:31:00 began pool_down b", "12:32:00 ended not_ready", "12:34:00 told [north] Back after 30 min without a pool or a channel")
	m := f.told[0]
	if m.Kind != Summary || len(f.told) != 1 || !strings.HasPrefix(m.Text, "Neither a pool nor a channel could be reached from 12:01 to 12:31 (30 min). Meanwhile:\n\nTICKET  Pool b is down: timeout (since 12:01)") ||
		!strings.Contains(m.Text, "RESOLVED  Miners get work again (from 12:01 to 12:32)") {
		t.Errorf("%d messages, the first is %s:\n%s", len(f.told), m.Kind, m.Text)
	}
}

// After a restart nothing is told twice, and nothing is forgotten; time goes on meanwhile.
func TestRestart(t *testing.T) {
	f := newFarm(t, nil)
	f.pool("a", "timeout")
	f.pool("b", "") // up
	f.pass(5 * time.Minute)
	f.pool("b", "refused")
	f.pass(time.Minute)
	f.wants("12:02:00 began pool_down a", "12:02:30 told [north] Pool a is down: timeout")
	again := func() { f.restart(0) }
	f.restart(time.Minute)
	f.pass(2 * time.Minute)
	f.wants("12:07:00 began pool_down b", "12:07:30 told [north] Pool b is down: refused")
	again()
	f.pool("a", "")
	f.pass(time.Minute)
	again()
	f.pass(5 * time.Minute)
	f.wants("12:11:00 ended pool_down a", "12:11:30 told [north] Resolved: Pool a is up again")
	again()
	f.pool("a", "timeout")
	f.pass(10 * time.Minute)
	f.wants("12:17:00 began pool_down a") // it cools down
	for _, text := range []string{"", "{", `{"version":2}`} {
		if err := f.e.Restore([]byte(text), f.now); err == nil {
			t.Errorf("%q: not refused", text)
		}
	}
}

// Nothing is said of workers while they are only coming.
func TestStart(t *testing.T) {
	f := newFarm(t, nil)
	f.e.Started(f.now)
	f.staff(map[string]int{"hall-1": 40})
	f.off("hall-1", 40, true)
	f.pass(14 * time.Minute)
	f.wants()
	if n := f.e.Notices(); len(n) != 1 || n[0].Text != "All 40 workers of group hall-1 have been down since 12:00" {
		t.Errorf("a page says %v", n)
	}
	f.pass(2 * time.Minute)
	f.wants("12:15:00 began group_down hall-1", "12:15:30 told [north] All 40 workers of group hall-1 have been down since 12:00")
}

// A clock that is set is an alert for an hour.
func TestTheClockIsSet(t *testing.T) {
	f := newFarm(t, nil)
	f.pass(time.Minute)
	f.skew = 5 * time.Second
	f.pass(time.Minute)
	f.wants()
	f.skew = -10 * time.Minute
	f.pass(2 * time.Hour)
	f.wants("12:02:00 began clock_set", "12:02:30 told [north] The clock was set back by 10m5s at 12:02",
		"13:02:15 ended clock_set", "13:02:45 told [north] Resolved: The clock has not been set for an hour")
}

// Each rule can be set otherwise, or be off.
func TestRulesThatAreSet(t *testing.T) {
	f := newFarm(t, func(s *Settings) {
		s.Rules = map[string]RuleSetting{"pool_down": {For: time.Minute}, "not_ready": {Off: true}}
	})
	f.pool("a", "timeout")
	f.facts.NotReady = "no"
	f.pass(2 * time.Minute)
	f.facts.NotReady = ""
	f.pass(time.Minute)
	f.wants("12:02:00 began pool_down a", "12:02:30 told [north] Pool a is down: timeout")
	off := f.e.settings
	off.Rules = map[string]RuleSetting{"pool_down": {Off: true}}
	f.e.Configure(off)
	f.pass(time.Minute)
	f.wants("12:03:00 ended pool_down a", "12:03:30 told [north] Resolved: Pool a is up again")
}

// One that comes back before its end was told has no end: nobody hears of either.
func TestAnEndThatIsNone(t *testing.T) {
	f := newFarm(t, func(s *Settings) { s.Rules = map[string]RuleSetting{"pool_down": {For: 15 * time.Second}} })
	f.pool("a", "timeout")
	f.pass(5 * time.Minute)
	f.wants("12:00:15 began pool_down a", "12:00:45 told [north] Pool a is down: timeout")
	f.pool("a", "")
	f.pass(30 * time.Second)
	f.pool("a", "timeout")
	f.pass(5 * time.Minute)
	f.wants("12:05:15 ended pool_down a", "12:05:45 began pool_down a")
	f.pool("a", "")
	f.pass(5 * time.Minute)
	f.wants("12:10:45 ended pool_down a", "12:11:15 told [north] Resolved: Pool a is up again")
}

// A message has so many alerts, and says how many more there are; its title fits a line.
func TestAMessageIsBounded(t *testing.T) {
	f := newFarm(t, nil)
	f.facts.Pools = nil
	for i := range 3 * mostTold {
		f.facts.Pools = append(f.facts.Pools, Pool{Name: fmt.Sprintf("pool-%03d.example", i), Trouble: strings.Repeat("no\nway €", 30)})
	}
	f.pass(5 * time.Minute)
	m := f.told[0]
	if len(f.told) != 1 || len(m.Alerts) != mostTold || len(m.Text) > maxText || len(m.Title) > maxTitle || strings.Contains(m.Title, "\n") || !strings.HasSuffix(m.Title, "… (and 299 more)") {
		t.Errorf("%d messages, %d alerts, %d bytes, %q", len(f.told), len(m.Alerts), len(m.Text), m.Title)
	}
	f.facts.Pools = f.facts.Pools[:2*mostTold] // the others are gone
	f.pass(5 * time.Minute)
	if text := f.told[1].Text; !strings.HasPrefix(text, "RESOLVED  Pool pool-200.example was removed") {
		t.Errorf("%.200s", text)
	}
}

// An end that was not told before a restart is told after it.
func TestAnEndOverARestart(t *testing.T) {
	f := newFarm(t, nil)
	f.pool("a", "timeout")
	f.pass(5 * time.Minute)
	f.pool("a", "")
	f.pass(2*time.Minute + 15*time.Second)
	f.wants("12:02:00 began pool_down a", "12:02:30 told [north] Pool a is down: timeout", "12:07:00 ended pool_down a")
	f.restart(0)
	f.pass(5 * time.Minute)
	f.wants("12:07:45 told [north] Resolved: Pool a is up again")
}

// What came and went while the box was cut off is in the summary, unless the night is there
// to sleep.
func TestWhatCameAndWentWhileCutOff(t *testing.T) {
	for _, night := range []bool{false, true} {
		f := newFarm(t, func(s *Settings) {
			if night {
				s.Quiet = wish.Period{Days: wish.EveryDay, From: 0, To: 24 * 60, Zone: time.UTC}
			}
		})
		f.pool("a", "timeout")
		f.facts.CutOff = true
		f.pass(10 * time.Minute)
		f.pool("a", "")
		f.pass(10 * time.Minute)
		f.restart(0)
		f.facts.CutOff = false
		f.pass(10 * time.Minute)
		want := []string{"12:02:00 began pool_down a", "12:12:00 ended pool_down a", "12:23:00 told [north] Back after 20 min without a pool or a channel"}
		if night {
			want = want[:2]
		}
		f.wants(want...)
		if list := f.e.Alerts(); len(list) > 0 {
			t.Errorf("left: %v", list)
		}
	}
}
