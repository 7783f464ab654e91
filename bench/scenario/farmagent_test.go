package scenario

import (
	"testing"
)

func TestAmiss(t *testing.T) {
	got := amiss(map[string]int{"a": 1, "b": 2, "x": 1}, map[string]int{"a": 1, "b": 1, "c": 1})
	want := `3 workers are registered, want 3; 1 not registered, such as "c"; 1 registered and should not be, such as "x"; 1 registered more than once, such as "b"`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
