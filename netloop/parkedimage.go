package netloop

import (
	"slices"
	"time"

	"farmproxy/session"
	"farmproxy/upstream"
)

// parkedImage is a parked session.
type parkedImage struct {
	session []byte // its state and its headers
	prefix  upstream.Prefix
	last    uint32 // the lane that it last worked on; 0: none
	earned  bool
	used    bool
	ago     time.Duration // since it was parked
	left    time.Duration // until it expires
	split   splitImage
}

func (i *parkedImage) layout(x *layout) {
	x.bytes(&i.session)
	layoutPrefix(x, &i.prefix)
	number(x, &i.last)
	x.bool(&i.earned)
	x.bool(&i.used)
	number(x, &i.ago)
	number(x, &i.left)
	i.split.layout(x)
}

// images returns those of all sessions, in the order in which they expire.
func (k *parked) images(now time.Duration) (list []parkedImage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, entry := range slices.Concat(k.queue.list, k.fresh.list) {
		if !k.isParked(entry) {
			continue
		}
		s := k.byID[entry.id]
		i := parkedImage{
			session: s.headers.Append(s.state.Append(nil)), prefix: s.prefix,
			earned: s.earned, used: s.used, ago: now - s.parked, left: s.end - now, split: s.split.image(now),
		}
		if s.last != nil {
			i.last = s.last.ID()
		}
		list = append(list, i)
	}
	return list
}

// restore parks the sessions of a record; now is the moment of the image.
func (k *parked) restore(record []byte, now time.Duration, lane func(id uint32) *upstream.Lane) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(record) > 0 {
		var i parkedImage
		var err error
		if record, err = nextImage(record, i.layout); err != nil {
			return err
		}
		state, rest, err := session.DecodeState(i.session)
		if err != nil {
			return err
		}
		headers, _, err := session.DecodeHeaders(rest)
		if err != nil {
			return err
		}
		k.slots += headers.Slots()
		id, end := state.ID(), now+i.left
		k.byID[id] = parkedSession{state, headers, i.prefix, lane(i.last), i.earned, i.used, now - i.ago, end, i.split.restore(now)}
		queue, most := k.queueOf(i.used)
		k.enqueue(queue, most, parkedID{id, end})
	}
	return nil
}
