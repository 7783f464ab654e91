package netloop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"

	"farmproxy/descriptors"
	"farmproxy/session"
	"farmproxy/stats"
	"farmproxy/upstream"
)

const (
	// silentBytes is how many bytes must have come before a socket is read that is not
	// ours yet: 300 shares. More would make the kernel's buffers grow.
	silentBytes = 32 << 10

	// enrolled is how many connections of a record are on their way to a loop at once:
	// each has a second descriptor meanwhile.
	enrolled = 64
)

// heir is a connection on its way to its place on a loop.
type heir struct {
	peer       *peer
	loop       *loop
	generation uint32
	userAgent  string
	half       []byte
	lane       *upstream.Lane // that it is on; nil: none
	booked     bool           // it had the account proxy's books
	homeless   bool           // its lane or goal is gone: it logs in again, in memory
	split      splitImage
	left       *upstream.Lane // that it was moved from lately; nil: it was not
	counted    bool           // it took a descriptor
	arrived    bool           // the loop has it
}

// restorePeers puts the connections of a record on their loops.
func (s *Server) restorePeers(data []byte, files []int) error {
	defer func() { closeFiles(files) }()
	var heirs []*heir
	var sockets []int // of each; noSocket: that stayed behind
	for len(data) > 0 {
		var i peerImage
		var err error
		if data, err = nextImage(data, i.layout); err != nil {
			return err
		}
		h, err := s.heir(&i)
		if err != nil {
			return err
		}
		socket := noSocket
		if !i.stays {
			if len(files) == 0 {
				return fmt.Errorf("%w: it came without its socket", errDamaged)
			}
			socket, files = files[0], files[1:]
		}
		heirs, sockets = append(heirs, h), append(sockets, socket)
	}
	if err := s.inheritFiles(heirs, sockets); err != nil {
		return err
	}
	for len(heirs) > 0 {
		n := min(len(heirs), enrolled)
		if err := enroll(heirs[:n], sockets[:n]); err != nil {
			return err
		}
		heirs, sockets = heirs[n:], sockets[n:]
	}
	return nil
}

// inheritFiles takes the descriptors of connections that come with their socket. If there
// is one too few the hand-over fails, and nobody is disconnected.
func (s *Server) inheritFiles(heirs []*heir, sockets []int) error {
	n := 0
	for i, h := range heirs {
		if h.counted = sockets[i] != noSocket; h.counted {
			n++
		}
	}
	return s.files.Inherit(descriptors.Miner, n)
}

// errNotEnrolled reports a connection that its loop could not take.
var errNotEnrolled = errors.New("an event loop can't watch all connections of the running farmproxy: is fs.epoll.max_user_watches too low for both?")

// enroll brings connections to their loops. One that was reset, or stays behind, leaves. If
// another can't get there the hand-over fails, and nobody is disconnected.
func enroll(heirs []*heir, sockets []int) error {
	under := make([]<-chan gnet.RegisteredResult, len(heirs))
	failed := make([]error, len(heirs))
	for n, h := range heirs {
		if sockets[n] != noSocket {
			under[n], failed[n] = h.enroll(sockets[n])
		}
	}
	for n, h := range heirs {
		if under[n] != nil {
			failed[n] = (<-under[n]).Err
		}
		switch {
		case h.arrived || failed[n] != nil:
		case under[n] != nil: // gnet keeps the reason to itself
			failed[n] = errNotEnrolled
		default:
			h.loop.mailbox.call(h.leave)
		}
	}
	err := errors.Join(failed...)
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		return descriptors.ErrFew
	}
	return err
}

// enroll has gnet give the heir's socket to its loop, which has it when there is
// something in the channel.
func (h *heir) enroll(socket int) (<-chan gnet.RegisteredResult, error) {
	f := os.NewFile(uintptr(socket), "miner")
	defer f.Close()
	if err := silence(socket); err != nil {
		return nil, err
	}
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	if conn.RemoteAddr() == nil { // it was reset
		h.peer.reason = session.MinerLeft
		return nil, conn.Close()
	}
	tcp, is := conn.(*net.TCPConn)
	if !is {
		return nil, errors.Join(errDamaged, conn.Close())
	}
	setTimeouts(socket) // FileConn has set Go's own, for the other process too
	plainAddresses(tcp)
	arriving, err := h.loop.gnet.Enroll(gnet.NewContext(context.Background(), h), tcp)
	if err != nil {
		tcp.Close()
	}
	return arriving, err
}

// silence has the kernel report a socket as readable only when very much has come.
func silence(socket int) error {
	return unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVLOWAT, silentBytes)
}

// listen ends silence. What has come meanwhile is reported at once.
func listen(socket int32) {
	_ = unix.SetsockoptInt(int(socket), unix.SOL_SOCKET, unix.SO_RCVLOWAT, 1) // fails on a closed socket only
}

// hangUp ends a connection whose socket the process before may still have: it stays for a
// while, and until it ends the miner would not notice that its connection is closed.
func hangUp(socket int32) {
	_ = unix.Shutdown(int(socket), unix.SHUT_RDWR) // fails if the miner has hung up already
}

// heir makes the connection that an image is of, without its socket.
func (s *Server) heir(i *peerImage) (*heir, error) {
	index, slot := s.place(int(i.loop), i.slot)
	loops := *s.loops.Load()
	if index >= len(loops) {
		return nil, errDamaged
	}
	p := &peer{
		fd: noSocket, slot: slot, remote: i.remote, marks: i.marks() | inherited, listener: s.heirListener(i.listener),
		prefix: i.prefix, waiting: i.waiting, login: i.login,
		reason: session.NotHandedOver, // if it does not arrive
	}
	h := &heir{peer: p, loop: loops[index], generation: i.generation, userAgent: i.userAgent, booked: i.booked, half: i.half}
	h.settle(i)
	if i.unearned > 0 || i.strayed > 0 {
		more := p.more()
		more.unearned, more.strayed = i.unearned, i.strayed
	}
	if len(i.unsent) > 0 {
		p.more().unsent = bytes.Clone(i.unsent)
	}
	translation := session.Translation{Moment: s.inherited.moment}
	if i.agent {
		a, _, err := session.DecodeAgent(i.session, &translation)
		if err != nil {
			return nil, err
		}
		h.agent(i, a)
		return h, nil
	}
	restored, names, _, err := session.Decode(i.session, &translation)
	if err != nil {
		return nil, err
	}
	if len(names) > 0 != i.first || i.first && len(names)-1 != len(i.others) {
		return nil, fmt.Errorf("%w: its names are not its workers", errDamaged)
	}
	p.session = restored
	if p.session.IsSubscribed() || p.session.IsAuthorized() {
		p.dialect = stratumV1
	}
	if i.first {
		p.first = h.books(names[0].Booked)
	}
	for k := range i.others {
		p.adds(h.further(&i.others[k]))
	}
	return h, nil
}

// settle finds the heir's lane and goal.
func (h *heir) settle(i *peerImage) {
	d := h.loop.server.directory
	h.peer.last = d.Inherited(i.last)
	if h.lane = d.Inherited(i.lane); h.lane != nil {
		h.peer.goal = h.lane.Goal()
	} else if i.hasGoal && i.lane == 0 {
		h.peer.goal = d.InheritedGoal(upstream.RouteID{Account: i.account, Route: i.route}, i.goal)
	}
	h.homeless = i.hasGoal && h.peer.goal == nil
	h.split, h.left = i.split, d.Inherited(i.split.left)
}

// books returns a worker's books.
func (h *heir) books(login string) *stats.Worker {
	w := h.loop.server.book.Worker(login)
	w.CameAlong(h.peer.listener.bound)
	return w
}

// further makes a worker of the heir.
func (h *heir) further(i *workerImage) *further {
	f := &further{loop: h.loop, peer: h.peer, login: i.login, agent: i.agent}
	if i.books {
		f.books = h.books(i.login)
	}
	return f
}

// agent makes the heir an agent.
func (h *heir) agent(i *peerImage, restored *session.Agent) {
	a := &agentPeer{session: *restored}
	a.stream.skip = int(i.skip)
	h.peer.dialect = a
	for k := range i.miners {
		x := &i.miners[k]
		m := a.minerOf(x.sid)
		m.waiting = x.waiting
		switch x.is {
		case hasBooks:
			m.worker.books = h.books(x.worker.login)
		case mayHaveBooks:
			m.worker.further = h.further(&x.worker)
		}
	}
}

// arrive puts the heir in its place. c is its connection; nil: it has none.
func (h *heir) arrive(c gnet.Conn) {
	l, p := h.loop, h.peer
	h.arrived = true
	for int(p.slot) >= len(l.slots) {
		l.slots = append(l.slots, slot{})
	}
	l.slots[p.slot] = slot{p, h.generation}
	l.server.miners.Add(1)
	if h.userAgent != "" {
		p.userAgent = l.intern([]byte(h.userAgent))
	}
	if h.lane != nil {
		l.feed(h.lane).join(p)
		if m := h.split.restore(l.server.inherited.moment); m != nil {
			if h.left != nil {
				m.left = l.feed(h.left)
			}
			*l.splitMiner(p) = *m
		}
	}
	if p.dialect == nil {
		p.dialect = l.recognise(p, nil)
	}
	if len(h.half) > 0 {
		p.dialect.partial(p).keep(h.half, &l.halves)
	}
	if h.booked && p.goal != nil {
		p.more().books = l.server.book.OpenedMiner(p.series())
	}
	if p.is(earned) {
		l.server.guard.Works(p.remote.Addr(), l.env.Now)
	} else {
		l.count(p)
	}
	if l.server.guard.Stay(p.remote.Addr(), l.env.Now) {
		p.more().counted = true
	}
	if c != nil {
		p.conn, p.fd, p.reason = c, int32(c.Fd()), session.MinerLeft
		c.SetContext(p)
	}
	if p.is(lagging) {
		l.lagging.change(p, 0, len(p.unsent()))
		l.lagging.list = append(l.lagging.list, laggard{p, len(p.unsent()), l.env.Now})
	}
	if h.homeless {
		l.homeless = append(l.homeless, p)
	}
}

// leave has an heir without a connection leave in the usual way.
func (h *heir) leave() {
	h.arrive(nil)
	h.loop.server.miners.Add(-1)
	if h.counted {
		h.loop.server.files.Give(descriptors.Miner, 1)
	}
	h.loop.goes(h.peer)
	h.loop.remove(h.peer)
}

// takeUp is what a loop does when its heirs are its own.
func (l *loop) takeUp() {
	for i := range l.slots {
		if p := l.slots[i].peer; p != nil {
			listen(p.fd)
		}
	}
	for _, p := range l.homeless {
		if p.conn != nil {
			l.rehome(p)
		}
	}
	l.homeless = nil
	for lane, f := range l.feeds {
		latest := lane.Latest()
		if f.take(&latest) {
			f.begin(l.env.Now, true, false) // another link serves the lane
		}
	}
	if len(l.lagging.list) > 0 {
		l.arm()
	}
	l.mailbox.turn()
}

// rehome moves a miner to where its worker belongs now.
func (l *loop) rehome(p *peer) {
	if isAgent(p) {
		l.close(p, session.ExtranonceChanged)
		return
	}
	goal, _, err := l.server.directory.LoginFrom(l.caller(p, p.login))
	if err != nil {
		l.close(p, session.AccountGone)
		return
	}
	l.deliver(p, func(out []byte) ([]byte, session.Effect) {
		if !l.follow(p, goal, p.login) {
			return out, session.Effect{Kind: session.Hangup, Reason: session.ExtranonceTooSmall}
		}
		l.openBooks(p)
		return p.session.Moved(&l.env, false, out)
	})
}
