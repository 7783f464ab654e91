package netloop

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"farmproxy/guard"
	"farmproxy/session"
	"farmproxy/upstream"
)

// fullPeer is the image of a connection that has everything.
var fullPeer = peerImage{
	loop: 1, slot: 2, generation: 3, stays: true,
	listener: "0.0.0.0:3333", remote: makeAddress(netip.MustParseAddrPort("192.0.2.1:4")), opened: true,
	half: []byte(`{"id`), skip: 5, unsent: []byte("late"), missed: aCleanJob,
	prefix: upstream.Prefix{Group: 6, Value: 7, Len: 2}, earned: true, forwarded: true, unearned: 8, strayed: 9, waiting: 10,
	hasGoal: true, account: "farm", lane: 11, last: 12, login: "farm.rig", userAgent: "bmminer/2", booked: true,
	agent: true, session: []byte{13}, first: true,
	others: []workerImage{{"farm.two", "x", true}, {"farm.three", "", false}},
	miners: []minerImage{{14, 15, mayHaveBooks, workerImage{"farm.four", "y", false}}},
	route:  "hall", goal: "main", split: splitImage{true, 16, 17, 18, 19, 20, 21},
}

// An image says everything, whichever farmproxy has written it: one that knows less has
// left the end off, and one that knows more has something behind it.
func TestImageOfAConnection(t *testing.T) {
	for i := range reflect.TypeFor[peerImage]().NumField() {
		if reflect.ValueOf(fullPeer).Field(i).IsZero() {
			t.Fatalf("the image of the test has no %s", reflect.TypeFor[peerImage]().Field(i).Name)
		}
	}
	record := appendImage(nil, fullPeer.layout)
	var got peerImage
	if rest, err := nextImage(record, got.layout); err != nil || len(rest) > 0 || !reflect.DeepEqual(got, fullPeer) {
		t.Errorf("%+v, %v, want %+v", got, err, fullPeer)
	}
	longer := appendImage(nil, func(x *layout) { fullPeer.layout(x); x.text(&fullPeer.login) })
	got = peerImage{}
	if _, err := nextImage(append(longer, record...), got.layout); err != nil || !reflect.DeepEqual(got, fullPeer) {
		t.Errorf("with something behind it: %+v, %v", got, err)
	}
	shorter := appendImage(nil, func(x *layout) { number(x, &fullPeer.loop); number(x, &fullPeer.slot) })
	got = peerImage{}
	if _, err := nextImage(shorter, got.layout); err != nil || got.slot != 2 || got.login != "" || len(got.others) > 0 {
		t.Errorf("without its end: %+v, %v", got, err)
	}
	for n := range record {
		if _, err := nextImage(record[:n], new(peerImage).layout); err == nil {
			t.Errorf("%d of %d bytes are an image", n, len(record))
		}
	}
}

func FuzzImageOfAConnection(f *testing.F) {
	f.Add(appendImage(nil, fullPeer.layout))
	f.Fuzz(func(t *testing.T, record []byte) {
		var i peerImage
		if _, err := nextImage(record, i.layout); err != nil {
			return
		}
		var again peerImage
		if _, err := nextImage(appendImage(nil, i.layout), again.layout); err != nil {
			t.Errorf("what was read can't be read again: %v", err)
		}
	})
}

// Places stay the same, and with other numbers of loops nobody gets another's.
func TestPlacesOfHeirs(t *testing.T) {
	for _, loops := range []struct{ before, now int }{{1, 1}, {2, 2}, {2, 1}, {1, 2}, {3, 2}, {2, 3}, {8, 3}} {
		s := &Server{loopCount: loops.now}
		s.inherited.before = loops.before
		taken := make(map[upstream.Cookie]bool)
		for index := range loops.before {
			for slot := range uint32(50) {
				c := s.Cookie(makeCookie(index, 7, slot))
				on, generation, at := splitCookie(c)
				if taken[c] || on >= loops.now || generation != 7 || loops.before == loops.now && (on != index || at != slot) {
					t.Fatalf("%d loops become %d: loop %d, slot %d comes to loop %d, slot %d", loops.before, loops.now, index, slot, on, at)
				}
				taken[c] = true
			}
		}
	}
}

// What a server remembers of those who have left goes along, with the time that is left.
func TestWhoHasLeftIsRemembered(t *testing.T) {
	const before, now = time.Hour, time.Minute // the clocks of the two processes
	var old, next debts
	old.seed = [16]byte{1}
	old.leave(at("192.0.2.1"), "farm.a", 20, before-time.Minute)
	data, err := json.Marshal(old.image(before))
	if err != nil {
		t.Fatal(err)
	}
	if err := next.restore(data, now); err != nil {
		t.Fatal(err)
	}
	next.wantOwed(t, "192.0.2.1", "farm.a", now, 20, 0)
	next.wantOwed(t, "192.0.2.1", "farm.b", now, 0, 0)
	next.wantOwed(t, "192.0.2.1", "farm.a", now+debtTime-time.Minute, 0, 0)

	s, heir := &Server{guard: guard.New()}, &Server{guard: guard.New()}
	ban := guard.Ban{Address: at("192.0.2.9"), Reason: "share_flood", Offences: 3, Since: before - time.Minute, Until: before + time.Minute}
	s.guard.Inherit([]guard.Ban{ban})
	if data, err = json.Marshal(s.bansImage(before)); err != nil {
		t.Fatal(err)
	}
	if err := heir.restoreBans(data, now); err != nil {
		t.Fatal(err)
	}
	ban.Since, ban.Until = ban.Since-before+now, ban.Until-before+now
	if got := heir.guard.Bans(now); len(got) != 1 || got[0] != ban {
		t.Errorf("bans %+v, want %+v", got, ban)
	}

	var was, is parked
	was.byID = map[uint64]parkedSession{9: {prefix: upstream.Prefix{Value: 3, Len: 2}, earned: true, used: true, parked: before - time.Minute, end: before + time.Minute}}
	was.queue = parkedQueue{[]parkedID{{8, before}, {9, before + time.Minute}}, 1} // the first was resumed
	images := was.images(before)
	if len(images) != 1 {
		t.Fatalf("%d sessions", len(images))
	}
	is.byID = make(map[uint64]parkedSession)
	if err := is.restore(appendImage(nil, images[0].layout), now, func(uint32) *upstream.Lane { return nil }); err != nil {
		t.Fatal(err)
	}
	got := is.byID[(&session.State{}).ID()] // a zero state has no id
	if got.prefix.Value != 3 || !got.earned || !got.used || got.end != now+time.Minute || got.parked != now-time.Minute || len(is.queue.list) != 1 || is.queue.kept != 1 {
		t.Errorf("parked: %+v", got)
	}
}

// A miner that hung up before the new process served was parked before the sessions of those
// that had left earlier, and these did not expire. It asked for debts while they were read.
func TestConnectionsComeLast(t *testing.T) {
	s := newLoops(t, 1)
	comers(t, s, 1)
	s.parked.mu.Lock()
	s.parked.byID[1] = parkedSession{}
	s.parked.queue = parkedQueue{list: []parkedID{{id: 1}}, kept: 1}
	s.parked.mu.Unlock()
	if err := s.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Thaw)
	all := records(t, s.State)
	for i, r := range all {
		closeFiles(r.files)
		if (r.section == peersSection) != (i == len(all)-1) {
			t.Errorf("record %d of %d is %s", i+1, len(all), r.section)
		}
	}
}
