package proxy

import (
	"strings"
	"testing"

	"farmproxy/config"
)

// What a change of pools and routes does is said before it is made.
func TestEffects(t *testing.T) {
	t.Parallel()
	pool := func(name, address string) string {
		return "[[pool]]\nname = \"" + name + "\"\nurl = \"stratum+tcp://" + address + ":3333\"\nuser = \"farm\"\n"
	}
	route := func(goals ...string) (text string) {
		text = "[[route]]\nname = \"hall\"\n"
		for _, g := range goals {
			name, rest, _ := strings.Cut(g, " ")
			weight, pools, _ := strings.Cut(rest, " ")
			text += "[[route.goal]]\nname = \"" + name + "\"\nweight = " + weight + "\npools = [\"" + strings.ReplaceAll(pools, " ", `", "`) + "\"]\n"
		}
		return text
	}
	at := func(days string) string {
		return "[[route.goal.schedule]]\ndays = \"" + days + "\"\nfrom = \"22:00\"\nto = \"06:00\"\nzone = \"Europe/Berlin\"\nweight = 90\n"
	}
	a, b, c := pool("a", "192.0.2.1"), pool("b", "192.0.2.2"), pool("c", "192.0.2.3")
	up := facts{pools: map[string]poolFacts{"a": {true, true, 7}, "b": {true, false, 0}}}
	split := facts{pools: map[string]poolFacts{"a": {true, true, 7}, "b": {true, true, 3}}, goals: map[goalKey]int{{"hall", "main"}: 7, {"hall", "rest"}: 3}}
	ordered := split
	ordered.given = []string{"hall"}
	drained := facts{pools: map[string]poolFacts{"a": {true, true, 7}, "b": {false, false, 0}}}
	const safe = "No miner is disconnected."
	for _, x := range []struct {
		name, from, to string
		facts
		want []string
	}{
		{"nothing", a + b, a + b, up, []string{safe}},
		{"another order", a + b, b + a, up, []string{"From a to b: 7 miners, each by a clean job, once it has been healthy for failover.return_after (2m).", safe}},
		{"the active pool goes", a + b, b, up, []string{"a is left: its link ends when its shares have their verdicts.", "From a to b: 7 miners, each by a clean job.", safe}},
		{"a backup goes", a + b, a, up, []string{"b is left: farmproxy connects to it no more.", safe}},
		{"a new backup", a, a + c, up, []string{"c is new: farmproxy connects to it and probes it.", safe}},
		{"a new first", a, c + a, up, []string{"c is new: farmproxy connects to it and probes it.", "To c: 7 miners, once it has been healthy for failover.return_after (2m).", safe}},
		{"another pool only", a, c, up, []string{"c is new: farmproxy connects to it and probes it.", "a is left: its link ends when its shares have their verdicts.",
			"c is not known to work yet: when it gives a job, it gets 7 miners. Until then they stay connected for failover.hold (10m)."}},
		{"a backup that does not work", a + b, b, drained, []string{"a is left: its link ends when its shares have their verdicts.",
			"No pool is up for 7 miners: they stay connected for failover.hold (10m), and are disconnected then."}},
		{"another user", a, strings.Replace(a, "farm", "other", 1), up, []string{"a is connected anew; 7 miners of it get a clean job once the new link is up.", safe}},
		{"other weights", a + b + route("main 70 a", "rest 30 b"), a + b + route("main 50 a", "rest 50 b"), split, []string{
			"Route hall is divided otherwise: main 70 % → 50 %, rest 30 % → 50 %. Within minutes some of its miners move, each by a clean job on the connection that it has.", safe}},
		{"other weights beside an order", a + b + route("main 70 a", "rest 30 b"), a + b + route("main 50 a", "rest 50 b"), ordered, []string{
			"Route hall is divided otherwise: main 70 % → 50 %, rest 30 % → 50 %. Within minutes some of its miners move, each by a clean job on the connection that it has.",
			"Other weights are ordered for route hall now: they hold until the order ends or is taken back.", safe}},
		{"a route", a + b, a + b + route("main 70 a", "rest 30 b"), up, []string{
			"Route hall is divided otherwise: main 70 % (new), rest 30 % (new). Within minutes some of its miners move, each by a clean job on the connection that it has.", safe}},
		{"a schedule", a + b + route("main 30 b", "rest 70 a"), a + b + route("main 30 b", "rest 70 a") + at("mon-fri"), split, []string{
			"By its schedule, goal rest of route hall weighs 90 (mon-fri 22:00-06:00 Europe/Berlin), and 70 otherwise.",
			"When one of these times begins or ends, some miners of route hall move within minutes, each by a clean job on the connection that it has.", safe}},
		{"another period beside an order", a + b + route("main 30 b", "rest 70 a") + at("mon-fri"), a + b + route("main 30 b", "rest 70 a") + at("mon-fri") + at("sat"), ordered, []string{
			"By its schedule, goal rest of route hall weighs 90 (mon-fri 22:00-06:00 Europe/Berlin), 90 (sat 22:00-06:00 Europe/Berlin), and 70 otherwise.",
			"When one of these times begins or ends, some miners of route hall move within minutes, each by a clean job on the connection that it has.",
			"Other weights are ordered for route hall now: they hold until the order ends or is taken back.", safe}},
		{"no schedule", a + b + route("main 30 b", "rest 70 a") + at("mon-fri"), a + b + route("main 30 b", "rest 70 a"), split, []string{
			"Goal rest of route hall has no schedule any more: it weighs 70 at all times.", safe}},
		{"a schedule that changes nothing", a + route("main 30 a"), a + route("main 30 a") + at("mon-fri"), split, []string{safe}},
		{"no route", a + b + route("main 70 a", "rest 30 b"), a + b, split, []string{"Route hall is gone: its miners get a clean job of where they belong then.", safe}},
		{"a pool of a goal", a + b + route("main 70 a", "rest 30 b"), a + b + route("main 70 b a", "rest 30 b"), split, []string{
			"From a to b: 7 miners of goal main of route hall, each by a clean job, once it has been healthy for failover.return_after (2m).", safe}},
		{"a pool that no goal lists", a + b + route("main 70 a", "rest 30 b"), a + b + c + route("main 70 a", "rest 30 b"), split, []string{"c is new, and no goal lists it: no miner works for it.", safe}},
	} {
		read := func(text string) *config.Config {
			c, err := config.Parse([]byte("[[listener]]\naddress = \"0.0.0.0:3333\"\n" + text))
			if err != nil {
				t.Fatalf("%s: %v", x.name, err)
			}
			return c
		}
		if got := effects(read(x.from), read(x.to), x.facts); strings.Join(got, "\n") != strings.Join(x.want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", x.name, strings.Join(got, "\n"), strings.Join(x.want, "\n"))
		}
	}
}
