package upstream

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"time"

	"farmproxy/work"
)

// Images of what a link and its pool have said to each other.

type protocolImage struct {
	Deadline   ago            `json:"deadline,omitempty"`
	WholeBy    ago            `json:"whole_by,omitempty"`
	Pending    []byte         `json:"pending,omitempty"` // read, and not whole
	Passed     int            `json:"passed,omitempty"`
	Said       [][]byte       `json:"said,omitempty"`
	Malformed  int            `json:"malformed,omitempty"`
	LongSaid   ago            `json:"long_said,omitempty"`
	Skipped    optional       `json:"skipped,omitempty"`
	Unheard    bool           `json:"unheard,omitempty"`
	Suspects   optional       `json:"suspects,omitempty"`
	Made       ago            `json:"made,omitempty"`
	Difficulty float64        `json:"difficulty"`
	Told       bool           `json:"told,omitempty"`
	AtOnce     bool           `json:"at_once,omitempty"`
	Doubted    map[string]ago `json:"doubted,omitempty"`
	Following  *epochImage    `json:"following,omitempty"`
	Logged     []ago          `json:"logged,omitempty"` // by chatter
	MaskSaid   bool           `json:"mask_said,omitempty"`
	Mask       uint32         `json:"mask"`
	Visible    uint32         `json:"visible"`
	Offered    uint32         `json:"offered"`
	Narrowed   ago            `json:"narrowed,omitempty"`
	Changes    int            `json:"epochs,omitempty"`
	ChangesIn  ago            `json:"epochs_since,omitempty"`
	Job        uint32         `json:"job"`
	Again      []shareImage   `json:"again,omitempty"`
	Flight     flightImage    `json:"flight"`
	Stratum    *stratumImage  `json:"stratum,omitempty"`
	Agent      *agentImage    `json:"agent,omitempty"`
}

type flightImage struct {
	Low      uint64      `json:"low"`
	High     uint64      `json:"high"`
	Answered uint64      `json:"answered,omitempty"`
	Sent     []sentImage `json:"sent,omitempty"`
}

type sentImage struct {
	Request uint64 `json:"request"`
	At      ago    `json:"at"`
	shareImage
}

type stratumImage struct {
	Flip    bool        `json:"flip,omitempty"`
	Base    string      `json:"base"`
	Refused string      `json:"refused,omitempty"`
	Sole    string      `json:"sole,omitempty"`
	Last    ago         `json:"last,omitempty"`
	Names   []nameImage `json:"names,omitempty"`
	Lapsed  bool        `json:"lapsed,omitempty"`
	Wait    bool        `json:"wait,omitempty"`
	Renewal uint64      `json:"renewal,omitempty"`
	Sent    ago         `json:"renewal_sent,omitempty"`
	Renewed ago         `json:"renewed,omitempty"`
	InVain  ago         `json:"in_vain,omitempty"`
}

type nameImage struct {
	Worker  string       `json:"worker,omitempty"` // "": it is everybody's
	Text    string       `json:"text"`
	Own     string       `json:"own"`
	Fixed   bool         `json:"fixed,omitempty"`
	Late    bool         `json:"late,omitempty"`
	Asked   ago          `json:"asked,omitempty"`
	Request uint64       `json:"request,omitempty"` // that has no answer yet
	Held    []shareImage `json:"held,omitempty"`
}

type agentImage struct {
	Responses  bool                `json:"responses,omitempty"`
	Own        map[uint8][]byte    `json:"own,omitempty"`
	More       bool                `json:"more,omitempty"`
	Registered []registrationImage `json:"registered,omitempty"`
	Due        []memberImage       `json:"due,omitempty"`
	Dropped    []uint16            `json:"dropped,omitempty"`
	Known      []byte              `json:"known,omitempty"` // a bit for each session
}

type registrationImage struct {
	SID    uint16 `json:"sid"`
	Worker string `json:"worker"`
	Agent  string `json:"agent,omitempty"`
	Flying int    `json:"flying,omitempty"`
}

type memberImage struct {
	SID     uint16 `json:"sid"`
	Login   string `json:"login,omitempty"`
	Agent   string `json:"agent,omitempty"`
	There   bool   `json:"there,omitempty"`
	Changed bool   `json:"changed,omitempty"`
}

func (x *imaging) protocol(p *protocol) protocolImage {
	i := protocolImage{
		Deadline: x.ago(p.deadline), WholeBy: x.ago(p.wholeBy), Pending: slices.Clone(p.stream.pending), Passed: p.stream.passed,
		Said: slices.Clone(p.said), Malformed: p.lines.malformed, LongSaid: x.ago(p.lines.longSaid),
		Skipped: p.skipped, Unheard: p.unheard, Suspects: p.suspects, Made: x.ago(p.made),
		Difficulty: p.difficulty, Told: p.told, AtOnce: p.atOnce,
		MaskSaid: p.maskSaid, Mask: p.mask, Visible: p.visible,
		Offered: p.offered.mask, Narrowed: x.ago(p.offered.narrowed), Changes: p.epochs.n, ChangesIn: x.ago(p.epochs.since),
		Job: x.job(p.job), Again: x.shares(p.again), Flight: x.flight(&p.flight),
	}
	for why, at := range p.doubted {
		if i.Doubted == nil {
			i.Doubted = make(map[string]ago)
		}
		i.Doubted[why] = x.ago(at)
	}
	for _, at := range p.logged {
		i.Logged = append(i.Logged, x.ago(at))
	}
	if p.following != nil {
		e := x.epoch(p.following, nil)
		i.Following = &e
	}
	switch d := p.dialect.(type) {
	case *stratum:
		i.Stratum = x.stratum(d)
	case *agentDialect:
		i.Agent = x.agent(d)
	}
	return i
}

// protocol makes a protocol, which is new, one that is up.
func (x *restoring) protocol(p *protocol, l *Lane, i *protocolImage) (err error) {
	p.phase, p.reached, p.now = working, true, x.now
	p.deadline, p.wholeBy = x.time(i.Deadline), x.time(i.WholeBy)
	p.stream.buf, p.stream.passed = i.Pending, i.Passed
	p.stream.pending = p.stream.buf
	p.said, p.lines.malformed, p.lines.longSaid = i.Said, i.Malformed, x.time(i.LongSaid)
	p.skipped, p.unheard, p.suspects, p.made = i.Skipped, i.Unheard, i.Suspects, x.time(i.Made)
	p.difficulty, p.told, p.atOnce = i.Difficulty, i.Told, i.AtOnce
	for why, at := range i.Doubted {
		if p.doubted == nil {
			p.doubted = make(map[string]time.Time)
		}
		p.doubted[why] = x.time(at)
	}
	for n := range min(len(p.logged), len(i.Logged)) {
		p.logged[n] = x.time(i.Logged[n])
	}
	p.maskSaid, p.mask, p.visible = i.MaskSaid, i.Mask, i.Visible
	p.offered = offeredMask{i.Offered, x.time(i.Narrowed)}
	p.epochs = epochCount{i.Changes, x.time(i.ChangesIn)}
	if i.Following != nil {
		if p.following, err = x.epoch(l, p.pool, i.Following); err != nil {
			return err
		}
	}
	if p.job, err = x.job(i.Job); err != nil {
		return err
	}
	if p.again, err = x.shares(i.Again); err != nil {
		return err
	}
	if err := x.flight(&p.flight, &i.Flight); err != nil {
		return err
	}
	l.taken(int64(len(p.again) + p.flight.n))
	switch d := p.dialect.(type) {
	case *stratum:
		if i.Stratum != nil {
			return x.stratum(d, i.Stratum)
		}
	case *agentDialect:
		if i.Agent != nil {
			x.agent(d, i.Agent)
		}
	}
	return nil
}

func (x *imaging) flight(f *inflight) flightImage {
	i := flightImage{Low: f.low, High: f.high, Answered: f.answered}
	for _, s := range f.inOrder() {
		i.Sent = append(i.Sent, sentImage{s.id, x.ago(s.at), x.share(&s.share)})
	}
	return i
}

func (x *restoring) flight(f *inflight, i *flightImage) error {
	if i.Low > i.High || i.High-i.Low > 2*maxInflight {
		return errNoFlight
	}
	f.low, f.high, f.answered = i.Low, i.High, i.Answered
	if len(i.Sent) == 0 {
		return nil
	}
	f.resize(minInflight)
	for n := range i.Sent {
		s := &i.Sent[n]
		share, err := x.share(&s.shareImage)
		if err != nil {
			return err
		}
		slot := &f.ring[s.Request&uint64(len(f.ring)-1)]
		if s.Request < f.low || s.Request >= f.high || slot.id != 0 {
			return errNoFlight
		}
		*slot = sent{s.Request, x.time(s.At), share}
		f.n++
	}
	if f.ring[f.low&uint64(len(f.ring)-1)].id != f.low {
		return errNoFlight
	}
	return nil
}

func (x *imaging) stratum(s *stratum) *stratumImage {
	n := &s.names
	i := &stratumImage{
		Flip: s.bits.flip, Base: n.base, Refused: n.refused, Sole: n.sole, Last: x.ago(n.last),
		Lapsed: n.lapsed, Wait: n.wait, Renewal: n.renewal, Sent: x.ago(n.sent), Renewed: x.ago(n.renewed), InVain: x.ago(n.inVain),
	}
	asked := make(map[*name]uint64, len(n.asked))
	for id, w := range n.asked {
		asked[w] = id
	}
	for worker, w := range n.workers {
		i.Names = append(i.Names, nameImage{
			Worker: nameOf(worker), Text: w.text, Own: w.own, Fixed: w.fixed, Late: w.late,
			Asked: x.ago(w.asked), Request: asked[w], Held: x.shares(w.held),
		})
	}
	slices.SortFunc(i.Names, func(a, b nameImage) int { return strings.Compare(a.Worker, b.Worker) })
	return i
}

func (x *restoring) stratum(s *stratum, i *stratumImage) error {
	n := &s.names
	s.bits.flip = i.Flip
	n.base, n.refused, n.sole, n.last = i.Base, i.Refused, i.Sole, x.time(i.Last)
	n.basis = basis{i.Lapsed, i.Wait, i.Renewal, x.time(i.Sent), x.time(i.Renewed), x.time(i.InVain)}
	if !n.pass {
		return nil
	}
	for at := range i.Names {
		w := &i.Names[at]
		held, err := x.shares(w.Held)
		if err != nil {
			return err
		}
		is := &name{text: w.Text, own: w.Own, fixed: w.Fixed, late: w.Late, asked: x.time(w.Asked), held: held}
		n.workers[x.worker(w.Worker)] = is
		if w.Request != 0 {
			n.asked[w.Request] = is
		}
		n.held += len(held)
	}
	s.lane.taken(int64(n.held))
	return nil
}

func (x *imaging) agent(a *agentDialect) *agentImage {
	i := &agentImage{
		Responses: a.responses, Own: a.own.Pages(), More: a.more, Dropped: slices.Sorted(maps.Keys(a.dropped)),
	}
	for _, word := range a.known {
		i.Known = binary.LittleEndian.AppendUint64(i.Known, word)
	}
	for _, sid := range slices.Sorted(maps.Keys(a.registered)) {
		r := a.registered[sid]
		i.Registered = append(i.Registered, registrationImage{sid, r.worker, r.agent, r.flying})
	}
	for _, sid := range slices.Sorted(maps.Keys(a.due)) {
		c := a.due[sid]
		i.Due = append(i.Due, memberImage{SID: sid, Login: c.login, Agent: c.agent, There: c.there})
	}
	return i
}

func (x *restoring) agent(a *agentDialect, i *agentImage) {
	a.responses, a.more = i.Responses, i.More
	if own := work.DifficultiesOf(i.Own); own != nil {
		a.own = own
	}
	for at := range min(len(a.known), len(i.Known)/8) {
		a.known[at] = binary.LittleEndian.Uint64(i.Known[8*at:])
	}
	for _, r := range i.Registered {
		a.registered[r.SID] = &registration{r.Worker, r.Agent, r.Flying}
	}
	for _, m := range i.Due {
		a.due[m.SID] = change{m.SID, member{m.Login, m.Agent}, m.There}
	}
	for _, sid := range i.Dropped {
		a.dropped[sid] = struct{}{}
	}
}

// remains returns the shares of a link that stays behind, as protocol.leave does: those
// that were sent first, and marked so.
func (x *restoring) remains(i *protocolImage) (list []Share, err error) {
	images := make([]shareImage, 0, len(i.Flight.Sent)+len(i.Again))
	for n := range i.Flight.Sent {
		s := i.Flight.Sent[n].shareImage
		s.Resubmitted = true
		images = append(images, s)
	}
	images = append(images, i.Again...)
	if i.Stratum != nil {
		for n := range i.Stratum.Names {
			images = append(images, i.Stratum.Names[n].Held...)
		}
	}
	return x.shares(images)
}
