package guard

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// standard are the defaults, as the configuration has them.
var standard = Settings{PerSecond: 500, BanAfter: 20, BanTime: 10 * time.Minute}

var verdicts = map[Verdict]string{Welcome: "welcome", Banned: "banned", TooMany: "too many", TooFast: "too fast"}

// play plays a story: words are what happens, one after another.
//
//	come:N ADDRESS    N connections    left:N       counted ones end
//	offend:N          N offences       works, rests a miner has its first share accepted, leaves
//	wait:D            time passes      lift         the ban is lifted
//
// Without an address it is 10.0.0.1. It returns how the last connection was judged.
func play(t *testing.T, s Settings, story string) (g *Guard, now time.Duration, last Verdict) {
	t.Helper()
	g = New()
	g.Configure(s)
	for line := range strings.SplitSeq(story, ",") {
		words := strings.Fields(line)
		from := netip.MustParseAddr("10.0.0.1")
		if len(words) > 1 {
			from = netip.MustParseAddr(words[1])
		}
		what, arg, _ := strings.Cut(words[0], ":")
		n := 1
		fmt.Sscan(arg, &n)
		if what == "wait" {
			d, err := time.ParseDuration(arg)
			if err != nil {
				t.Fatal(err)
			}
			now += d
			continue
		}
		for range n {
			switch what {
			case "come":
				last, _ = g.Come(from, now)
			case "left":
				g.Left(from)
			case "offend":
				g.Offend(from, "share_flood", now)
			case "works":
				g.Works(from, now)
			case "rests":
				g.Rests(from, now)
			case "lift":
				g.Lift(from, now)
			default:
				t.Fatalf("%s: no such word", what)
			}
		}
	}
	return g, now, last
}

func TestWhoMayConnect(t *testing.T) {
	f := func(s Settings, story, want string) {
		t.Helper()
		if _, _, got := play(t, s, story); verdicts[got] != want {
			t.Errorf("%s: %s, want %s", story, verdicts[got], want)
		}
	}
	f(Settings{}, "come:100000", "welcome")
	few := Settings{Connections: 2}
	f(few, "come:2", "welcome")
	f(few, "come:3", "too many")
	f(few, "come:2, come 10.0.0.2", "welcome")
	f(few, "come:3, left, come", "welcome")
	f(few, "come 2001:db8::1, come 2001:db8::2, come 2001:db8::3", "too many") // one /64
	f(few, "come 2001:db8::1, come 2001:db8::2, come 2001:db8:0:1::3", "welcome")
	slow := Settings{PerSecond: 2}
	f(slow, "come:120", "welcome") // a minute's at once
	f(slow, "come:121", "too fast")
	f(slow, "come:121, wait:500ms, come", "welcome")
	f(slow, "come:121, wait:500ms, come:2", "too fast")
	f(slow, "come:121, wait:1h, come:120", "welcome")
	f(slow, "come:121, come 10.0.0.2", "welcome")
	exempt := Settings{Connections: 2, PerSecond: 1, BanAfter: 1, BanTime: time.Hour, Exempt: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}}
	f(exempt, "come:100, offend:100, come", "welcome")
	f(exempt, "come:100 10.0.1.1", "too many")

	flood := "come:20, offend:20, "
	f(standard, flood+"come", "banned")
	f(standard, flood+"come 10.0.0.2", "welcome")
	f(standard, "come:19, offend:19, come", "welcome")
	f(standard, "come:19, offend:19, wait:1m, come, offend, come", "welcome") // not within a minute
	f(standard, flood+"wait:9m59s, come", "banned")
	f(standard, flood+"wait:10m, come", "welcome")
	f(standard, flood+"lift, come", "welcome")
	f(standard, flood+"lift, come, offend, come", "welcome")
	f(standard, flood+"lift 10.0.0.2, come", "banned")
	f(standard, "come:20 2001:db8::1, offend:20 2001:db8::1, come 2001:db8::2", "banned")
	f(Settings{BanAfter: 20}, flood+"come", "welcome")
	f(Settings{BanTime: time.Hour}, flood+"come", "welcome")
}

// A farm of 2,000 miners behind one address is not banned for what a few there do.
func TestAFarmBehindOneAddressIsNotBanned(t *testing.T) {
	f := func(story, want string) {
		t.Helper()
		if _, _, got := play(t, standard, story); verdicts[got] != want {
			t.Errorf("%s: %s, want %s", story, verdicts[got], want)
		}
	}
	f("come:2000, works:2000, come:500, offend:500, come", "welcome")                      // it works
	f("come:10, works, come:2000, offend:2000, come", "welcome")                           // one of it does
	f("come:10, works, rests, wait:23h59m, come:500, offend:500, come", "welcome")         // it did until yesterday
	f("come:10, works, rests, wait:24h1m, come:500, offend:500, come", "banned")           // it has not for a day
	f("come:10, works:2, rests, wait:48h, come:500, offend:500, come", "welcome")          // another still does
	f("come:2000, come:900, offend:900, come", "welcome")                                  // it comes back after a power cut
	f("come:2000, come:2100, offend:2100, come", "banned")                                 // most of what comes floods
	f("come:30000, come", "too fast")                                                      // all of what may be at once
	f("come:10000, wait:30s, come:10000, wait:30s, come:10000, wait:30s, come", "welcome") // a hold that ends again and again
}

// What is known of addresses has a bound, and is forgotten.
func TestAddressesAreForgotten(t *testing.T) {
	g := New()
	g.Configure(standard)
	a := netip.MustParseAddr("10.0.0.0")
	for range 2 * maxAddresses {
		if v, _ := g.Come(a, 0); v != Welcome {
			t.Fatal(verdicts[v])
		}
		a = a.Next()
	}
	if n := len(g.seen); n > maxAddresses {
		t.Errorf("%d are watched", n)
	}
	now := 2 * time.Minute
	g.Come(a, now)
	if n := len(g.seen); n != 1 {
		t.Errorf("%d are watched after two minutes, want 1", n)
	}
	for range maxBans + 10 {
		for range standard.BanAfter {
			g.Come(a, now)
			g.Offend(a, "share_flood", now)
		}
		a, now = a.Next(), now+time.Millisecond
	}
	list := g.Bans(now)
	if len(list) != maxBans || list[0].Until > list[1].Until {
		t.Errorf("%d bans", len(list))
	}
	if v, _ := g.Come(a.Prev(), now); v != Banned {
		t.Error("the last one is not banned")
	}
	for range 3 * leastSweep {
		g.Works(a, now)
		g.Rests(a, now)
		a, now = a.Next(), now+time.Minute
	}
	if n := len(g.working); n > 2*leastSweep+int(protection/time.Minute) {
		t.Errorf("%d are protected", n)
	}
}
