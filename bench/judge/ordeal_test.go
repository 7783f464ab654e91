package judge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/bench/figure"
	"farmproxy/bench/fleet"
)

// Each line of the verdict is broken by its own subject, and by nothing else.
func TestHostileVerdict(t *testing.T) {
	f := func(name string, change func(*Ordeal), want ...string) {
		t.Helper()
		d := borne()
		change(&d)
		got := d.Broken()
		if len(got) != len(want) {
			t.Errorf("%s: broken are %q, want %d", name, got, len(want))
			return
		}
		for i := range want {
			if got[i] != "stage farm: "+want[i] {
				t.Errorf("%s: got %q, want %q", name, got[i], "stage farm: "+want[i])
			}
		}
	}
	f("nothing", func(d *Ordeal) {})
	f("a lost share", func(d *Ordeal) { d.Lost = 1 }, "honest shares lost, of 5000: 1, want 0")
	f("an excused share", func(d *Ordeal) { d.Excused = 1 })
	f("a closed miner", func(d *Ordeal) { d.Closed = 1 }, "honest miners closed or refused: 1, want 0")
	f("a newcomer left out", func(d *Ordeal) { d.GuestsIn-- }, "newcomers at work during the attack: 39, want 40")
	f("slower", func(d *Ordeal) { d.Bouts[0].Attacked[0], d.Bouts[0].Attacked[1] = 0.043, 0.043 },
		"round trip 99 %, attacked to quiet: 2.05  (43ms to 21ms), want 2 at most")
	f("slow in one window of three", func(d *Ordeal) { d.Bouts[0].Attacked[2] = 60 })
	f("a stall", func(d *Ordeal) { d.Bouts[0].Stalled = 0.043 },
		"round trip 95 % of the whole attack, to quiet 99 %: 2.05  (43ms to 21ms), want 2 at most")
	f("slow once, and not when it was attacked again", func(d *Ordeal) {
		d.Bouts = append([]Bout{{Before: []float64{0.02}, After: []float64{0.021}, Attacked: []float64{9}, Stalled: 9}}, d.Bouts...)
	})
	f("slow each time", func(d *Ordeal) {
		d.Bouts[0].Stalled = 0.063
		d.Bouts = append([]Bout{{Before: []float64{0.02}, After: []float64{0.021}, Attacked: []float64{9}, Stalled: 9}}, d.Bouts...)
	}, "round trip 95 % of the whole attack, to quiet 99 %: 3.00  (63ms to 21ms), want 2 at most")
	f("slow afterwards", func(d *Ordeal) { d.Bouts[0].After = []float64{0.019, 0.019, 0.05, 0.05, 0.05, 0.05} },
		"round trip 99 %, after the attack to before it: 2.38  (50ms to 21ms), want 2 at most")
	f("slow afterwards, and not after it was attacked again", func(d *Ordeal) {
		d.Bouts = append(d.Bouts, d.Bouts[0])
		d.Bouts[0].After = []float64{0.05}
	})
	f("slow from the first attack on", func(d *Ordeal) {
		d.Bouts[0].After = []float64{0.05}
		d.Bouts = append(d.Bouts, Bout{Before: []float64{0.05}, After: []float64{0.05}, Attacked: []float64{0.05}, Stalled: 0.05})
	}, "round trip 99 %, after the attack to before it: 2.38  (50ms to 21ms), want 2 at most")
	f("no answer under attack", func(d *Ordeal) { d.Bouts[0].Attacked = []float64{0, 0, 0} },
		"round trip 99 %, attacked to quiet: +Inf  (0s to 21ms), want 2 at most",
		"round trip 95 % of the whole attack, to quiet 99 %: +Inf  (25ms to 21ms), want 2 at most")
	for name, change := range map[string]func(*Ordeal){
		"no share in the quiet": func(d *Ordeal) { d.Bouts[0].Before, d.Bouts[0].After = nil, nil },
		"no attack":             func(d *Ordeal) { d.Bouts = nil },
	} {
		d := borne()
		change(&d)
		if got := d.Broken(); len(got) != 3 || !strings.Contains(got[2], "after the attack to before it: +Inf") {
			t.Errorf("%s: broken are %q, want all three of round trips", name, got)
		}
	}
	f("a duplicate", func(d *Ordeal) { d.Duplicates = 1 }, "duplicates at the pool: 1, want 0")
	f("a low share", func(d *Ordeal) { d.Low = 1 }, "low shares at the pool: 1, want 0")
	f("a low share that nobody can check", func(d *Ordeal) { d.Low, d.Checked = 1, false })
	f("a repeated share that counts", func(d *Ordeal) { d.Raids[0].Repeats = 1 }, "repeated shares accepted: 1, want 0")
	f("a reconnect", func(d *Ordeal) { d.Links = 2 }, "links that carried the honest shares: 2, want 1")
	f("nothing at the pool", func(d *Ordeal) { d.Links = 0 }, "links that carried the honest shares: 0, want 1")
	f("a failover", func(d *Ordeal) { d.Elsewhere = 1 }, "honest shares at the backup: 1, want 0")
	f("a link that nobody earned", func(d *Ordeal) { d.Open = mostLinks + 7 },
		fmt.Sprintf("connections at the pool at a time: %d, want %d at most", mostLinks+7, mostLinks+6))
	f("links that nobody earned, one after another", func(d *Ordeal) { d.Opened = mostLinks + 7 },
		fmt.Sprintf("connections at the pool in all: %d, want %d at most", mostLinks+7, mostLinks+6))
	f("links of strangers", func(d *Ordeal) {
		d.Raids[1].Lanes, d.Open, d.Opened = true, mostLinks+6+strangersLinks, mostLinks+6+2*strangersLinks
	})
	f("more than strangers may have", func(d *Ordeal) {
		d.Raids[1].Lanes, d.Bouts[0].To = true, d.Bouts[0].From.Add(strangersTime)
		d.Open, d.Opened = mostLinks+7+strangersLinks, mostLinks+7+3*strangersLinks
	}, fmt.Sprintf("connections at the pool at a time: %d, want %d at most", mostLinks+7+strangersLinks, mostLinks+6+strangersLinks),
		fmt.Sprintf("connections at the pool in all: %d, want %d at most", mostLinks+7+3*strangersLinks, mostLinks+6+3*strangersLinks))
	f("too much memory", func(d *Ordeal) { d.Memory = mostMemory + 1 },
		fmt.Sprintf("memory: %s, want %[1]s at most", figure.Megabytes(mostMemory)))
	f("no memory at all", func(d *Ordeal) { d.Memory = 0 }, "memory: 0.0 MB, want "+figure.Megabytes(mostMemory)+" at most")
	f("a failed health check", func(d *Ordeal) { d.Sick = 1 }, "health checks failed, of 30: 1, want 0")
	f("no health check", func(d *Ordeal) { d.Looks = 0 }, "health checks failed, of 0: 0, want 0")
	f("an attack that was none", func(d *Ordeal) { d.Raids[1].Sent = 0 }, "attacks that did nothing: 1 masks, want 0")
}

// The attackers' shares are in the pool's books, but are no loss of the honest miners'.
func TestHostileLosses(t *testing.T) {
	r := NewReconciled()
	r.breach(breachInvented, "by an attacker")
	r.breach(breachForwarded, "of an attacker")
	r.Excused[excuseReplaced] = 3
	var d Ordeal
	d.Enter(r)
	if d.Lost != 0 || d.Excused != 3 || d.Troubles != nil {
		t.Errorf("got %d lost, %d excused, %q", d.Lost, d.Excused, d.Troubles)
	}
	for _, kind := range []string{breachLost, breachUntrue, breachWronged, breachRefused, BreachName, BreachSilent} {
		r.breach(kind, "a share")
	}
	d = Ordeal{}
	d.Enter(r)
	if d.Lost != 6 || !slices.Contains(d.Troubles, BreachSilent+": a share") {
		t.Errorf("got %d lost, %q", d.Lost, d.Troubles)
	}
}

// Only shares sent during the attack count for its 95 %.
func TestHostileStall(t *testing.T) {
	start := time.Now()
	share := func(sent, answered time.Duration) fleet.Share {
		return fleet.Share{Sent: start.Add(sent), Answered: start.Add(answered)}
	}
	d := Bout{From: start, To: start.Add(time.Minute)}
	shares := []fleet.Share{{Sent: start.Add(time.Second)}, share(time.Second, 3*time.Second)}
	for range 20 {
		shares = append(shares, share(-time.Second, time.Hour), share(2*time.Minute, time.Hour))
	}
	d.TripsDuring(shares)
	if d.Stalled < 2 || d.Stalled > 2.1 {
		t.Errorf("got %v s, want 2", d.Stalled)
	}
}
