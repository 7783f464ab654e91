package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	benchpool "farmproxy/bench/pool"
)

// groupsIn returns what GET /api/v1/groups says, on a line: name, miners, workers up and
// known, shares accepted, and rejected by reason.
func groupsIn(t *testing.T, answer string) string {
	t.Helper()
	var a struct {
		Groups []struct {
			Name      string
			Miners    int
			Workers   int
			WorkersUp int `json:"workers_up"`
			HashRate  float64
			Accepted  int
			Rejected  map[string]int
		}
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	var list []string
	for _, g := range a.Groups {
		list = append(list, fmt.Sprintf("%s: %d %d/%d %d %v", g.Name, g.Miners, g.WorkersUp, g.Workers, g.Accepted, g.Rejected))
		if (g.HashRate > 0) != (g.Accepted > 0) {
			t.Errorf("group %s has %v H/s from %d shares", g.Name, g.HashRate, g.Accepted)
		}
	}
	return strings.Join(list, ", ")
}

// Halls and racks are summed by the workers' names, or by their addresses; another rule
// takes effect at a reload, among miners that stay.
func TestGroupsOfWorkingMiners(t *testing.T) {
	t.Parallel()
	pool := startPool(t, nil)
	difficulty := fmt.Sprintf("[difficulty]\nstart = %g\nmin = %g\nmax = %g\n", easy, easy, easy)
	text := func(groups string) string {
		return strings.Replace(ports, "[http]", "[[listener]]\naddress = \"127.0.0.2:0\"\n[http]", 1) + difficulty +
			"[miners]\nworker_group = [" + groups + "]\n" + poolsText("farm", pool)
	}
	f := startFile(t, text(`'{name:R\d+L\d+}', 'net-{ip3}'`))
	want := func(what, groups string) {
		t.Helper()
		_, answer := f.request(t, "GET", "/api/v1/groups", "")
		if got := groupsIn(t, answer); got != groups {
			t.Errorf("%s: %s\nwant %s", what, got, groups)
		}
	}
	named := startRig(t, f.server.Addresses()[0], "farm.R1L1N2", "")
	other := startRig(t, f.server.Addresses()[1], "farm.rig", "")
	share := func(r *rig) rigShare {
		t.Helper()
		s := r.find(r.jobs[len(r.jobs)-1], easy, 1)
		if !r.hand(s) {
			t.Errorf("a share of %s is refused", r.worker)
		}
		return s
	}
	again := share(named)
	share(other)
	if named.hand(again) {
		t.Error("a share counts twice")
	}
	want("by name, or by address", "R1L1: 1 1/1 1 map[duplicate:1], net-0: 1 1/1 1 map[]")

	_, answer := f.request(t, "GET", "/api/v1/workers?group=R1L1", "")
	if !strings.Contains(answer, `"total":1`) || !strings.Contains(answer, `"name":"farm.R1L1N2"`) || !strings.Contains(answer, `"listener":"`+f.server.Addresses()[0]+`","group":"R1L1"`) {
		t.Errorf("workers of the group: %s", answer)
	}
	_, answer = f.request(t, "GET", "/api/v1/workers?listener="+f.server.Addresses()[1], "")
	if !strings.Contains(answer, `"total":1`) || !strings.Contains(answer, `"name":"farm.rig"`) {
		t.Errorf("workers of the second listener: %s", answer)
	}
	_, metrics := f.request(t, "GET", "/metrics", "")
	for _, line := range []string{
		`farmproxy_group_shares_total{group="R1L1",verdict="duplicate"} 1`,
		`farmproxy_group_workers_up{group="net-0"} 1`,
		`farmproxy_worker_shares_total{worker="farm.R1L1N2",listener="` + f.server.Addresses()[0] + `",group="R1L1",verdict="duplicate"} 1`,
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("/metrics has no %s", line)
		}
	}

	if got := f.again(text(`'{name:R\d+}', 'net-{ip3}'`)); !strings.HasPrefix(got, "set miners.worker_group from ") {
		t.Errorf("the reload: %s", got)
	}
	want("by rack", "R1: 1 1/1 0 map[], net-0: 1 1/1 1 map[]")
	share(named)
	share(other)
	want("by rack, after a share each", "R1: 1 1/1 1 map[], net-0: 1 1/1 2 map[]")
	f.again(text(""))
	want("by nothing", "")
	share(named)
}

// The sums of groups go on in the next process, which knows who is in which.
func TestGroupsAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	pool := startPool(t, func(o *benchpool.Options) { o.Listen = free(t) })
	b := startOwn(t, pool, "[miners]\nworker_group = ['{name:R\\d+L\\d+}']\n")
	want := func(what, groups string) {
		t.Helper()
		got := ""
		eventually(t, what+": "+groups, func() bool {
			reply, err := http.Get("http://" + b.web + "/api/v1/groups")
			if err != nil {
				return false
			}
			defer reply.Body.Close()
			var answer json.RawMessage
			if json.NewDecoder(reply.Body).Decode(&answer) != nil {
				return false
			}
			got = groupsIn(t, string(answer))
			return got == groups
		})
	}
	stays, leaves := connect(t, b.address), connect(t, b.address)
	stays.work("farm.R1L1N1")
	leaves.work("farm.R1L2N1")
	want("before", "R1L1: 1 1/1 0 map[], R1L2: 1 1/1 0 map[]")
	if _, err := b.upgrade(); err != nil {
		t.Fatal(err)
	}
	want("after", "R1L1: 1 1/1 0 map[], R1L2: 1 1/1 0 map[]")
	leaves.conn.Close()
	want("when one has left", "R1L1: 1 1/1 0 map[], R1L2: 0 0/1 0 map[]")
	stays.wantAlive()
}
