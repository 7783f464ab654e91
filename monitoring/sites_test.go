package monitoring

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Many sites, as docs/monitoring.md says: the box scrapes itself and sends sums to the
// centre, which is away for a while and comes back. No answer of farmproxy is missing there.
func TestCentreIsAwayAndBack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"victoria-metrics", "vmauth", "vmagent", "vmalert"} {
		program(t, name, "victoria-metrics")
	}
	f := newFarm(t)
	r := newRecipe(t, f)

	r.follow("### The centre")
	r.certify("etc/vmauth/cert.pem", "etc/vmauth/key.pem")
	args := strings.Fields(r.assignments("etc/default/victoria-metrics")["ARGS"])
	database := func() *process {
		// The last 30 s are not shown as long as something may still come.
		return r.start(slices.Concat([]string{"victoria-metrics", "-search.latencyOffset=1ms"}, args)...)
	}
	db := database()
	r.unit("etc/systemd/system/vmauth.service")
	r.unit("etc/systemd/system/vmalert.service")
	r.boxSends("north", "box-1")

	const shares = `farmproxy_group_shares_total{site="north", instance="box-1", group="hall2", verdict="accepted"}`
	has := func(n int) bool {
		values := r.samples(shares)
		return len(values) > 0 && values[len(values)-1] >= float64(2*n) // hall2 has two workers
	}
	first := f.until(t, "the centre has the first samples", func(int) bool { return has(1) })
	db.stop(t)
	gone := f.until(t, "scrapes while it is away", func(int) bool { return true })
	back := f.until(t, "scrapes while it is away", func(n int) bool { return n >= gone+10 })
	database()
	// What could not be sent at once is sent again after seconds, and what is newer does not
	// wait for it.
	var gap string
	defer func() {
		if gap != "" {
			t.Errorf("%s (away from %d to %d)", gap, 2*gone, 2*back)
		}
	}()
	f.until(t, "the centre has every answer", func(int) bool {
		gap = r.gap(shares, `up{site="north", instance="box-1"}`)
		return gap == "" && has(back+5)
	})
	values := r.samples(shares)
	if values[0] > float64(2*first) {
		t.Errorf("the first is %v, want %d or less", values[0], 2*first)
	}

	// A site can't write for another one, whatever it says of itself.
	other := newRecipe(t, f)
	other.ports["8427"] = r.port("8427")
	other.env["SSL_CERT_FILE"] = r.env["SSL_CERT_FILE"]
	other.boxSends("south", "box-2")
	f.until(t, "the other box writes too", func(int) bool {
		_, ok := r.value("8428", `farmproxy_ready{site="north", instance="box-2"}`)
		return ok
	})
	if v, ok := r.value("8428", `count(farmproxy_ready{site="south"})`); ok {
		t.Errorf("%s boxes are of a site whose token nobody has", v)
	}

	// Sums are there, single workers are not.
	var names struct{ Data []string }
	if err := json.Unmarshal(r.ask("8428", "/api/v1/label/__name__/values"), &names); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"up", "farmproxy_ready", "farmproxy_hashrate", "farmproxy_pool_up", "farmproxy_group_hashrate", "farmproxy_group_workers_up"} {
		if !slices.Contains(names.Data, name) {
			t.Errorf("the centre has no %s: %s", name, names.Data)
		}
	}
	for _, name := range names.Data {
		if strings.HasPrefix(name, "farmproxy_worker_") || strings.HasPrefix(name, "farmproxy_account_") {
			t.Errorf("the centre has %s", name)
		}
	}
	// The rules are judged there, and an alert says which site.
	f.until(t, "the pool that is down is an alert", func(int) bool {
		v, ok := r.value("8428", `ALERTS{alertname="FarmproxyPoolDown", site="north", instance="box-1", pool="main"}`)
		return ok && v == "1"
	})
	if wrong := r.ask("8880", "/api/v1/rules"); !strings.Contains(string(wrong), "FarmproxySiteSilent") || strings.Contains(string(wrong), `"health":"err"`) {
		t.Errorf("vmalert says of the rules: %s", wrong)
	}
}

// boxSends starts what sends the figures of a box, with the token of the site north.
func (r *recipe) boxSends(site, name string) {
	r.Helper()
	r.follow("### Each box")
	r.put("etc/vmagent/centre.token", "TOKEN-OF-NORTH\n")
	maps.Copy(r.env, r.assignments("etc/vmagent/vmagent.env"))
	r.env["SITE"], r.env["BOX"] = site, name
	r.unit("etc/systemd/system/vmagent.service")
}

// gap says where answers are missing in a series; "": nowhere. On a busy machine a scrape
// may take too long: then its answer is missing, and the box says so by up.
func (r *recipe) gap(series, up string) string {
	r.Helper()
	slow := 0
	for _, v := range r.samples(up) {
		if v == 0 {
			slow++
		}
	}
	values := r.samples(series)
	for i := 1; i < len(values); i++ {
		slow -= int(values[i]-values[i-1])/2 - 1
		if values[i] <= values[i-1] || slow < 0 {
			return fmt.Sprintf("after %v comes %v", values[i-1], values[i])
		}
	}
	return ""
}

// samples returns the values of a series in the centre, the oldest first. What is sent
// twice because an answer got lost counts once.
func (r *recipe) samples(series string) []float64 {
	r.Helper()
	type sample struct {
		at    int64
		value float64
	}
	var all []sample
	for line := range strings.Lines(string(r.ask("8428", "/api/v1/export", "match[]", series))) {
		var block struct {
			Values     []*float64 // nil: no number, the mark of an end
			Timestamps []int64
		}
		if err := json.Unmarshal([]byte(line), &block); err != nil {
			r.Fatalf("%v: %s", err, line)
		}
		for i, v := range block.Values {
			if v != nil {
				all = append(all, sample{block.Timestamps[i], *v})
			}
		}
	}
	slices.SortFunc(all, func(a, b sample) int { return int(a.at - b.at) })
	var values []float64
	for _, s := range slices.Compact(all) {
		values = append(values, s.value)
	}
	return values
}

// Debian's Prometheus with the recipe's file scrapes the box and judges the rules.
func TestPrometheusOnTheBox(t *testing.T) {
	t.Parallel()
	program(t, "prometheus", "prometheus")
	f := newFarm(t)
	r := newRecipe(t, f)
	r.follow("## Prometheus on the box")
	r.start("prometheus", "--config.file="+filepath.Join(r.root, "etc/prometheus/prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(r.root, "var/lib/prometheus"), "--web.listen-address="+r.port("9090"))

	f.until(t, "the sum of the groups", func(n int) bool {
		v, ok := r.value("9090", `sum(farmproxy_group_workers_up)`)
		return ok && v == "3"
	})
	f.until(t, "the pool that is down is an alert", func(int) bool {
		v, ok := r.value("9090", `ALERTS{alertname="FarmproxyPoolDown", pool="main"}`)
		return ok && v == "1"
	})
	if rules := string(r.ask("9090", "/api/v1/rules")); !strings.Contains(rules, "FarmproxyGroupDown") || strings.Contains(rules, `"health":"err"`) {
		t.Errorf("Prometheus says of the rules: %s", rules)
	}
}
