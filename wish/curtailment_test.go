package wish

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// A curtailment holds from its beginning to its end, is kept, and then is over.
func TestCurtailments(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	var o Orders
	refused := func(what, group string, c Curtailment) {
		t.Helper()
		if o.Curtail(group, c) == nil {
			t.Errorf("%s: not refused", what)
		}
	}
	refused("no end", "", Curtailment{})
	refused("an end before the beginning", "hall", Curtailment{Note: Note{Until: now}, From: now})
	for group, c := range map[string]Curtailment{
		"":     {Note: Note{By: "ann", Until: now.Add(time.Hour)}},
		"hall": {Note: Note{By: "ann", Until: now.Add(3 * time.Hour)}, From: now.Add(2 * time.Hour), Reason: "the grid"},
	} {
		if err := o.Curtail(group, c); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Decode(o.Encode())
	if err != nil {
		t.Fatal(err)
	}
	off := func(after time.Duration, want ...string) {
		t.Helper()
		if got := slices.Sorted(maps.Keys(again.Curtailed(now.Add(after)))); !slices.Equal(got, want) {
			t.Errorf("after %v: %q are off, want %q", after, got, want)
		}
	}
	off(0, "")
	off(time.Hour)
	off(2*time.Hour, "hall")
	off(3 * time.Hour)
	if ended := again.Expire(now.Add(3 * time.Hour)); len(ended) != 2 || ended[1].Name != "hall" || ended[1].Kind != OfGroup {
		t.Errorf("ended: %+v", ended)
	}
	if _, there := o.Uncurtail("hall"); !there {
		t.Error("it can't be taken back")
	}
	if _, there := o.Uncurtail("hall"); there {
		t.Error("it is taken back twice")
	}
}
