package upstream

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"farmproxy/codec"
	"farmproxy/work"
)

// The handshake: configure first (Braiins refuses it after subscribe), then
// subscribe, and nothing more before its answer (Luxor mixes up requests that
// come together), then authorize. The ids of its requests are fixed.
const (
	configureID = 1 + iota
	subscribeID
	suggestID
	authorizeID
	extranonceID
	firstID // of the shares
)

// handshake returns when the pool has authorized the user.
func (k *link) handshake() error {
	if err := k.configure(); err != nil {
		return err
	}
	if err := k.subscribe(); err != nil {
		return err
	}
	if k.to.SuggestDifficulty > 0 {
		// Sent alone and not waited for: public-pool answers it with a
		// notification that carries the request's id.
		if err := k.say(codec.AppendPoolSuggestDifficulty(k.buf[:0], suggestID, k.to.SuggestDifficulty)); err != nil {
			return err
		}
	}
	if err := k.authorize(); err != nil {
		return err
	}
	k.flight.begin(firstID)
	return k.say(codec.AppendPoolExtranonceSubscribe(k.buf[:0], extranonceID))
}

// configure asks for version rolling. A pool that refuses, or does not answer,
// has none.
func (k *link) configure() error {
	how := k.pool.configuring(time.Now())
	if how == configureShunned {
		return nil
	}
	if err := k.say(codec.AppendPoolConfigure(k.buf[:0], configureID)); err != nil {
		return err
	}
	if how == configureUnanswered {
		return nil // its answer is taken whenever it comes
	}
	m, err := k.await(configureID, configureTimeout)
	switch {
	case timeout(err):
		k.pool.configured(configureUnanswered, time.Now())
		return nil
	case errors.Is(err, errHungUp) || errors.Is(err, syscall.ECONNRESET):
		if how != configureCleared {
			k.pool.configured(configureShunned, time.Now())
		}
		return fmt.Errorf("after mining.configure: %w", err)
	case err != nil:
		return err
	}
	k.pool.configured(configureAsked, time.Now())
	k.configured(m)
	return nil
}

// configured reads the answer to configure, which may also come late.
func (k *link) configured(m *codec.Message) {
	if _, refused := m.Error.PoolError(); refused {
		return
	}
	if mask := m.Result.VersionMask(); mask != 0 {
		k.setMask(mask)
	}
}

// subscribe opens a session, or takes up the old one.
func (k *link) subscribe() error {
	session := ""
	if k.resume != nil {
		session = k.resume.session
	}
	if err := k.say(codec.AppendPoolSubscribe(k.buf[:0], subscribeID, k.to.UserAgent, session)); err != nil {
		return err
	}
	m, err := k.await(subscribeID, stepTimeout)
	if err != nil {
		k.pool.configured(configureCleared, time.Now())
	}
	if timeout(err) {
		return fmt.Errorf("mining.subscribe got no answer within %v", stepTimeout)
	}
	if err != nil {
		return err
	}
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
		k.newJob(n)
	}
	return nil
}

// errMisfit is no failure of the pool: other lanes may use it.
var errMisfit = errors.New("too little room at the pool for the miners that came before this was known; those who come from now on get a shorter prefix")

// enter returns the epoch of an extranonce1: the one to resume where it is the
// same, else a new one.
func (k *link) enter(session string, extranonce1 []byte, size int) (*epoch, error) {
	if size < sizeMin {
		return nil, fmt.Errorf("the pool gives an extranonce2 of %d bytes; at least %d are needed to share it out among miners: use another pool, or another port of this one", size, sizeMin)
	}
	k.learn(size)
	if k.lane == nil {
		return newEpoch(k.pool, session, extranonce1, size, work.Layout{}), nil
	}
	layout, ok := work.NewLayout(size, int(k.lane.key.Len))
	if !ok {
		return nil, fmt.Errorf("%w: it gives an extranonce2 of %d bytes", errMisfit, size)
	}
	if e := k.resume; e != nil && e.size == size && string(e.extranonce1) == string(extranonce1) {
		if session != "" {
			e.session = session
		}
		return e, nil
	}
	return newEpoch(k.pool, session, extranonce1, size, layout), nil
}

// authorize says who the farm is.
func (k *link) authorize() error {
	if err := k.say(codec.AppendPoolAuthorize(k.buf[:0], authorizeID, k.to.User, k.to.Password)); err != nil {
		return err
	}
	m, err := k.await(authorizeID, stepTimeout)
	if timeout(err) {
		return fmt.Errorf("mining.authorize of user %q got no answer within %v", k.to.User, stepTimeout)
	}
	if err != nil {
		return err
	}
	e, refused := m.Error.PoolError()
	if yes, _ := m.Result.Bool(); refused || !yes {
		whose := "this [[pool]]"
		if k.route.account != "" {
			whose = fmt.Sprintf("account %q", k.route.account)
		}
		return fmt.Errorf("pool %q refused user %q: %s; check user and password of %s", k.pool.Name, k.to.User, saying(e), whose)
	}
	return nil
}

// await reads until the answer to request id is there; notifications that come
// before it are taken as they come. The message is valid until the next read.
func (k *link) await(id uint64, limit time.Duration) (*codec.Message, error) {
	k.conn.SetReadDeadline(time.Now().Add(limit))
	for {
		m, err := k.next()
		if err != nil {
			return nil, err
		}
		if m.Method != nil {
			if err := k.notification(m); err != nil {
				return nil, err
			}
			continue
		}
		switch got, _ := m.ID.RequestID(); got {
		case id:
			return m, nil
		case configureID:
			k.configured(m)
		}
	}
}

// say writes a line of the handshake, before there is a writer.
func (k *link) say(line []byte) error {
	k.buf = line
	k.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := k.conn.Write(line)
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
