package upstream

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A table of newcomers is asked by lanes of addresses: each word is a letter for the
// address and, after it, what happens.
//
//	a    a lane of a's asks; it is named a1, a2 ...
//	a!   one whose worker has a record asks
//	a1+  the lane earns its place
//	a1-  the lane ends
//	~    newcomerTime passes
//
// What comes of an asking: "in", "wait", or the lane that gives way.
func TestNewcomers(t *testing.T) {
	f := func(name string, each, max int, asked, want string) {
		t.Helper()
		n := newNewcomers(each, max)
		lanes, counts, names := make(map[string]*Lane), make(map[byte]int), make(map[*Lane]string)
		now := time.Unix(1000, 0)
		var got []string
		for word := range strings.FieldsSeq(asked) {
			address := netip.AddrFrom4([4]byte{10, 0, 0, word[0]})
			switch last := word[len(word)-1]; {
			case word == "~":
				now = now.Add(newcomerTime)
			case last == '+':
				n.earn(lanes[word[:len(word)-1]])
			case last == '-':
				n.leave(lanes[word[:len(word)-1]])
			default:
				counts[word[0]]++
				l := new(Lane)
				lane := fmt.Sprintf("%c%d", word[0], counts[word[0]])
				lanes[lane], names[l] = l, lane
				now = now.Add(time.Second)
				ok, displaced := n.enter(l, homeOf(address), last == '!', now)
				switch {
				case displaced != nil:
					got = append(got, names[displaced])
				case ok:
					got = append(got, "in")
				default:
					got = append(got, "wait")
				}
			}
		}
		equal(t, name, strings.Join(got, " "), want)
	}
	f("an address has so many", 2, 100, "a a a b", "in in wait in")
	f("and one more for each that works", 2, 100, "a a a1+ a a a a2+ a a", "in in in in wait in in")
	f("and none for what has ended", 1, 100, "a a1+ a a a1- a3- a", "in in in wait")
	f("one that has had its time gives way to its neighbours", 2, 100, "a a ~ a a a", "in in a1 a2 wait")
	f("a worker with a record does not wait", 1, 100, "a a a! a!", "in wait in in")
	f("half of the places are newcomers'", 9, 4, "a a a b", "in in wait a1")
	f("those that work may have all", 9, 4, "a a a1+ a2+ a a a3+ a4+ a", "in in in in wait")
	f("whoever has most gives way", 9, 8, "a a a b c d", "in in in in a1 a2")
	f("nobody gives way to one that has as many", 9, 8, "a a b c b c d", "in in in in wait wait a1")
	f("a full house with a newcomer takes one with a record", 9, 2, "a b! c!", "in in a1")
	f("a full house that works takes nobody", 9, 2, "a! b! c! c", "in in wait wait")
	f("one that has a place keeps it", 1, 1, "a a1+ a1+ a1- a1- b", "in in")
}

// 300 agents of one address that do nothing, and one of another that works.
func TestNewcomersOfOneAddressKeepOutThemselves(t *testing.T) {
	n := newNewcomers(newcomersEach, 256)
	now := time.Unix(1000, 0)
	in := 0
	for range 300 {
		if ok, _ := n.enter(new(Lane), homeOf(netip.MustParseAddr("192.0.2.1")), false, now); ok {
			in++
		}
	}
	equal(t, "of one address", in, newcomersEach)
	good := new(Lane)
	ok, _ := n.enter(good, homeOf(netip.MustParseAddr("192.0.2.2")), false, now)
	equal(t, "another", ok, true)
}

// A thousand users behind one address, each of whom works once it has its link.
func TestUsersOfOneAddressThatWorkAreAllIn(t *testing.T) {
	n := newNewcomers(newcomersEach, MaxOnDemand)
	waiting := make([]*Lane, 1000)
	for i := range waiting {
		waiting[i] = new(Lane)
	}
	rounds := 0
	for ; len(waiting) > 0; rounds++ {
		var in, out []*Lane
		for _, l := range waiting {
			if ok, _ := n.enter(l, homeOf(netip.MustParseAddr("192.0.2.1")), false, time.Unix(1000, 0)); ok {
				in = append(in, l)
			} else {
				out = append(out, l)
			}
		}
		for _, l := range in {
			n.earn(l)
		}
		waiting = out
	}
	equal(t, "rounds", rounds, 5)
}

func TestHomes(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7/32",
		"::ffff:192.0.2.7":     "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
	} {
		equal(t, address, homeOf(netip.MustParseAddr(address)).String(), want)
	}
	equal(t, "no address", homeOf(netip.Addr{}).IsValid(), false)
}

// What a table keeps goes with the lanes.
func TestNewcomersLeaveNothing(t *testing.T) {
	n := newNewcomers(2, 8)
	var lanes []*Lane
	for i := range 40 {
		l := new(Lane)
		lanes = append(lanes, l)
		n.enter(l, homeOf(netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 7)})), i%5 == 0, time.Unix(int64(1000+100*i), 0))
		if i%3 == 0 {
			n.earn(l)
		}
	}
	for _, l := range lanes {
		n.leave(l)
	}
	if n.fresh != 0 || n.proven != 0 || len(n.homes) != 0 || len(n.places) != 0 || n.most() != 0 {
		t.Errorf("left: %+v", n)
	}
}
