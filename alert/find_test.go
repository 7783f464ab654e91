package alert

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/stats"
	"farmproxy/work"
)

// atOnce has every rule be an alert as soon as it holds, and not the clock.
func atOnce(s *Settings) {
	s.Known = []string{"pool.example"}
	s.Rules = make(map[string]RuleSetting)
	for i := range Rules {
		s.Rules[Rules[i].Name] = RuleSetting{Threshold: Rules[i].Threshold}
	}
}

// Each rule finds what it is for, and says it in words; beside it stands what it does not find.
func TestWhatRulesFind(t *testing.T) {
	end := noon.Add(13*24*time.Hour + time.Hour)
	pool := func(change func(*Pool)) func(*Facts) {
		return func(f *Facts) {
			p := Pool{Name: "a", Host: "pool.example", Up: true}
			change(&p)
			f.Pools = []Pool{p}
		}
	}
	for _, x := range []struct {
		what  string
		facts func(*Facts)
		want  string
	}{
		{"nothing", func(*Facts) {}, ""},
		{"no work", func(f *Facts) { f.NotReady = "no link is up" }, "not_ready: Miners get no work: no link is up"},
		{"a pool that is down", pool(func(p *Pool) { p.Up, p.Trouble = false, "timeout" }), "pool_down a: Pool a is down: timeout"},
		{"a pool that was not asked yet", pool(func(p *Pool) { p.Up = false }), ""},
		{"a pool that was disabled", pool(func(p *Pool) { p.Up, p.Trouble, p.LeftAlone = false, "timeout", true }), ""},
		{"no room", func(f *Facts) { f.Miners, f.MinersMax = 5, 5 }, "full: farmproxy is full: 5 miners are connected, and there is no room for more"},
		{"room for one", func(f *Facts) { f.Miners, f.MinersMax = 4, 5 }, ""},
		{"room that is not known", func(f *Facts) { f.Miners = 4 }, ""},
		{"a pool that is not known", pool(func(p *Pool) { p.Host, p.InUse = "other.example", true }), "unlisted_pool a: Miners work at pool a, at other.example, which is not in alerts.known_pools"},
		{"the same without miners", pool(func(p *Pool) { p.Host = "other.example" }), ""},
		{"one that is known", pool(func(p *Pool) { p.Host, p.InUse = "Pool.Example", true }), ""},
		{"few descriptors", func(f *Facts) { f.Files = Files{96, 100} }, "descriptors: farmproxy has 96 of 100 file descriptors open"},
		{"enough of them", func(f *Facts) { f.Files = Files{95, 100} }, ""},
		{"a disk that is nearly full", func(f *Facts) { f.Disks = []Disk{{"/var", 3 << 30, 100 << 30, false}} }, "disk /var: The disk of /var has 3,072 MB free of 102,400"},
		{"a small one", func(f *Facts) { f.Disks = []Disk{{"/var", 50 << 20, 200 << 20, false}} }, "disk /var: The disk of /var has 50 MB free of 200"},
		{"one without inodes", func(f *Facts) { f.Disks = []Disk{{"/var", 50 << 30, 100 << 30, true}} }, "disk /var: The disk of /var has no free inode: no file can be made"},
		{"one with room", func(f *Facts) { f.Disks = []Disk{{"/var", 6 << 30, 100 << 30, false}, {"/off", 0, 0, false}} }, ""},
		{"a certificate", func(f *Facts) { f.Certificates = map[string]time.Time{"a.pem": end, "b.pem": end.Add(24 * time.Hour)} }, "certificate_ends a.pem: The certificate a.pem ends on 2026-12-09, in 13 days"},
		{"one that has ended", func(f *Facts) { f.Certificates = map[string]time.Time{"a.pem": noon.Add(-time.Hour)} }, "certificate_ends a.pem: The certificate a.pem has ended on 2026-11-26"},
		{"a pool's", pool(func(p *Pool) { p.CertificateEnds = end }), "certificate_ends pool a: The certificate of pool a ends on 2026-12-09, in 13 days: from then on new links to it are refused"},
		{"one behind a pool's", pool(func(p *Pool) { p.CertificateEnds, p.CertificateSigner = end, "R11" }), "certificate_ends pool a: The certificate R11, which stands behind that of pool a, ends on 2026-12-09, in 13 days: from then on new links to it are refused"},
		{"a pool's that lasts", pool(func(p *Pool) { p.CertificateEnds = end.Add(24 * time.Hour) }), ""},
		{"a pool's that has ended", pool(func(p *Pool) { p.CertificateEnds = noon }), "certificate_ends pool a: The certificate of pool a has ended on 2026-11-26: new links to it are refused"},
		{"a pool's that is pinned", pool(func(p *Pool) { p.CertificateEnds, p.Pinned = end, true }), "certificate_ends pool a: The certificate of pool a ends on 2026-12-09, in 13 days: it is pinned, so a renewed one is refused until tls_fingerprint has its fingerprint"},
		{"one that was pinned, and has ended", pool(func(p *Pool) { p.CertificateEnds, p.Pinned = noon, true }), "certificate_ends pool a: The certificate of pool a has ended on 2026-11-26: it is pinned, so a renewed one is refused until tls_fingerprint has its fingerprint"},
		{"a broken file", func(f *Facts) { f.Reload = "line 7" }, "reload_failed: The configuration was not loaded: line 7"},
		{"the database", func(f *Facts) { f.Store = "refused" }, "store_down: The database of accounts is away: refused"},
		{"the history", func(f *Facts) { f.History = "the disk is full" }, "history_down: The history is not written: the disk is full"},
		{"the clock", func(f *Facts) { f.Unsynced = true }, "clock_unsynchronized: Nothing keeps this machine's clock right"},
	} {
		f := newFarm(t, atOnce)
		f.facts.Pools = nil
		x.facts(&f.facts)
		var got []string
		f.facts.Workers = NewWorkers(noon)
		for _, a := range f.e.Look(noon, &f.facts).Began {
			got = append(got, strings.TrimSpace(a.Rule+" "+a.Subject)+": "+a.Text)
		}
		if s := strings.Join(got, "; "); s != x.want {
			t.Errorf("%s:\ngot  %s\nwant %s", x.what, s, x.want)
		}
	}
}

// What a pool did in the last time is what counts, not since it began.
func TestPoolsAreJudgedByTheLastTime(t *testing.T) {
	f := newFarm(t, func(s *Settings) { atOnce(s); s.Mute = true })
	f.facts.Pools = []Pool{{Name: "a", Up: true, Accepted: 1000, Rejected: 900, Told: 50, ToldLate: 50, BitsReduced: 3}}
	p := &f.facts.Pools[0]
	f.pass(10 * time.Minute)
	f.wants() // that was before
	p.Accepted, p.Rejected = p.Accepted+95, p.Rejected+5
	p.Told, p.ToldLate = p.Told+6, p.ToldLate+4
	f.pass(15 * time.Second)
	f.wants("12:10:00 began rejects a", "12:10:00 began pool_late a")
	p.BitsReduced++
	f.pass(30 * time.Minute)
	f.wants("12:10:15 began fewer_version_bits a", "12:20:00 ended rejects a")
	f.pass(time.Hour)
	f.wants("12:42:00 ended fewer_version_bits a")
	f.pass(6 * time.Hour)
	f.wants("18:36:00 ended pool_late a")
	p.Accepted, p.Rejected, p.Told, p.ToldLate, p.BitsReduced = 0, 0, 0, 0, 0 // the books began again
	f.pass(15 * time.Second)
	p.Accepted, p.Rejected = 90, 9 // too few to tell
	f.pass(time.Hour)
	f.wants()
}

// Workers are judged by their own past; what they are called tells which of them are missing.
func TestWorkersInWords(t *testing.T) {
	worker := func(name, group string, state stats.WorkerState, ago time.Duration) *stats.WorkerInfo {
		w := &stats.WorkerInfo{Name: name, Group: group, State: state, HashRate: 1e12, ConnectedSince: noon.Add(-time.Hour), Since: noon.Add(-ago)}
		w.Shares[work.Accepted] = 1
		return w
	}
	const up, down, silent = stats.WorkerUp, stats.WorkerDown, stats.WorkerSilent
	rack := func(n int, name string, state stats.WorkerState) (list []*stats.WorkerInfo) {
		for i := range n {
			list = append(list, worker(fmt.Sprintf("%s%02d", name, i), "B", state, time.Hour))
		}
		return list
	}
	for _, x := range []struct {
		what    string
		workers []*stats.WorkerInfo
		want    string // notices: those that are severe have an exclamation mark
	}{
		{"none", nil, ""},
		{"one that is up", rack(1, "r1-", up), ""},
		{"one of two", append(rack(1, "r1-", up), rack(1, "r2-", down)...), "!Worker r2-00 has been down since 11:00"},
		{"all, one of them connected", []*stats.WorkerInfo{worker("x", "a", silent, time.Hour), worker("y", "a", down, time.Hour)}, "!All 2 workers of group a have been down or silent since 11:00"},
		{"one that is connected", []*stats.WorkerInfo{worker("x", "a", up, 0), worker("y", "a", silent, time.Hour)}, "!Worker y has been silent since 11:00"},
		{"since yesterday", []*stats.WorkerInfo{worker("x", "a", up, 0), worker("y", "a", down, 13*time.Hour)}, "!Worker y has been down since 2026-11-25 23:00"},
		{"all without a group, beside one", append(rack(4, "r1-", up), worker("x", "", down, time.Hour), worker("y", "", down, time.Hour)), "!All 2 workers without a group have been down since 11:00"},
		{"of no group", []*stats.WorkerInfo{worker("x", "", up, 0), worker("y", "", down, 2*time.Hour), worker("z", "", down, time.Hour)}, "!2 of 3 workers have been down since 10:00 to 11:00"},
		{"those of a rack", append(rack(12, "hallB-r1-", up), rack(12, "hallB-r7-", down)...), "!12 of 24 workers of group B have been down since 11:00, all of them called hallB-r7-*"},
		{"few of many", append(rack(99, "r1-", up), rack(3, "r1-x", down)...), "3 of 102 workers of group B have been down since 11:00, all of them called r1-x0*"},
		{"one of last week", []*stats.WorkerInfo{worker("x", "a", up, 0), worker("y", "a", down, 25*time.Hour)}, ""},
		{"one that never came", []*stats.WorkerInfo{{Name: "never", Group: "a", State: down}}, ""},
	} {
		f := newFarm(t, nil)
		f.facts.Workers = NewWorkers(noon)
		for _, w := range x.workers {
			f.facts.Workers.Add(w, 0)
		}
		f.e.Look(noon, &f.facts)
		var got []string
		for _, n := range f.e.Notices() {
			mark := ""
			if n.Severe {
				mark = "!"
			}
			got = append(got, mark+n.Text)
		}
		if s := strings.Join(got, "|"); s != x.want {
			t.Errorf("%s:\ngot  %s\nwant %s", x.what, s, x.want)
		}
	}
}

// Workers that hash less than half of what they usually do are an alert if there are many of
// them; those that have just come are not judged.
func TestWorkersThatAreSlow(t *testing.T) {
	f := newFarm(t, func(s *Settings) { atOnce(s); s.Mute = true })
	look := func(slow, fresh int) string {
		f.facts.Workers = NewWorkers(f.now)
		for i := range 100 {
			w := &stats.WorkerInfo{Name: fmt.Sprint(i), Group: "B", State: stats.WorkerUp, HashRate: 100, ConnectedSince: f.now.Add(-time.Hour)}
			switch {
			case i < slow:
				w.HashRate = 49
			case i < slow+fresh:
				w.HashRate, w.ConnectedSince = 1, f.now.Add(-time.Minute)
			}
			f.facts.Workers.Add(w, 100)
		}
		text := ""
		for _, a := range f.e.Look(f.now, &f.facts).Began {
			text += a.Text
		}
		return text
	}
	if got := look(5, 30); got != "" {
		t.Errorf("few: %s", got)
	}
	if got, want := look(6, 0), "6 of 100 workers hash less than half of their own usual: 6 of group B"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A worker that is not on the list is an alert if there is a list.
func TestWorkersThatAreNotOnTheList(t *testing.T) {
	look := func(listed bool, strangers int) (text string) {
		f := newFarm(t, atOnce)
		f.facts.Workers = NewWorkers(noon)
		add := func(name string, expected bool) {
			w := &stats.WorkerInfo{Name: name, State: stats.WorkerUp, Expected: expected}
			w.Shares[work.Accepted] = 1
			f.facts.Workers.Add(w, 0)
		}
		add("ours", listed)
		for i := range strangers {
			add(fmt.Sprintf("evil%d", i), false)
		}
		for _, a := range f.e.Look(noon, &f.facts).Began {
			text += a.Text
		}
		return text
	}
	for _, x := range []struct {
		listed    bool
		strangers int
		want      string
	}{
		{false, 3, ""},
		{true, 0, ""},
		{true, 1, "Worker evil0 mines, and is not on the roster's list"},
		{true, 7, "7 workers mine that are not on the roster's list: evil0, evil1, evil2, evil3, evil4, and 2 more"},
	} {
		if got := look(x.listed, x.strangers); got != x.want {
			t.Errorf("a list: %v, %d strangers:\ngot  %s\nwant %s", x.listed, x.strangers, got, x.want)
		}
	}
}
