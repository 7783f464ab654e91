package netloop

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"farmproxy/session"
)

// The image of a server is all of it that the next process needs, as plain data: see
// package handover. It comes in sections:
//
//	AheadSection   where it listens, with the sockets
//	loopsSection   the loops, and what each knows of lanes
//	parkedSection  the parked sessions, in pieces
//	debtsSection   who left in bad standing
//	bansSection    who may not connect
//	peersSection   the connections, in pieces, with their sockets
//
// Connections come last: one that hangs up before the next process serves is parked there,
// and may owe something, behind all those that did before.
//
// Times are ages at the moment of the image. What is new in an image is added at its
// end, where an older reader does not look, and is zero in what an older one has
// written.

// Sections of the image.
const (
	SectionPrefix = "miners."
	AheadSection  = "miners.ahead" // of Ahead; all others are of State
	loopsSection  = "miners.loops"
	peersSection  = "miners.peers"
	parkedSection = "miners.parked"
	debtsSection  = "miners.debts"
	bansSection   = "miners.bans"
)

// perRecord is how many connections or parked sessions are in one record: as many
// descriptors as travel in one packet.
const perRecord = 250

// loopsImage is the first record of the image.
type loopsImage struct {
	Loops []loopImage `json:"loops"`
}

// loopImage is a loop without its connections.
type loopImage struct {
	Slots      int         `json:"slots"`
	Generation uint32      `json:"generation"` // no slot has a higher one
	Feeds      []feedImage `json:"feeds"`
}

type feedImage struct {
	Lane     uint32  `json:"lane"`
	SentMS   int64   `json:"sent_ms"`
	Kept     int64   `json:"kept,omitempty"`
	KeptWork float64 `json:"kept_work,omitempty"`
	session.FeedImage
}

// State sends the server's image: each record with the section that it belongs to. The
// server must be frozen, and stays so. files are the sockets in a record; they stay this
// server's.
func (s *Server) State(send func(section string, data []byte, files ...int) error) error {
	loops := *s.loops.Load()
	now := time.Since(s.started)
	head := loopsImage{make([]loopImage, len(loops))}
	peers := make([][]peersImage, len(loops))
	err := s.together(context.Background(), func(l *loop) {
		head.Loops[l.index] = l.image(now)
		peers[l.index] = l.peersImage(now)
	})
	if err != nil {
		return err
	}
	data, err := json.Marshal(head)
	if err != nil {
		return err
	}
	if err := send(loopsSection, data); err != nil {
		return err
	}
	for piece := range slices.Chunk(s.parked.images(now), perRecord) {
		var data []byte
		for _, i := range piece {
			data = appendImage(data, i.layout)
		}
		if err := send(parkedSection, data); err != nil {
			return err
		}
	}
	for section, image := range map[string]any{debtsSection: s.debts.image(now), bansSection: s.bansImage(now)} {
		if data, err = json.Marshal(image); err == nil {
			err = send(section, data)
		}
		if err != nil {
			return err
		}
	}
	for _, list := range peers {
		for _, p := range list {
			if err := send(peersSection, p.data, p.files...); err != nil {
				return err
			}
		}
	}
	return nil
}

// image returns the loop's, without its connections.
func (l *loop) image(now time.Duration) (i loopImage) {
	i.Slots = len(l.slots)
	for n := range l.slots {
		i.Generation = max(i.Generation, l.slots[n].generation)
	}
	for lane, f := range l.feeds {
		i.Feeds = append(i.Feeds, feedImage{lane.ID(), (now - f.sent).Milliseconds(), f.kept, f.keptWork, f.Feed.Image()})
	}
	return i
}

// peersImage is a record of peersSection.
type peersImage struct {
	data  []byte
	files []int
	n     int
}

// peersImage returns the images of the loop's connections. What stays behind has no
// socket in them.
func (l *loop) peersImage(now time.Duration) (list []peersImage) {
	for n := range l.slots {
		p := l.slots[n].peer
		if p == nil {
			continue
		}
		if len(list) == 0 || list[len(list)-1].n == perRecord {
			list = append(list, peersImage{})
		}
		of := &list[len(list)-1]
		i := l.peerImage(p, now)
		of.data = appendImage(of.data, i.layout)
		of.n++
		if !i.stays {
			of.files = append(of.files, int(p.fd))
		}
	}
	return list
}
