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
//	a       a lane of a's asks; it is named a1, a2 ...
//	a=x     the same, of an agent x
//	a!bob   the same; bob, a worker with a record, is on it
//	a1!bob  bob comes to that lane
//	a1+     the lane earns its place
//	a1*     a share of test work is handed in on the lane
//	a1-     the lane ends
//	~       newcomerTime passes
//
// What comes of an asking: "in", "wait", or the lane that gives way. A lane that has
// waited and is let in then has a + before it.
func TestNewcomers(t *testing.T) {
	f := func(name string, each, max int, asked, want string) {
		t.Helper()
		n := newNewcomers(each, max)
		lanes, counts, names := make(map[string]*Lane), make(map[byte]int), make(map[*Lane]string)
		now := time.Unix(1000, 0)
		var got []string
		for word := range strings.FieldsSeq(asked) {
			address := netip.AddrFrom4([4]byte{10, 0, 0, word[0]})
			lane, voucher, _ := strings.Cut(word, "!")
			lane, who, _ := strings.Cut(lane, "=")
			switch last := word[len(word)-1]; {
			case word == "~":
				now = now.Add(newcomerTime)
				n.expire(now)
			case last == '+':
				n.earn(lanes[word[:len(word)-1]])
			case last == '*':
				n.pass(lanes[word[:len(word)-1]], now)
			case last == '-':
				n.leave(lanes[word[:len(word)-1]], true, now)
			default:
				if len(lane) == 1 {
					counts[word[0]]++
					lane += fmt.Sprint(counts[word[0]])
					lanes[lane] = new(Lane)
					names[lanes[lane]] = lane
				}
				now = now.Add(time.Second)
				ok, displaced := n.enter(lanes[lane], homeOf(address), who, voucher, now)
				switch {
				case displaced != nil:
					got = append(got, names[displaced])
				case ok:
					got = append(got, "in")
				default:
					got = append(got, "wait")
				}
			}
			in, displaced := n.seat(now)
			for _, l := range displaced {
				got = append(got, names[l])
			}
			for _, l := range in {
				got = append(got, "+"+names[l])
			}
		}
		equal(t, name, strings.Join(got, " "), want)
	}
	f("an address has so many", 2, 100, "a a a b", "in in wait in")
	f("and one more for each that works", 2, 100, "a a a1+ a a a a2+ a a", "in in in in wait +a5 in wait")
	f("those that wait are let in as they came", 1, 100, "a a a a1+", "in wait wait +a2 +a3")
	f("one that waits and ends leaves the line", 1, 100, "a a a a2- ~", "in wait wait a1 +a3")
	f("one that has had its time gives way to its neighbours", 2, 100, "a a ~ a a a", "in in a1 a2 wait")
	f("a newcomer's place stays taken when it leaves", 2, 100, "a a a1- a2- a a ~ a", "in in wait wait +a3 +a4 wait")
	f("so who comes and goes has no more than who stays", 2, 100, "a a1- a a2- a a3- a b", "in in wait wait in")
	f("and it keeps out nobody else", 9, 4, "a a1- a a2- a a3- b c", "in in in in in")
	f("whoever has worked may come back", 1, 100, "a=x a1+ a a a a1- a=x", "in in in wait in")
	f("and nobody else in its place", 1, 100, "a=x a1+ a a a a1- a a=y", "in in in wait wait wait")
	f("once for each time that it works", 1, 100, "a=x a1+ a a1- a=x a3- a=x a=z a4+", "in in in wait wait")
	f("within a while", 1, 100, "a=x a1+ a1- ~ a a=x", "in in wait")
	f("before its end is seen as well", 1, 100, "a=x a1+ a a a a=x a1-", "in in in wait wait +a5")
	f("at its address", 1, 100, "a=x a1+ b b a1- b=x", "in in wait wait")
	f("a worker with a record does not wait", 1, 100, "a a a!bob a!eve", "in wait in +a2 in")
	f("once, and again after a while", 1, 100, "a!bob a a a!bob a!bob ~ a!bob", "in in in wait wait a2 a3 +a4 +a5 in")
	f("nor does it where its lane waits for others", 1, 100, "a a a2!bob", "in wait in")
	f("and it makes its lane one that works", 1, 100, "a a a1!bob", "in wait in +a2")
	f("hash rate goes before names, and past their bound", 2, 100, "a a a a a a5* a", "in in wait wait wait +a5 wait")
	f("as many that have shown it as that have not", 2, 100, "a a a a a a3* a5* a4*", "in in wait wait wait +a3 +a5")
	f("who has shown it comes in first when there is room", 2, 100, "a a a a a a3* a5* a4* a1+", "in in wait wait wait +a3 +a5 +a4")
	f("once, whatever it shows", 1, 100, "a a a2* a2* a a3*", "in wait +a2 wait")
	f("it has not earned its place by that", 1, 100, "a a a2* a a3* a2+", "in wait +a2 wait +a3")
	f("half of the places are newcomers'", 9, 4, "a a a b", "in in wait a1")
	f("those that work may have all", 9, 4, "a a a1+ a2+ a a a3+ a4+ a", "in in in in wait")
	f("whoever has most gives way", 9, 8, "a a a b c d", "in in in in a1 a2")
	f("nobody gives way to one that has as many", 9, 8, "a a b c b c d", "in in in in wait wait a1")
	f("a full house with a newcomer takes one with a record", 9, 2, "a b!bob c!eve", "in in a1")
	f("a full house that works takes nobody", 9, 2, "a!bob b!eve c!joe c", "in in wait wait")
	f("and one with a record first, when one ends", 9, 2, "a!bob b!eve c c!joe a1-", "in in wait wait +c2")
	f("one that has a place keeps it", 1, 1, "a a1+ a1+ a1- a1- b", "in in")
}

// A lane that waits in one address's line comes in by another's that has room.
func TestALaneThatWaitsComesInByAnotherAddress(t *testing.T) {
	n := newNewcomers(1, 100)
	now := time.Unix(1000, 0)
	full, other := homeOf(stranger), homeOf(honest)
	n.enter(new(Lane), full, "", "", now)
	l := new(Lane)
	for _, q := range []struct {
		from netip.Prefix
		want bool
	}{{full, false}, {full, false}, {other, true}, {full, true}} {
		ok, _ := n.enter(l, q.from, "", "", now)
		equal(t, q.from.String(), ok, q.want)
	}
	equal(t, "wait", n.waiting, 0)
	n.leave(l, false, now)
	ok, _ := n.enter(new(Lane), other, "", "", now)
	equal(t, "the place of one that never ran is free at once", ok, true)
}

// 300 agents of one address that do nothing, and one of another that works.
func TestNewcomersOfOneAddressKeepOutThemselves(t *testing.T) {
	n := newNewcomers(newcomersEach, 256)
	now := time.Unix(1000, 0)
	in := 0
	for range 300 {
		if ok, _ := n.enter(new(Lane), homeOf(netip.MustParseAddr("192.0.2.1")), "", "", now); ok {
			in++
		}
	}
	equal(t, "of one address", in, newcomersEach)
	good := new(Lane)
	ok, _ := n.enter(good, homeOf(netip.MustParseAddr("192.0.2.2")), "", "", now)
	equal(t, "another", ok, true)
}

// A thousand users behind one address, each of whom works once it has its link.
func TestUsersOfOneAddressThatWorkAreAllIn(t *testing.T) {
	n := newNewcomers(newcomersEach, MaxOnDemand)
	now := time.Unix(1000, 0)
	var in []*Lane
	for range 1000 {
		l := new(Lane)
		if ok, _ := n.enter(l, homeOf(netip.MustParseAddr("192.0.2.1")), "", "", now); ok {
			in = append(in, l)
		}
	}
	rounds, all := 0, 0
	for ; len(in) > 0; rounds++ {
		all += len(in)
		for _, l := range in {
			n.earn(l)
		}
		in, _ = n.seat(now)
	}
	equal(t, "in", all, 1000)
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
		voucher := ""
		if i%5 == 0 {
			voucher = fmt.Sprint("worker", i)
		}
		n.enter(l, homeOf(netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 7)})), "", voucher, time.Unix(int64(1000+100*i), 0))
		if i%3 == 0 {
			n.earn(l)
		}
	}
	for _, l := range lanes {
		n.leave(l, true, time.Unix(5000, 0))
	}
	n.expire(time.Unix(5000, 0).Add(newcomerTime))
	if n.fresh != 0 || n.proven != 0 || n.waiting != 0 || len(n.homes) != 0 || len(n.vouched) != 0 || len(n.places) != 0 || n.most() != 0 {
		t.Errorf("left: %+v", n)
	}
}
