package stats

import (
	"strconv"

	"farmproxy/work"
)

// writeLinks writes a set of series for each lane of each pool. While a link drains
// and the next one of its lane is already up, one lane has two books: counters are
// summed, and everything else is from the one in the more advanced state.
func (b *Book) writeLinks(e *exposition) {
	_, links := b.snapshot()
	var lanes []LinkInfo
	for _, l := range links {
		info := l.info()
		if n := len(lanes); n > 0 && lanes[n-1].Pool == l.Pool && lanes[n-1].Lane == l.Lane {
			lanes[n-1] = merge(lanes[n-1], info)
			continue
		}
		lanes = append(lanes, info)
	}
	writeLanes(e, lanes)
}

// rank says which of two links of a lane matters more.
var rank = [numLinkStates]int{LinkDown: 0, LinkDraining: 1, LinkConnecting: 2, LinkHandshaking: 3, LinkUp: 4}

func merge(x, y LinkInfo) LinkInfo {
	if rank[y.State] > rank[x.State] {
		x, y = y, x
	}
	x.Connects += y.Connects
	x.Jobs += y.Jobs
	x.CleanJobs += y.CleanJobs
	x.Submitted += y.Submitted
	x.Resubmitted += y.Resubmitted
	x.InFlight += y.InFlight
	x.BytesUp += y.BytesUp
	x.BytesDown += y.BytesDown
	x.Malformed += y.Malformed
	for v := range x.Shares {
		x.Shares[v] += y.Shares[v]
		x.Work[v] += y.Work[v]
	}
	if y.LastNotify.After(x.LastNotify) {
		x.LastNotify = y.LastNotify
	}
	return x
}

func writeLanes(e *exposition, lanes []LinkInfo) {
	each := func(name string, k kind, help string, value func(*LinkInfo) float64) {
		e.begin(name, k, help)
		for i := range lanes {
			e.value(value(&lanes[i]), laneLabels(&lanes[i])...)
		}
	}
	e.begin("farmproxy_link_up", gauge, "1 while the lane's link has a job from this pool.")
	for i := range lanes {
		e.truth(lanes[i].State == LinkUp, laneLabels(&lanes[i])...)
	}
	e.begin("farmproxy_link_state", gauge, "1 for the current state of the lane's link.")
	for i := range lanes {
		for s := range linkStates {
			e.truth(lanes[i].State == LinkState(s), laneLabels(&lanes[i], "state", linkStates[s])...)
		}
	}
	each("farmproxy_link_connects_total", counter, "Times that the link came up.",
		func(l *LinkInfo) float64 { return float64(l.Connects) })
	each("farmproxy_link_jobs_total", counter, "Jobs from the pool.",
		func(l *LinkInfo) float64 { return float64(l.Jobs) })
	each("farmproxy_link_clean_jobs_total", counter, "Jobs from the pool that made the older ones stale.",
		func(l *LinkInfo) float64 { return float64(l.CleanJobs) })
	each("farmproxy_link_submitted_shares_total", counter, "Shares sent to the pool.",
		func(l *LinkInfo) float64 { return float64(l.Submitted) })
	each("farmproxy_link_resubmitted_shares_total", counter, "Shares sent again after a resumed session.",
		func(l *LinkInfo) float64 { return float64(l.Resubmitted) })
	each("farmproxy_link_in_flight_shares", gauge, "Shares sent to the pool that it has not answered yet.",
		func(l *LinkInfo) float64 { return float64(l.InFlight) })
	e.begin("farmproxy_link_shares_total", counter, "Shares by the pool's verdict.")
	for i := range lanes {
		for v, n := range lanes[i].Shares {
			e.count(n, laneLabels(&lanes[i], "verdict", work.Verdict(v).String())...)
		}
	}
	e.begin("farmproxy_link_work_total", counter, "Shares by the pool's verdict, each weighted by the pool's difficulty.")
	for i := range lanes {
		for v, x := range lanes[i].Work {
			e.value(x, laneLabels(&lanes[i], "verdict", work.Verdict(v).String())...)
		}
	}
	each("farmproxy_link_difficulty", gauge, "Difficulty set by the pool; 0 if unknown.",
		func(l *LinkInfo) float64 { return l.Difficulty })
	each("farmproxy_link_extranonce2_size_bytes", gauge, "Size of the extranonce2 that the pool gave; 0 unknown.",
		func(l *LinkInfo) float64 { return float64(l.Extranonce2) })
	each("farmproxy_link_last_notify_timestamp_seconds", gauge, "When the last job arrived; 0 if never.",
		func(l *LinkInfo) float64 {
			if l.LastNotify.IsZero() {
				return 0
			}
			return float64(l.LastNotify.UnixMilli()) / 1000
		})
	each("farmproxy_link_sent_bytes_total", counter, "Bytes sent to the pool.",
		func(l *LinkInfo) float64 { return float64(l.BytesUp) })
	each("farmproxy_link_received_bytes_total", counter, "Bytes received from the pool.",
		func(l *LinkInfo) float64 { return float64(l.BytesDown) })
	each("farmproxy_link_malformed_total", counter, "Malformed lines and frames from the pool.",
		func(l *LinkInfo) float64 { return float64(l.Malformed) })
}

func laneLabels(l *LinkInfo, more ...string) []string {
	return append([]string{"pool", l.Pool, "lane", strconv.Itoa(l.Lane)}, more...)
}
