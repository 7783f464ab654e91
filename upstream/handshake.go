package upstream

import (
	"errors"
	"fmt"
	"os"
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// What the handshakes of both dialects have in common.

// subscribed reads the answer to mining.subscribe: which epoch the link is for.
func (k *link) subscribed(m *codec.Message) error {
	if e, refused := m.Error.PoolError(); refused {
		return fmt.Errorf("mining.subscribe was refused: %s", saying(e))
	}
	s, err := m.Result.Subscription()
	if err != nil {
		return err
	}
	e, err := k.enter(s.Session, s.Extranonce1, s.Extranonce2Size)
	if err != nil {
		return err
	}
	k.reached = true
	k.pool.reachable()
	k.epoch.Store(e)
	if n := k.early; n != nil {
		k.early = nil
		return k.newJob(n)
	}
	return nil
}

// errMisfit is no failure of the pool: other lanes may use it.
var errMisfit = errors.New("too little room at the pool")

// enter returns the epoch of an extranonce1: the one to resume where it is the
// same, else a new one.
func (k *link) enter(session string, extranonce1 []byte, size int) (*epoch, error) {
	if err := k.dialect.admit(size); err != nil {
		return nil, err
	}
	k.learn(size)
	if k.lane == nil {
		return newEpoch(k.pool, session, extranonce1, size, work.Layout{}), nil
	}
	key := k.lane.key
	if !roomFor(size, key) {
		if key.private() {
			return nil, fmt.Errorf("%w for an agent's miners: they need an extranonce2 of %d bytes, it gives %d", errMisfit, agentSize, size)
		}
		return nil, fmt.Errorf("%w for the miners that came before this was known; those who come from now on get a shorter prefix: it gives an extranonce2 of %d bytes", errMisfit, size)
	}
	layout, _ := work.NewLayout(size, int(key.Len))
	if e := k.resume; e != nil && e.size == size && string(e.extranonce1) == string(extranonce1) {
		if session != "" {
			e.session = session
		}
		return e, nil
	}
	return newEpoch(k.pool, session, extranonce1, size, layout), nil
}

// authorized reads the answer to mining.authorize.
func (k *link) authorized(m *codec.Message) error {
	e, refused := m.Error.PoolError()
	if m.Result.Yes() && !refused {
		return nil
	}
	whose := "this [[pool]]"
	if k.route.account != "" {
		whose = fmt.Sprintf("account %q", k.route.account)
	}
	return &Refusal{fmt.Sprintf("pool %q refused user %q: %s; check user and password of %s", k.pool.Name, k.to.User, saying(e), whose)}
}

// Refusal is that a pool has answered, and takes these credentials not.
type Refusal struct{ text string }

func (r *Refusal) Error() string { return r.text }

// answer reads until there is an answer to something; notifications that come
// before it are taken as they come. It is valid until the next read.
func (k *link) answer() (*codec.Message, error) {
	for {
		m, err := k.next()
		if err != nil {
			return nil, err
		}
		if m.Method == nil {
			return m, nil
		}
		if err := k.notification(m); err != nil {
			return nil, err
		}
	}
}

// readBy sets the time by which the pool must have sent something that the
// reader waits for; zero: whenever it likes.
func (k *link) readBy(t time.Time) {
	k.deadline = t
	k.conn.SetReadDeadline(t)
}

// say writes a part of the handshake, before there is a writer.
func (k *link) say(text []byte) error {
	k.buf = text
	k.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := k.conn.Write(text)
	k.book.BytesUp.Add(uint64(n))
	return err
}

// saying is what the pool said, for a sentence.
func saying(e codec.PoolError) string {
	switch {
	case e.Text != "":
		return fmt.Sprintf("it said %q", e.Text)
	case e.Code != 0:
		return fmt.Sprintf("it said error %d", e.Code)
	}
	return "it gave no reason"
}

func timeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) // not net.Error: ETIMEDOUT says Timeout too
}
