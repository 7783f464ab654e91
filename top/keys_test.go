package top

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"farmproxy/live"
)

// Workers are filtered as one types, and sorted by any column either way.
func TestWorkersAreFilteredAndSorted(t *testing.T) {
	u := newUser(t, aFarm(), 160, 24)
	u.press("2")
	const four = "farm.rig4-with-a-name-that-is-rather-long"
	const three = "farm.rig3?[31m"
	u.wantNames(">farm.rig1 farm.rig2 " + three + " " + four + " farm.rig5")
	u.press("s") // by state, the worst first
	u.wantNames(">" + four + " farm.rig5 " + three + " farm.rig1 farm.rig2")
	u.press("s") // by hash rate, the fastest first
	u.wantNames(">farm.rig1 farm.rig2 " + three + " " + four + " farm.rig5")
	u.press("r")
	u.wantNames(">" + three + " " + four + " farm.rig5 farm.rig2 farm.rig1")
	u.press("s", "s", "s") // by time, the longest first
	u.sees("FOR ▼")
	u.wantNames(">farm.rig5 " + four + " farm.rig1 " + three + " farm.rig2")
	u.press("S", "S", "S", "S", "S")
	u.sees("WORKER ▲")

	u.press("/", "HALL-2 rig")
	u.wantNames(">" + three + " " + four)
	u.sees(`2 workers, 0 up, 0 H/s; only "HALL-2 rig" of 5`, "filter: HALL-2 rig_")
	u.press("backspace", "4") // "HALL-2 ri4"
	u.wantNames("")
	u.press("esc")
	u.sees("5 workers, 2 up")
	u.press("/", "hall-1", "enter", "q?")
	u.wantNames("")
	u.sees("Esc back") // ? is a key again, and so was q
}

// Only those that are not up; Esc brings the others back.
func TestOnlyTrouble(t *testing.T) {
	u := newUser(t, aFarm(), 120, 24)
	u.press("2", "t")
	u.sees("3 workers, 0 up", "only not up of 5")
	u.press("esc")
	u.sees("5 workers, 2 up")
}

// The choice stays with its worker when others come; the first row is whoever is first.
func TestTheChoiceFollowsItsWorker(t *testing.T) {
	f := aFarm()
	u := newUser(t, f, 120, 24)
	u.press("2")
	come := func(name string) {
		f.workers = append(f.workers, &live.Worker{Name: name, State: live.Up, Since: noon})
		u.feed.Tick(noon)
		u.hear()
	}
	come("farm.rig0")
	u.press("down", "down")
	if got := u.names(); !strings.HasPrefix(got, "farm.rig0 farm.rig1 >farm.rig2 ") {
		t.Error(got)
	}
	come("farm.rig00")
	if got := u.names(); !strings.HasPrefix(got, "farm.rig0 farm.rig00 farm.rig1 >farm.rig2 ") {
		t.Error(got)
	}
	u.press("home")
	come("farm.rig")
	if got := u.names(); !strings.HasPrefix(got, ">farm.rig farm.rig0 ") {
		t.Error(got)
	}
}

// Ten thousand workers scroll: the chosen one is always on the screen.
func TestManyWorkers(t *testing.T) {
	f := aFarm()
	for i := range 10_000 {
		f.workers = append(f.workers, &live.Worker{Name: fmt.Sprintf("many.rig%05d", i), State: live.Up, Since: noon})
	}
	u := newUser(t, f, 80, 24)
	u.press("2")
	for key, want := range map[string]string{"end": "many.rig09999", "home": "farm.rig1"} {
		u.press(key)
		u.sees("> " + want)
	}
	u.press("/", "many", "enter")
	for range 100 {
		u.press("pgdown")
	}
	u.sees("> many.rig02000", "10,000 workers")
	u.press("up")
	u.sees("> many.rig01999", "  many.rig02000")
}

// Enter shows a worker, Esc the list again, with the same choice.
func TestAWorkersDetail(t *testing.T) {
	u := newUser(t, aFarm(), 80, 24)
	u.press("2", "down", "enter")
	u.sees("farm.rig2\n", "● up for 5 min")
	u.press("esc")
	u.sees("> farm.rig2")
	u.press("up", "enter")
	u.sees("farm.rig1\n", "Last share        12 s ago", "2 stale: for a job that was replaced")
	u.farm.workers = u.farm.workers[1:]
	u.feed.Tick(noon)
	u.hear()
	u.sees("farm.rig1\n", "No such worker is known any more.")
}

// What is asked is what is on the screen, as often as it changes.
func TestQuestions(t *testing.T) {
	u := newUser(t, aFarm(), 80, 24)
	wants := func(seconds int, want ...string) {
		t.Helper()
		u.asked = nil
		u.pass(seconds)
		if got := strings.Join(u.asked, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("asked\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	}
	if len(u.asked) != 5 {
		t.Errorf("at first: %s", u.asked)
	}
	wants(2, "/api/v1/routes")
	wants(2, "/api/v1/routes", "/api/v1/events?from=-24h&limit=300")
	u.asked = nil
	u.press("2")
	if wants(120); u.asked != nil {
		t.Errorf("in the list: %s", u.asked)
	}
	u.farm.Remembers = false
	u.feed.Tick(noon)
	u.hear()
	u.press("1")
	if want := "[/api/v1/routes]"; fmt.Sprint(u.asked) != want {
		t.Errorf("without a memory: %s, want %s", u.asked, want)
	}
	u.sees("Nothing is remembered: set state_dir")
}

// The answer to a question about another worker is none.
func TestALateAnswer(t *testing.T) {
	u := newUser(t, aFarm(), 80, 24)
	u.press("2", "enter")
	var late answer
	for i, a := range u.m.asked {
		if strings.HasPrefix(a.path, "/api/v1/workers/") {
			late = answer{i, a.path, []byte(`{"name":"farm.rig1","accepted":77}`), nil}
		}
	}
	u.press("esc", "down")
	u.m.ask = func(int, string) tea.Cmd { return nil } // and no new answer comes
	u.press("enter")
	u.tell(late)
	if strings.Contains(u.screen(), "77 accepted") {
		t.Error("an answer about rig1 is shown of rig2")
	}
}

// What could not be asked is said, and forgotten with the next answer.
func TestAQuestionWithoutAnAnswer(t *testing.T) {
	f := aFarm()
	delete(f.answers, "/api/v1/routes")
	u := newUser(t, f, 80, 24)
	u.sees("△ nothing is at /api/v1/routes")
	f.answers["/api/v1/routes"] = `{"routes":[]}`
	u.pass(2)
	if strings.Contains(u.screen(), "△ nothing") {
		t.Error("it is still said")
	}
	f.answers["/api/v1/routes"] = `[]`
	u.pass(2)
	u.sees("△ an answer that cannot be read")
}

// A screen that is not of now says so, and since when.
func TestOutOfDate(t *testing.T) {
	u := newUser(t, aFarm(), 100, 24)
	u.pass(late - 1)
	if strings.Contains(u.screen(), "Out of date") {
		t.Error("too early")
	}
	u.pass(1)
	u.sees("▲ Out of date for 6 s\n", "19:00:06")
	u.tell(lost{errors.New("farmproxy went without an answer\nand more")})
	u.press("2")
	u.sees("▲ Out of date for 6 s: farmproxy went without an answer\n", "farm.rig5")
	u.feed.Tick(noon.Add(10 * time.Second))
	u.hear()
	if s := u.screen(); strings.Contains(s, "Out of date") || !strings.Contains(s, "19:00:10") {
		t.Error(s)
	}
	u.tell(heard("{}"))
	u.sees("▲ Out of date for 0 s: an event of the farm without the farm")
}

// Where there was never anything to show, the program ends and says why.
func TestNobodyAnswers(t *testing.T) {
	m := newModel(nil)
	why := errors.New("no farmproxy answers there")
	if _, cmd := m.Update(lost{why}); cmd == nil || cmd() != tea.Quit() || m.failed != why {
		t.Errorf("%v", m.failed)
	}
}

// q and Ctrl-C end; q in a filter is a letter, Ctrl-C ends there too.
func TestTheEnd(t *testing.T) {
	for _, keys := range [][]tea.KeyPressMsg{
		{{Code: 'q', Text: "q"}},
		{{Code: 'c', Mod: tea.ModCtrl}},
		{{Code: '/', Text: "/"}, {Code: 'q', Text: "q"}, {Code: 'c', Mod: tea.ModCtrl}},
	} {
		u := newUser(t, aFarm(), 80, 24)
		for i, k := range keys {
			cmd := u.m.key(k)
			if ends := cmd != nil && cmd() == tea.Quit(); ends != (i == len(keys)-1) {
				t.Errorf("%v: %v ends: %v", keys, k, ends)
			}
		}
	}
}

// A name is escaped where it stands: in the path, or in the query.
func TestPathsOfWorkers(t *testing.T) {
	f := func(path, name, want string) {
		t.Helper()
		if got := (&question{on: workerView, path: path}).pathOf(name); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	f("/api/v1/workers/%s", "a b/c?d+e", "/api/v1/workers/a%20b%2Fc%3Fd+e")
	f("/api/v1/events?subject=%s&limit=20", "a b/c?d+e&", "/api/v1/events?subject=a+b%2Fc%3Fd%2Be%26&limit=20")
}

// Workers that come in the same minute are one line.
func TestEventsAreGathered(t *testing.T) {
	f := aFarm()
	var list []string
	for _, e := range [][3]string{{"17:59", "worker_up", "farm.rig3"}, {"17:59", "pool_up", "main"}, {"17:59", "worker_up", "farm.rig2"}, {"17:59", "worker_up", "farm.rig1"}, {"17:59", "worker_down", "farm.rig7"}, {"17:59", "worker_down", "farm.rig8"}, {"17:58", "worker_up", "farm.rig9"}, {"17:58", "ban", "10.0.0.7"}, {"17:58", "ban", "10.0.0.8"}} {
		list = append(list, fmt.Sprintf(`{"time":"2026-11-26T%s:30Z","kind":%q,"subject":%q,"text":"x"}`, e[0], e[1], e[2]))
	}
	f.answers["/api/v1/events?from"] = `{"events":[` + strings.Join(list, ",") + `]}`
	u := newUser(t, f, 80, 40)
	u.sees("EVENTS OF 24 H\n18:59  worker up farm.rig3 and 2 others\n18:59  pool up main: x\n18:59  worker down farm.rig7 and another\n18:58  worker up farm.rig9: x\n18:58  ban 10.0.0.7: x\n18:58  ban 10.0.0.8: x\n")
}

// Tab goes round; where workers have no groups, it is said how they get one.
func TestViews(t *testing.T) {
	f := aFarm()
	u := newUser(t, f, 80, 24)
	for _, want := range []string{"[2 Workers]", "[3 Groups]", "[1 Farm]"} {
		u.press("tab")
		u.sees(want)
	}
	u.press("3")
	u.sees("hall-1    ● all up", "hall-2    ✕ none up", "no group  ✕ none up")
	f.workers[1].State = live.Down
	u.feed.Tick(noon)
	u.hear()
	u.sees("hall-1    ▲ some up")
	for _, w := range f.workers {
		w.Group = ""
	}
	u.feed.Tick(noon)
	u.hear()
	u.sees("No worker has a group: miners.worker_group")
}
