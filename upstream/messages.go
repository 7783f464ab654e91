package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"farmproxy/codec"
)

// What a pool says besides answers and jobs.

// messagePause is the least time between two lines of the log about what a pool may do as
// often as it likes.
const messagePause = time.Minute

// maxMoveWait bounds how long client.reconnect may ask to wait.
const maxMoveWait = time.Minute

// messages is what a protocol keeps of them.
type messages struct {
	following *epoch                // set_extranonce: from the next notify on
	logged    [numChatter]time.Time // the last line of each kind; zero: none
	maskSaid  bool                  // what the mask is: by the pool, or by having come up without one
	mask      uint32                // version bits that the pool lets roll
	visible   uint32                // version bits that the pool can be shown in a share
	offered   offeredMask
	epochs    epochCount
}

// chatter is what a pool may do as often as it likes, and the log says now and then.
type chatter uint8

const (
	malformed    chatter = iota
	movesHere            // client.reconnect
	movesAway            // the same, to another domain
	showsMessage         // client.show_message
	numChatter           // how many there are
)

// mayLog reports whether the log may say it again.
func (p *protocol) mayLog(c chatter) bool {
	if last := p.logged[c]; !last.IsZero() && p.now.Sub(last) < messagePause {
		return false
	}
	p.logged[c] = p.now
	return true
}

// notification handles everything that has a method, whatever its id: some
// pools put ids into notifications.
func (p *protocol) notification(m *codec.Message) error {
	switch string(m.Method) {
	case "mining.notify":
		n, err := m.Params.Notify()
		if err != nil {
			return p.garbled(err)
		}
		return p.newJob(n)
	case "mining.set_difficulty":
		d, ok := m.Params.Number()
		if !ok || !(d > 0) {
			return p.garbled(errDifficulty)
		}
		return p.setDifficulty(d)
	case "mining.set_version_mask":
		mask, ok := m.Params.Hex()
		if !ok {
			return p.garbled(errMask)
		}
		p.setMask(mask)
	case "mining.set_extranonce":
		return p.setExtranonce(m.Params)
	case "client.reconnect":
		return p.reconnect(m.Params.Reconnect())
	case "client.show_message":
		p.show(m.Params.Text())
	default:
		p.request(m)
	}
	return nil
}

var (
	errDifficulty = errors.New("mining.set_difficulty: not a number above 0")
	errMask       = errors.New("mining.set_version_mask: not a hex mask")
	errExtranonce = errors.New("mining.set_extranonce: not an extranonce1 in hex, with or without a size")
)

// request answers what the pool asks, unless it does not read its answers (say).
func (p *protocol) request(m *codec.Message) {
	id, ok := codec.MakeID(m.ID)
	if !ok || m.ID.IsNull() {
		return
	}
	var line []byte
	switch string(m.Method) {
	case "mining.ping":
		line = codec.AppendPong(nil, &id)
	case "client.get_version":
		line = codec.AppendPoolVersion(nil, &id, p.to.UserAgent)
	default:
		line = codec.AppendError(nil, &id, -3, "Method not found")
	}
	p.say(line)
}

// configured reads the answer to mining.configure, which may also come late.
func (p *protocol) configured(m *codec.Message) {
	p.pool.answersConfigure()
	p.maskSaid = true
	if _, refused := m.Error.PoolError(); refused {
		return
	}
	if mask := m.Result.VersionMask(); mask != 0 {
		p.setMask(mask)
	}
}

// setMask holds at once.
func (p *protocol) setMask(mask uint32) {
	mask &= p.visible
	p.mask = mask
	p.health.rolling.Store(true)
	p.maskSaid = true
	p.book.VersionMask.Store(mask)
	before := p.offered.mask
	p.offered.follow(mask, p.now)
	if e := p.link.epoch.Load(); e != nil {
		p.learn(e.size)
	}
	if p.offered.mask != before {
		p.republish()
	}
}

// setExtranonce begins a new epoch with the next notify.
func (p *protocol) setExtranonce(params codec.Raw) error {
	e := p.link.epoch.Load()
	if e == nil {
		return nil // before the answer to subscribe, which says what holds
	}
	extranonce1, size, ok := params.Extranonce(e.size)
	if !ok {
		return p.garbled(errExtranonce)
	}
	if e.size == size && string(e.extranonce1) == string(extranonce1) {
		p.following = nil
		return nil
	}
	next, err := p.enter(e.session, extranonce1, size)
	p.following = next
	return err
}

func (p *protocol) learn(size int) {
	if p.proof {
		return // it has not asked for version bits
	}
	p.book.Extranonce2.Store(uint32(size))
	p.goal.directory.learn(p.pool, size, p.offered.mask, p.maskSaid)
}

// reconnect follows client.reconnect, inside the pool's domain only: a
// hijacker of a plain connection would lead the farm away.
func (p *protocol) reconnect(host string, port, wait int) error {
	if host == "" {
		host = p.to.Host
	}
	if !sameDomain(p.pool.Host, host) {
		if p.mayLog(movesAway) {
			p.log.Warn("client.reconnect to another domain was ignored: it may be a hijack; if the pool has moved, change the url of this [[pool]]", "host", host)
		}
		return nil
	}
	_, old, _ := net.SplitHostPort(p.to.Address)
	if port > 0 && port <= 65535 {
		old = fmt.Sprint(port)
	}
	delay := min(max(time.Duration(wait)*time.Second, 0), maxMoveWait)
	if p.mayLog(movesHere) {
		p.log.Log(context.Background(), p.level(slog.LevelInfo), "the pool asked to reconnect", "host", host, "port", old, "wait", delay)
	}
	p.health.move(net.JoinHostPort(host, old), p.now.Add(delay))
	if delay == 0 {
		return errMoved
	}
	return nil
}

func (p *protocol) show(text string) {
	if p.mayLog(showsMessage) {
		p.log.Log(context.Background(), p.level(slog.LevelInfo), "message from the pool", "text", text)
	}
}
