package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/api"
	"farmproxy/balance"
	"farmproxy/config"
	"farmproxy/internal/journal"
	"farmproxy/netloop"
	"farmproxy/wish"
)

// paper is a farm on paper: route hall-1 with two goals, pools a and b, and no miner.
type paper struct{ down string }

var hallOnPaper = wish.Route{Name: "hall-1", Goals: []wish.Goal{{Name: "main", Weight: 70}, {Name: "second", Weight: 30}}}

func (paper) route(name string) (wish.Route, bool) { return hallOnPaper, name == "hall-1" }
func (paper) routes() []string                     { return []string{"hall-1"} }
func (p paper) works(_, goal string) bool          { return goal != p.down }
func (paper) pool(name string) bool                { return slices.Contains(paper{}.pools(), name) }
func (paper) facts() facts                         { return facts{config: new(config.Config)} }
func (paper) workers(string) (known, up int)       { return 12, 10 }
func (paper) flows(context.Context, string, []balance.Goal, map[string]string) (*flow, error) {
	return new(flow), nil
}
func (paper) groups() []string                                                    { return []string{"hall-1"} }
func (paper) pools() []string                                                     { return []string{"a", "b"} }
func (paper) SplitMinersOf(context.Context, string) ([]netloop.SplitMiner, error) { return nil, nil }
func (paper) Move(context.Context, []netloop.Move) ([]netloop.Moved, error) {
	return nil, errors.New("there is nobody to move")
}

// office is a desk with a clock of its own, and what it had done to pools.
type office struct {
	desk
	clock time.Time
	pools string   // left alone
	past  []string // remembered
	log   journal.Journal
}

func newOffice(dir string) *office {
	f := &office{clock: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	f.orders = newOrders(dir, paper{}, func(pools map[string]wish.PoolState) {
		var list []string
		for _, name := range slices.Sorted(maps.Keys(pools)) {
			list = append(list, fmt.Sprintf("%s %v", name, pools[name]))
		}
		f.pools = strings.Join(list, ", ")
	}, slog.New(slog.NewTextHandler(&f.log, nil)))
	f.now = func() time.Time { return f.clock }
	f.remember = func(kind, subject, text string) { f.past = append(f.past, kind+" "+subject+": "+text) }
	f.tell()
	<-f.changed()
	return f
}

// list shows all orders.
func (f *office) list() string {
	var lines []string
	for _, o := range f.Orders() {
		until := "-"
		if o.Until != nil {
			until = o.Until.Format("15:04")
		}
		mark := ""
		if !o.Effective {
			mark = " *"
		}
		lines = append(lines, fmt.Sprintf("%s %s: %s by %s until %s%s", o.Kind, o.Name, o.What, o.By, until, mark))
	}
	return strings.Join(lines, "\n")
}

// mustOrder gives one order of each kind, for an hour or for good.
func (f *office) mustOrder(t *testing.T) {
	t.Helper()
	hour := api.Term{For: "1h"}
	_, weights := f.Weigh("anna", "hall-1", api.WeightsOrder{Weights: map[string]float64{"main": 10, "second": 90}, Term: hour})
	_, pin := f.Pin(t.Context(), "anna", "farm.rig1", api.MoveOrder{Goal: "second"})
	_, drain := f.Leave("bert", "a", api.Drain, hour)
	_, disable := f.Leave("bert", "b", api.Disable, api.Term{})
	if err := errors.Join(weights, pin, drain, disable); err != nil {
		t.Fatal(err)
	}
}

const allOrders = `weights hall-1: main 10, second 90 by anna until 13:00
pin farm.rig1: at goal second of route hall-1 by anna until -
pool a: drained by bert until 13:00
pool b: disabled by bert until -`

// An order is followed at once, ends in its time, and the log has who gave it.
func TestOrdersAreFollowed(t *testing.T) {
	f := newOffice("")
	f.mustOrder(t)
	if got := f.list(); got != allOrders {
		t.Errorf("ordered:\n%s", got)
	}
	if f.pools != "a drained, b disabled" {
		t.Errorf("left alone: %s", f.pools)
	}
	select {
	case <-f.changed():
	default:
		t.Error("nobody was told to look at the routes again")
	}
	w, err := f.Weights("hall-1")
	if err != nil || fmt.Sprintf("%v %v %s %s", w.Goals[0].Fraction, w.Goals[1].Fraction, w.Goals[0].Source, w.Order.By) != "0.1 0.9 order anna" {
		t.Errorf("%+v, %v", w, err)
	}

	f.clock = f.clock.Add(time.Hour - time.Nanosecond)
	f.look()
	if got := f.list(); got != allOrders {
		t.Errorf("too early:\n%s", got)
	}
	f.clock = f.clock.Add(time.Nanosecond)
	f.look()
	if got := f.list(); got != "pin farm.rig1: at goal second of route hall-1 by anna until -\npool b: disabled by bert until -" || f.pools != "b disabled" {
		t.Errorf("after an hour: pools %s\n%s", f.pools, got)
	}
	select {
	case <-f.changed():
	default:
		t.Error("nobody was told that weights have ended")
	}
	for _, want := range []string{`msg="an order has ended" kind=weights name=hall-1 what="main 10, second 90" by=anna`, `kind=pool name=a what=drained by=bert`} {
		if !strings.Contains(f.log.String(), want) {
			t.Errorf("no %s in\n%s", want, &f.log)
		}
	}
	w, err = f.Weights("hall-1")
	if err != nil || w.Order != nil || w.Goals[0].Weight != 70 {
		t.Errorf("%+v, %v", w, err)
	}

	errs := errors.Join(f.Unpin("anna", "farm.rig1"), leaveError(f.Leave("anna", "b", api.Enable, api.Term{})), leaveError(f.Leave("anna", "a", api.Enable, api.Term{})))
	if got := f.list(); errs != nil || got != "" || f.pools != "" {
		t.Errorf("taken back: %v, pools %s\n%s", errs, f.pools, got)
	}
	past := strings.ReplaceAll(`order hall-1: main 10, second 90, by anna, until END
order farm.rig1: at goal second of route hall-1, by anna, until taken back
order a: drained, by bert, until END
order b: disabled, by bert, until taken back
order_ended hall-1: main 10, second 90, by anna
order_ended a: drained, by bert
order farm.rig1: not pinned, by anna
order b: enabled, by anna
order a: enabled, by anna`, "END", time.Date(2026, 11, 26, 13, 0, 0, 0, time.UTC).Local().Format(time.RFC3339))
	if got := strings.Join(f.past, "\n"); got != past {
		t.Errorf("remembered:\n%s", got)
	}
}

func leaveError(_ *api.PoolOrder, err error) error { return err }

// What can't be ordered is said with what could be.
func TestOrdersThatCannotBe(t *testing.T) {
	f := newOffice("")
	says := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	pool := func(name string, how api.PoolAction, term api.Term) error {
		return leaveError(f.Leave("anna", name, how, term))
	}
	place := func(do func(context.Context, string, string, api.MoveOrder) (*api.Moved, error), o api.MoveOrder) error {
		_, err := do(t.Context(), "anna", "farm.rig1", o)
		return err
	}
	weights := func(route string, w map[string]float64) error {
		_, err := f.Weigh("anna", route, api.WeightsOrder{Weights: w})
		return err
	}
	says(pool("c", api.Drain, api.Term{}), `there is no pool "c": there are a, b`)
	says(pool("c", api.Enable, api.Term{}), `there is no pool "c"`)
	says(pool("a", api.Drain, api.Term{For: "-1h"}), "want a duration")
	says(pool("a", api.Enable, api.Term{For: "1h"}), "a pool is enabled for good")
	curtail := func(o api.CurtailOrder) error {
		_, err := f.Curtail("anna", o)
		return err
	}
	for _, zone := range []string{"+24:00", "-24:00", "+23:60"} { // time.Parse takes them, and no file could
		says(pool("a", api.Drain, api.Term{Until: "2027-01-01T00:00:00" + zone}), "until: want a time")
		says(curtail(api.CurtailOrder{Term: api.Term{Until: "2027-01-01T00:00:00" + zone}}), "until: want a time")
		says(curtail(api.CurtailOrder{From: "2027-01-01T00:00:00" + zone, Term: api.Term{For: "1h"}}), "from: want a time")
	}
	says(curtail(api.CurtailOrder{From: "0000-01-01T00:00:00+10:00", Term: api.Term{Until: "2027-01-01T00:00:00Z"}}), "from: want a time")
	says(weights("hall-2", map[string]float64{"main": 1}), `there is no route "hall-2": there is hall-1`)
	says(weights("hall-1", map[string]float64{"main": 1}), `goal "second" of route "hall-1" has no weight`)
	says(f.Unweigh("anna", "hall-1"), `no weights of route "hall-1" are ordered`)
	says(f.Unpin("anna", "farm.rig1"), `worker "farm.rig1" is not pinned`)
	says(place(f.Pin, api.MoveOrder{}), "name the goal that it is to stay at")
	says(place(f.Pin, api.MoveOrder{Goal: "third"}), `route "hall-1" has no goal "third": it has main, second`)
	says(place(f.Pin, api.MoveOrder{Goal: "main", Route: "hall-2"}), `there is no route "hall-2"`)
	says(place(f.Move, api.MoveOrder{}), "goal: required")
	says(place(f.Move, api.MoveOrder{Goal: "main"}), `no miner of worker "farm.rig1" is connected to a route that is split: pin it`)
	if got := f.list(); got != "" {
		t.Errorf("left behind:\n%s", got)
	}
}

// A goal whose pools are all down gives its part to the others, also by order.
func TestWeightsOfAGoalThatIsDown(t *testing.T) {
	f := newOffice("")
	f.known = paper{down: "second"}
	w, err := f.Weigh("anna", "hall-1", api.WeightsOrder{Weights: map[string]float64{"main": 10, "second": 90}})
	if err != nil || w.Goals[0].Fraction != 1 || w.Goals[1].Fraction != 0 || w.Goals[1].Weight != 90 {
		t.Errorf("%+v, %v", w, err)
	}
}

// Orders outlive a restart; one that has ended meanwhile does not come back.
func TestOrdersOverARestart(t *testing.T) {
	dir := t.TempDir()
	newOffice(dir).mustOrder(t)
	f := newOffice(dir)
	if got := f.list(); got != allOrders || f.pools != "a drained, b disabled" {
		t.Errorf("pools %s\n%s", f.pools, got)
	}
	if info, err := os.Stat(filepath.Join(dir, ordersFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	later := newOffice(dir)
	later.clock = later.clock.Add(2 * time.Hour)
	later.look()
	if got := newOffice(dir).list(); strings.Contains(got, "13:00") || strings.Count(got, "\n") != 1 {
		t.Errorf("two hours later:\n%s", got)
	}
}

// What the disk does not take is in force, is said once, and is written when there is room.
func TestOrdersAndAFullDisk(t *testing.T) {
	dir := t.TempDir()
	f := newOffice(dir)
	full := true
	write := f.write
	f.write = func(path string, text []byte) error {
		if full {
			return errors.New("no space left on device")
		}
		return write(path, text)
	}
	f.mustOrder(t)
	f.look()
	if got := f.list(); got != allOrders {
		t.Errorf("in force:\n%s", got)
	}
	if n := strings.Count(f.log.String(), "could not be written down"); n != 1 {
		t.Errorf("said %d times:\n%s", n, &f.log)
	}
	full = false
	f.look()
	if got := newOffice(dir).list(); got != allOrders {
		t.Errorf("when there is room:\n%s", got)
	}
}

// A file that can't be read is put aside and said; a newer farmproxy's stays as it is.
func TestOrdersInAFileThatIsNotUnderstood(t *testing.T) {
	f := func(text, said, left string) {
		t.Helper()
		dir := t.TempDir()
		path := filepath.Join(dir, ordersFile)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o := newOffice(dir)
		if got := o.list(); got != "" || !strings.Contains(o.log.String(), said) {
			t.Errorf("%s: orders %q, log\n%s", text, got, &o.log)
		}
		if strings.Contains(o.log.String(), "<nil>") {
			t.Errorf("%s: the log has an error that is none:\n%s", text, &o.log)
		}
		o.mustOrder(t)
		if kept, err := os.ReadFile(filepath.Join(dir, left)); err != nil || string(kept) != text {
			t.Errorf("%s: %s has %s, %v", text, left, kept, err)
		}
	}
	f(`{"version":1,`, "the orders of operators could not be read", ordersFile+".broken")
	f(`{"version":2,"everything":"else"}`, "written by a newer farmproxy", ordersFile)
}

// While another process takes over nothing changes here, for that would be forgotten; what
// it takes over is what was ordered. If it comes to nothing, orders are taken again.
func TestOrdersAreHandedOver(t *testing.T) {
	f := newOffice("")
	f.mustOrder(t)
	f.freeze(true)
	f.clock = f.clock.Add(2 * time.Hour)
	f.look()
	if err := f.Unpin("anna", "farm.rig1"); !errors.Is(err, errFrozen) {
		t.Errorf("during the hand-over: %v", err)
	}
	heir := newOffice("")
	heir.restore(f.state())
	heir.tell()
	if got := heir.list(); got != allOrders || heir.pools != "a drained, b disabled" {
		t.Errorf("handed over: pools %s\n%s", heir.pools, got)
	}
	f.freeze(false)
	if err := f.Unpin("anna", "farm.rig1"); err != nil {
		t.Error(err)
	}
	before := heir.list()
	heir.restore([]byte(`{"version":2}`))
	if heir.list() != before || !strings.Contains(heir.log.String(), "are not understood") {
		t.Errorf("a newer process's:\n%s\n%s", heir.list(), &heir.log)
	}
}

// What the configuration no longer has is shown, and said at a reload.
func TestOrdersWithoutAnEffect(t *testing.T) {
	f := newOffice("")
	f.mustOrder(t)
	f.known = bare{}
	if got := f.list(); strings.Count(got, " *") != 4 {
		t.Errorf("shown:\n%s", got)
	}
	f.warnHomeless()
	if got := f.log.String(); strings.Count(got, "an order changes nothing now") != 4 || !strings.Contains(got, `kind=pool name=a what=drained by=bert until=2026-11-26T13:00:00Z`) {
		t.Errorf("said:\n%s", got)
	}
	if err := errors.Join(f.Unweigh("anna", "hall-1"), leaveError(f.Leave("anna", "a", api.Enable, api.Term{}))); err != nil {
		t.Errorf("they can be taken back: %v", err)
	}
}

// bare is a farm whose configuration has lost everything.
type bare struct{ paper }

func (bare) route(string) (wish.Route, bool) { return wish.Route{}, false }
func (bare) routes() []string                { return nil }
func (bare) pool(string) bool                { return false }
func (bare) pools() []string                 { return nil }
