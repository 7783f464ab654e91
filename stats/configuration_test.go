package stats

import (
	"strings"
	"testing"
	"time"
)

// A reload that fails leaves the fingerprint and the time of the last one that succeeded.
func TestConfigurationMetrics(t *testing.T) {
	b := newBook(Options{Loops: 1})
	f := func(want ...string) {
		t.Helper()
		var out strings.Builder
		if err := b.WriteMetrics(&out, false); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w+"\n") {
				t.Errorf("no %s in\n%s", w, out.String())
			}
		}
	}
	b.SetConfiguration("one")
	f(`farmproxy_config_info{fingerprint="one"} 1`, "farmproxy_config_last_reload_successful 1", "farmproxy_config_last_reload_success_timestamp_seconds 1700000010")
	b.now = func() time.Time { return epoch.Add(time.Minute) }
	b.SetConfigurationFailed()
	f(`farmproxy_config_info{fingerprint="one"} 1`, "farmproxy_config_last_reload_successful 0", "farmproxy_config_last_reload_success_timestamp_seconds 1700000010")
	b.SetOverlaid("over")
	f(`farmproxy_config_info{fingerprint="over"} 1`, "farmproxy_config_last_reload_successful 0", "farmproxy_config_last_reload_success_timestamp_seconds 1700000070")
	b.SetConfiguration("two")
	f(`farmproxy_config_info{fingerprint="two"} 1`, "farmproxy_config_last_reload_successful 1", "farmproxy_config_last_reload_success_timestamp_seconds 1700000070")
}
