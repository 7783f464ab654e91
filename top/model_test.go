package top

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"farmproxy/internal/golden"
	"farmproxy/live"
)

func init() { time.Local = time.FixedZone("CET", 3600) }

// noon is when the farm of the tests is, in its zone.
var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.FixedZone("", -6*3600))

// farm is a farm that a test writes; it is a live.Source.
type farm struct {
	live.Farm
	workers []*live.Worker
	answers map[string]string // by the beginning of the path
}

// user sits before a model.
type user struct {
	t     *testing.T
	m     *model
	feed  *live.Feed
	page  *live.Page
	asked []string // paths
	farm  *source
}

// source makes a live.Source of a farm.
type source struct{ *farm }

func (s source) Farm() *live.Farm {
	f := s.farm.Farm
	return &f
}

func (s source) EachWorker(each func(*live.Worker)) {
	for _, w := range s.workers {
		each(w)
	}
}

// newUser opens top on a farm, with a terminal of a size.
func newUser(t *testing.T, f *farm, width, height int) *user {
	u := &user{t: t, farm: &source{f}}
	u.m = newModel(u.ask)
	u.feed = live.NewFeed(u.farm)
	var err error
	if u.page, err = u.feed.Open(noon, ""); err != nil {
		t.Fatal(err)
	}
	u.tell(tea.WindowSizeMsg{Width: width, Height: height})
	u.hear()
	return u
}

// ask answers at once.
func (u *user) ask(question int, path string) tea.Cmd {
	u.asked = append(u.asked, path)
	known := ""
	for begins := range u.farm.answers {
		if strings.HasPrefix(path, begins) && len(begins) > len(known) {
			known = begins
		}
	}
	if known == "" {
		return func() tea.Msg { return answer{question, path, nil, errors.New("nothing is at " + path)} }
	}
	return func() tea.Msg { return answer{question, path, json.RawMessage(u.farm.answers[known]), nil} }
}

// tell tells the model something, and then whatever comes of it, except that time passes.
func (u *user) tell(msg tea.Msg) {
	_, cmd := u.m.Update(msg)
	if _, is := msg.(second); is {
		return // what it asks is told by pass
	}
	u.run(cmd)
}

func (u *user) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			u.run(c)
		}
	case nil:
	default:
		u.tell(msg)
	}
}

// hear passes on the next event.
func (u *user) hear() { u.tell(heard(<-u.page.Events())) }

// pass lets seconds pass, without an event.
func (u *user) pass(seconds int) {
	for range seconds {
		u.m.quiet++
		u.m.passed()
		u.run(u.m.askDue())
	}
}

// press presses keys: names of keys, or text.
func (u *user) press(keys ...string) {
	for _, k := range keys {
		special := map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown, "end": tea.KeyEnd, "home": tea.KeyHome, "pgdown": tea.KeyPgDown, "tab": tea.KeyTab, "backspace": tea.KeyBackspace}
		if code, is := special[k]; is {
			u.tell(tea.KeyPressMsg{Code: code})
			continue
		}
		for _, r := range k {
			u.tell(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
}

// screen is what is shown, without styles. It must have the terminal's size.
func (u *user) screen() string {
	u.t.Helper()
	lines := u.m.screen()
	if len(lines) != u.m.height {
		u.t.Errorf("%d lines on a screen of %d", len(lines), u.m.height)
	}
	for i := range lines {
		if n := ansi.StringWidth(lines[i]); n > u.m.width {
			u.t.Errorf("%d columns on a screen of %d: %s", n, u.m.width, lines[i])
		}
		lines[i] = strings.TrimRight(ansi.Strip(lines[i]), " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// sees fails unless the screen has each text.
func (u *user) sees(texts ...string) {
	u.t.Helper()
	screen := u.screen()
	for _, text := range texts {
		if !strings.Contains(screen, text) {
			u.t.Errorf("no %q on\n%s", text, screen)
		}
	}
}

// names are the workers on the screen, the chosen one with its mark.
func (u *user) names() string {
	u.t.Helper()
	var list []string
	for line := range strings.Lines(u.screen()) {
		if words := strings.Fields(line); len(words) > 1 && strings.Contains(line, ".rig") {
			name := words[0]
			if name == ">" {
				name += words[1]
			}
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

func (u *user) wantNames(want string) {
	u.t.Helper()
	if got := u.names(); got != want {
		u.t.Errorf("%s, want %s", got, want)
	}
}

// aFarm is one with a pool that is down, a split, and workers in all states.
func aFarm() *farm {
	f := &farm{Farm: live.Farm{
		Version: "1.2.3", Ready: true, Miners: 4, MinersMax: 1000, HashRate: 300e12, Remembers: true,
		Shares: live.Tally{Accepted: 1234567, Rejected: map[string]uint64{"stale": 1000, "low_difficulty": 234}},
		Pools: []live.Pool{
			{Name: "main", State: "enabled", Up: true, Active: true, Miners: 3, HashRate: 210e12, Difficulty: 65536, Lag: new(0.012), Latency: new(0.034), Shares: live.Tally{Accepted: 1000, Rejected: map[string]uint64{"stale": 1}}},
			{Name: "second", State: "enabled", Up: true, Active: true, Miners: 1, HashRate: 90e12, Difficulty: 1048576},
			{Name: "backup\x1b[2J", State: "enabled", Trouble: "connection refused"},
			{Name: "maintained", State: "drained", Up: true},
		},
		Wrong:     []live.Wrong{{Severe: true, Text: "Pool backup is down: connect to 10.11.12.13:3333: connection refused, as before, and the times before that too"}, {Text: "Worker farm.rig3 has been silent since 11:30"}},
		Off:       []live.Off{{Group: "hall-9", Until: noon.Add(2 * time.Hour)}},
		WorkersUp: 2, WorkersDown: 2, NeverSeen: 1,
	}, answers: map[string]string{
		"/api/v1/routes":           `{"routes":[{"route":"hall-1","miners":4,"goals":[{"goal":"main","up":true,"source":"configuration","wish":0.7,"part":0.695,"miners":3,"hashrate":210e12},{"goal":"second","up":false,"source":"order","wish":0.3,"part":null,"miners":1,"hashrate":9e13}]}]}`,
		"/api/v1/history?from=-1h": `{"from":"2026-11-26T17:00:00Z","to":"2026-11-26T17:10:00Z","step_seconds":60,"points":[{"time":"2026-11-26T17:01:00Z","hashrate":1e14,"seconds":60},{"time":"2026-11-26T17:02:00Z","hashrate":2e14,"seconds":60},{"time":"2026-11-26T17:05:00Z","hashrate":3e14,"seconds":60}]}`,
		"/api/v1/history?from=":    `{"from":"2026-11-26T17:00:00Z","to":"2026-11-26T17:00:00Z","step_seconds":60,"points":[]}`,
		"/api/v1/history?kind=worker&name=farm.rig1&from=-24h":  `{"from":"2026-11-26T17:00:00Z","to":"2026-11-26T17:10:00Z","step_seconds":60,"points":[{"time":"2026-11-26T17:09:00Z","hashrate":1e14,"seconds":60}]}`,
		"/api/v1/history?kind=worker&name=farm.rig1&from=-168h": `{"points":[{"time":"2026-11-25T00:00:00Z","hashrate":1e14,"up":0.995,"accepted":8640,"rejected":2,"efficiency":0.99977},{"time":"2026-11-26T00:00:00Z","hashrate":0,"up":0,"efficiency":null}]}`,
		"/api/v1/events?from":               `{"events":[{"time":"2026-11-26T17:59:00Z","kind":"pool_down","subject":"backup","text":"connection refused"},{"time":"2026-11-25T09:00:00Z","kind":"start","subject":"","text":"1.2.3"}]}`,
		"/api/v1/events?subject=farm.rig1&": `{"events":[{"time":"2026-11-26T17:59:00Z","kind":"worker_up","subject":"farm.rig1","text":""}]}`,
		"/api/v1/workers/farm.rig1":         `{"name":"farm.rig1","difficulty":65536,"accepted":8640,"rejected":{"stale":2},"last_share":"2026-11-26T17:59:48Z","reconnects":3,"last_refused":[{"time":"2026-11-26T17:58:00Z","reason":"stale","difficulty":65536}],"last_closed":[{"time":"2026-11-26T14:59:00Z","address":"10.0.0.7:4027","reason":"miner_left"}]}`,
	}}
	add := func(name, group string, state live.State, rate float64, since time.Duration) {
		w := &live.Worker{Name: name, Group: group, Pool: "main", Address: netip.MustParseAddrPort("10.0.0.7:4028"), Agent: "bosminer", State: state, HashRate: rate, Usual: 110e12}
		if since > 0 {
			w.Since = noon.Add(-since)
		}
		f.workers = append(f.workers, w)
	}
	add("farm.rig1", "hall-1", live.Up, 110e12, 3*time.Hour)
	add("farm.rig2", "hall-1", live.Up, 100e12, 5*time.Minute)
	add("farm.rig3\x1b[31m", "hall-2", live.Silent, 0, 30*time.Minute)
	add("farm.rig4-with-a-name-that-is-rather-long", "hall-2", live.Down, 0, 26*time.Hour)
	add("farm.rig5", "", live.Down, 0, 0)
	return f
}

// Screens as they are recorded, in terminals of several sizes.
func TestScreens(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {60, 16}, {132, 40}} {
		u := newUser(t, aFarm(), size[0], size[1])
		f := func(name string) {
			t.Helper()
			golden.Compare(t, fmt.Sprintf("testdata/%s-%dx%d.txt", name, size[0], size[1]), u.screen())
		}
		f("farm")
		u.press("3")
		f("groups")
		u.press("2")
		f("workers")
		u.press("enter")
		f("worker")
		u.press("?")
		f("keys")
	}
}

// No size of a terminal is too small, and none is needed.
func TestSmallScreens(t *testing.T) {
	for width := range 30 {
		for height := range 8 {
			u := newUser(t, aFarm(), width, height)
			for _, keys := range []string{"2", "end", "/", "x", "esc", "enter", "?"} {
				u.press(keys)
				if width > 0 && height > 0 {
					u.screen()
				}
			}
		}
	}
}
