package upstream

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"farmproxy/descriptors"
	"farmproxy/stats"
)

// Images of links that serve a lane, or did and wait for verdicts. One that is being
// dialled has none: the next process dials another.

type linkImage struct {
	Pool     int           `json:"pool"`              // of the goal's image
	Address  string        `json:"address,omitempty"` // that client.reconnect led to
	Wire     int           `json:"wire"`              // whose socket it has; -1: it stays behind
	Serves   bool          `json:"serves,omitempty"`
	Drains   ago           `json:"drains,omitempty"`
	Relayed  bool          `json:"relayed,omitempty"`
	Started  ago           `json:"started"`
	Epoch    uint64        `json:"epoch"`
	Unsent   []byte        `json:"unsent,omitempty"`
	Health   healthImage   `json:"health"`
	Tenure   tenureImage   `json:"tenure"`
	Protocol protocolImage `json:"protocol"`
}

type healthImage struct {
	Notify     time.Duration `json:"notify"`
	Rolling    bool          `json:"rolling,omitempty"`
	Bitless    bool          `json:"bitless,omitempty"`
	LeftOut    optional      `json:"left_out,omitempty"`
	Unanswered bool          `json:"unanswered,omitempty"`
	MoveTo     string        `json:"move_to,omitempty"`
	MoveAt     ago           `json:"move_at,omitempty"`
	Clock      uint32        `json:"verdicts,omitempty"`
	Senders    []senderImage `json:"senders,omitempty"`
}

type senderImage struct {
	Prefix  uint16 `json:"prefix"`
	Refused uint64 `json:"refused"`
	N       uint8  `json:"n"`
	Heard   uint32 `json:"heard"`
	Proven  bool   `json:"proven,omitempty"`
	Vouched bool   `json:"vouched,omitempty"`
}

type tenureImage struct {
	UpAt       ago    `json:"up_at"`
	Complained bool   `json:"complained,omitempty"`
	Submitted  uint64 `json:"harvest_submitted,omitempty"`
	Kept       int64  `json:"harvest_kept,omitempty"`
	Since      ago    `json:"harvest_since,omitempty"`
	BarrenSaid bool   `json:"barren_said,omitempty"`
}

func (x *imaging) link(k *link, pool int, serves bool) linkImage {
	t := &k.tenure
	i := linkImage{
		Pool: pool, Wire: -1, Serves: serves, Started: x.ago(k.started), Epoch: k.epoch.Load().id,
		Health: x.health(&k.health),
		Tenure: tenureImage{
			UpAt: x.ago(t.upAt), Complained: t.complained, Submitted: t.harvest.submitted, Kept: t.harvest.kept,
			Since: x.ago(t.harvest.since), BarrenSaid: t.barrenSaid,
		},
		Protocol: x.protocol(k.protocol),
	}
	if !serves {
		i.Drains = x.ago(t.drainAt)
	}
	if k.to.Address != k.pool.Address {
		i.Address = k.to.Address
	}
	w := k.wire.Load()
	if w == nil || k.ctx.Err() != nil {
		return i
	}
	if k.stack.Load() != nil {
		if r := newRelay(k, *w); r != nil && x.relay(r) {
			i.Unsent, i.Relayed = k.protocol.unsent, true
			i.Wire, x.wires = len(x.wires), append(x.wires, r)
		}
	} else if unsent, open := (*w).Unsent(); open {
		i.Unsent, i.Relayed = append(slices.Clone(unsent), k.protocol.unsent...), k.relayed
		i.Wire, x.wires = len(x.wires), append(x.wires, *w)
	}
	return i
}

// staysBehind reports that the link can't be handed over, or that what stands below it
// belongs to a process that is about to end: the next process needs another one.
func (k *link) staysBehind() bool { return k.relayed || k.stack.Load() != nil }

func (x *imaging) health(h *health) healthImage {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := healthImage{
		Notify: time.Duration(h.notify.Load()), Rolling: h.rolling.Load(), Bitless: h.bitless, LeftOut: h.leftOut,
		Unanswered: h.unanswered.Load(), MoveTo: h.moveTo, MoveAt: x.ago(h.moveAt), Clock: h.rejects.clock,
	}
	for _, m := range h.rejects.senders {
		i.Senders = append(i.Senders, senderImage{m.prefix, m.refused, m.n, m.heard, m.proven, m.vouched})
	}
	return i
}

func (x *restoring) health(h *health, i *healthImage) {
	h.notify.Store(int64(i.Notify))
	h.rolling.Store(i.Rolling)
	h.bitless, h.leftOut = i.Bitless, i.LeftOut
	h.unanswered.Store(i.Unanswered)
	h.moveTo, h.moveAt = i.MoveTo, x.time(i.MoveAt)
	h.rejects.clock = i.Clock
	for _, m := range i.Senders {
		h.rejects.senders = append(h.rejects.senders, sender{
			refused: m.Refused, heard: m.Heard, prefix: m.Prefix, n: min(m.N, rejectVerdicts), proven: m.Proven, vouched: m.Vouched,
		})
	}
}

// adopted is a link of the process before this one, before an event loop carries it.
type adopted struct {
	link *link
	conn net.Conn
}

// link makes a link whose connection was handed over. Its loop goes on at Start.
func (x *restoring) link(l *Lane, p *pool, e *epoch, i *linkImage, conn net.Conn) (*link, error) {
	use := descriptors.Link
	if !i.Serves {
		use = descriptors.Second
	}
	files, err := x.d.inherit(use)
	if err != nil {
		return nil, err
	}
	k := l.goal.newLink(context.Background(), p, l, files)
	k.started, k.relayed = x.time(i.Started), i.Relayed
	if i.Address != "" {
		k.to.Target = k.to.At(i.Address)
	}
	t := &i.Tenure
	k.tenure = tenure{
		upAt: x.time(t.UpAt), drainAt: x.time(i.Drains), complained: t.Complained,
		harvest: harvest{t.Submitted, t.Kept, x.time(t.Since)}, barrenSaid: t.BarrenSaid,
	}
	x.health(&k.health, &i.Health)
	k.epoch.Store(e)
	e.link.Store(k)
	if err := x.protocol(k.protocol, l, &i.Protocol); err != nil {
		return nil, err
	}
	k.protocol.unsent = i.Unsent
	k.active.Store(true)
	k.gauges(e)
	p.took()
	l.adopted = append(l.adopted, adopted{k, conn})
	return k, nil
}

// inherit takes the descriptor that a link has already.
func (d *Directory) inherit(use descriptors.Use) (h linkFiles, err error) {
	if err := d.files.Inherit(use, 1); err != nil {
		return h, err
	}
	h = linkFiles{d.files, use, new(atomic.Int32)}
	h.n.Store(1)
	return h, nil
}

// gauges has the books say what they say of a link that is up.
func (k *link) gauges(e *epoch) {
	p := k.protocol
	k.state(stats.LinkUp)
	if !k.tenure.drainAt.IsZero() {
		k.state(stats.LinkDraining)
	}
	k.book.InFlight.Store(int64(p.flight.n))
	k.book.Extranonce2.Store(uint32(e.size))
	k.book.VersionMask.Store(p.mask)
	k.book.Difficulty.Store(p.difficulty)
}

// adopt begins to drive the links that were handed over.
func (l *Lane) adopt() {
	for _, a := range l.adopted {
		go func() { l.tell(event{a.link, a.link.takeUp(a.conn)}) }()
	}
	l.adopted = nil
}

// takeUp is run for a link that is up and has its connection.
func (k *link) takeUp(conn net.Conn) (err error) {
	defer k.end()
	defer func() {
		k.rate(err)
		err = k.protocol.blame(err, time.Now())
	}()
	k.conn = conn
	defer conn.Close()
	return k.because(k.carry())
}

var errNoFlight = errors.New("the shares in flight are not within their window")
