package upstream

import (
	"net/netip"
	"testing"
	"time"

	"farmproxy/work"
)

// unanswered has a pool leave the share with that nonce unanswered for now.
func unanswered(p *scripted, nonce string) {
	p.do(func() {
		p.answer = func(s submit) string {
			if s.Nonce == nonce {
				return ""
			}
			return yes
		}
	})
}

// inTLSHandOver runs a test of hand-overs with a pool over TLS.
func inTLSHandOver(t *testing.T, test func(f *farm, a *scripted)) {
	certificate := newCertificate(t)
	inHandOver(t, "a", func(f *farm) {
		f.overTLS(certificate)
		test(f, f.pools[0])
	})
}

// Of a link over TLS the next process has another before the switch, and miners a clean
// job. The old link drains, while the old process encrypts: shares that were in flight and
// late ones have their verdicts, and then it ends.
func TestALinkOverTLSDrains(t *testing.T) {
	inTLSHandOver(t, func(f *farm, a *scripted) {
		unanswered(a, "00000001")
		f.start()
		f.submit(1, 1)
		job, old := f.latest().Job, a.lane()
		f.handOver(f.again)
		equal(t, "dialled", a.dialled(), 2)
		f.wantTold("a-1! a-2!")
		equal(t, "another work", f.latest().Job.Work > job.Work, true)
		f.submitFor(job, 2, 2)
		f.submit(3, 3)
		f.wantFate(2, 3, work.Accepted)
		equal(t, "the late share went over the old link", a.shares()[1].conn == old, true)
		old.reply(a.shares()[0].ID, yes)
		f.after(time.Millisecond)
		f.wantFate(1, 1, work.Accepted)
		f.after(drainTime + tickServing)
		select {
		case <-old.gone:
		default:
			t.Error("the old link is still there")
		}
		f.wantOn("a")
	})
}

// While the old link drains, another upgrade may come: the first process still encrypts.
func TestALinkOverTLSDrainsThroughTwoHandOvers(t *testing.T) {
	inTLSHandOver(t, func(f *farm, a *scripted) {
		unanswered(a, "00000001")
		f.start()
		f.submit(1, 1)
		old := a.lane()
		f.handOver(f.again)
		f.handOver(f.again)
		old.reply(a.shares()[0].ID, yes)
		f.after(time.Millisecond)
		f.wantFate(1, 1, work.Accepted)
	})
}

// If another link can't be dialled in time, the old one serves until one is up.
func TestALinkOverTLSServesUntilAnotherIsUp(t *testing.T) {
	inTLSHandOver(t, func(f *farm, a *scripted) {
		f.start()
		old := a.lane()
		a.do(func() { a.refuse = true })
		f.handOver(f.again)
		f.wantOn("a")
		f.submit(1, 1)
		f.wantFate(1, 1, work.Accepted)
		f.handOver(f.again) // it is not taken for one that stays
		f.submit(2, 2)
		f.wantFate(2, 2, work.Accepted)
		a.do(func() { a.refuse = false })
		f.after(time.Minute)
		equal(t, "the link is another one", a.lane() != old, true)
		f.submit(3, 3)
		f.wantFate(3, 3, work.Accepted)
		equal(t, "dialled", a.shares()[2].conn == a.lane(), true)
	})
}

// Without a relay, for which there may be no descriptors, the shares in flight are lost
// where another link is up.
func TestALinkOverTLSIsDialledAnew(t *testing.T) {
	inTLSHandOver(t, func(f *farm, a *scripted) {
		f.noRelays = true
		unanswered(a, "00000001")
		f.start()
		f.submit(1, 1)
		job := f.latest().Job
		f.handOver(f.again)
		equal(t, "dialled", a.dialled(), 2)
		f.wantTold("a-1! a-2!")
		f.wantFate(1, 1, work.LinkLost)
		f.submitFor(job, 2, 2)
		f.wantFate(2, 2, work.LinkLost)
		f.submit(3, 3)
		f.wantFate(3, 3, work.Accepted)
	})
}

// If such a link can't be dialled, its lane has lost its own: it looks on.
func TestALinkOverTLSIsNotThereInTime(t *testing.T) {
	inTLSHandOver(t, func(f *farm, a *scripted) {
		f.noRelays = true
		a.answer = func(submit) string { return "" }
		f.start()
		f.submit(1, 1)
		a.do(func() { a.refuse = true })
		f.handOver(f.again)
		f.wantOn("none")
		f.after(time.Second)
		a.do(func() { a.refuse, a.answer = false, func(submit) string { return yes } })
		f.after(time.Minute)
		f.wantOn("a")
		f.wantFate(1, 1, work.Accepted) // the pool gave the session back
	})
}

// An agent's link over TLS is dialled before the next process knows whose its lane is. When
// the agent left, its group was free at once, and the next agent got the old lane.
func TestAnAgentWhoseLinkOverTLSWasDialledLeaves(t *testing.T) {
	inTLSHandOver(t, func(f *farm, a *scripted) {
		f.start()
		g := takeGroup(t, f)
		l := f.goal.JoinGroup(g, netip.Addr{}, "agent")
		f.after(time.Second)
		f.handOver(f.again)
		l = f.goal.lanes[l.key]
		unanswered(a, "00000001")
		leaveOwing(f, l, g)
		if next := takeGroup(t, f); next == g {
			t.Error("the group of an agent that has left is another's while its lane is there")
		}
		f.after(retireTime + tickServing)
		equal(t, "the group that is free afterwards", takeGroup(t, f), g)
	})
}
