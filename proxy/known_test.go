package proxy

import (
	"slices"
	"testing"
	"time"

	"farmproxy/naming"
	"farmproxy/stats"
)

// After a restart the groups of the workers that are still away are groups as well: miners are
// taken off power when they are.
func TestGroupsOfWorkersThatAreAway(t *testing.T) {
	t.Parallel()
	book, _, _ := served()
	groups, wrong := naming.ParseGroups([]string{`{name:hall-\d+}`})
	if wrong != nil {
		t.Fatal(wrong)
	}
	book.Configure(stats.Settings{Groups: groups})
	book.SetForget(30 * 24 * time.Hour)
	book.Remember([]stats.Remembered{
		{Name: "hall-3.rig", LastSeen: time.Now().Add(-time.Hour)}, {Name: "hall-2.rig", LastSeen: time.Now().Add(-72 * time.Hour)},
		{Name: "hall-1.rig", Expected: true}, {Name: "elsewhere", Expected: true},
	})
	if got := (farm{p: &proxy{book: book}}).groups(); !slices.Equal(got, []string{"hall-1", "hall-2", "hall-3"}) {
		t.Errorf("%q", got)
	}
}
