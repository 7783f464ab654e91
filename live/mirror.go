package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Mirror is the farm as a page's events tell it: the other side of a Feed. The zero value
// has heard nothing. It is for one goroutine.
type Mirror struct {
	Farm    *Farm     // nil: nothing was heard yet
	At      time.Time // when the farm was so, by its clock and in its zone
	Workers map[uint32]*Seen
}

// Seen is a worker as events tell of it.
type Seen struct {
	ID                                             uint32 // while the worker is in the table
	Name                                           string
	Group, Pool, Account, Listener, Address, Agent string
	HashRate, Usual                                float64 // H/s; 0: unknown
	State                                          State
	Rejected                                       float64   // fraction of its last shares
	Since                                          time.Time // it is in this state; zero: never seen
}

// Take takes the page's next event. After an error the mirror is as it was, and the page
// has to be opened again.
func (m *Mirror) Take(event []byte) error {
	var e message
	if err := json.Unmarshal(event, &e); err != nil {
		return fmt.Errorf("an event of the farm that cannot be read: %w; is the running farmproxy of the same version?", err)
	}
	if e.Farm == nil || !e.Full && m.Farm == nil {
		return errors.New("an event of the farm without the farm: is the running farmproxy of the same version?")
	}
	if e.Full {
		m.Workers = make(map[uint32]*Seen, len(e.New))
	}
	m.Farm, m.At = e.Farm, time.UnixMilli(e.Time).In(time.FixedZone(e.Zone, e.Offset))
	for i := range e.New {
		r := &e.New[i]
		m.Workers[r.id] = r.seen()
	}
	for i := range e.Change {
		c := &e.Change[i]
		s := m.Workers[c.id]
		if s == nil {
			continue
		}
		if s.HashRate = c.rate; !c.onlyRate {
			s.State, s.Rejected, s.Since = c.state, perMille(c.reject), unix(c.since)
		}
	}
	for _, id := range e.Gone {
		delete(m.Workers, id)
	}
	return nil
}

func (r *row) seen() *Seen {
	return &Seen{
		ID: r.id, Name: r.name, Group: r.group, Pool: r.pool, Account: r.account, Listener: r.listener, Address: r.address, Agent: r.agent,
		HashRate: r.rate, Usual: r.usual, State: r.state, Rejected: perMille(r.reject), Since: unix(r.since),
	}
}

func perMille(n uint16) float64 { return float64(n) / 1000 }

func unix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}
