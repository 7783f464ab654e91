package upstream

import (
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"farmproxy/transport"
)

// aWire counts how often it is woken.
type aWire struct{ woken int }

func (w *aWire) Wake() { w.woken++ }

func (w *aWire) Unsent() ([]byte, bool) { return nil, true }

// onWire puts an agent pool's link on a wire.
func onWire(t *testing.T) (*carried, *agentDialect, Share, *aWire) {
	t.Helper()
	k, a, s := agentLink(t.Context())
	k.active.Store(false)
	c, w := &carried{link: k}, new(aWire)
	if err := c.Opened(w); err != nil {
		t.Fatal(err)
	}
	return c, a, s, w
}

func TestACarriedLinkIsWokenAndAsked(t *testing.T) {
	c, _, s, w := onWire(t)
	pending := func() int { return len(c.Pending(time.Now(), nil)) }
	equal(t, "woken when it is opened", w.woken, 1)
	c.lane.Submit(s)
	equal(t, "pending before the lane is the link's", pending(), 0)
	c.activate()
	equal(t, "woken", w.woken, 2)
	equal(t, "pending", pending() > 0, true)
	equal(t, "pending, once more", pending(), 0)
	c.lane.Submit(s)
	c.lane.Submit(s)
	equal(t, "woken by the first share alone", w.woken, 3)
	c.drop(errMoved)
	equal(t, "pending at the end", pending(), 0)
}

func TestACarriedLinkReadsInPieces(t *testing.T) {
	c, _, _, _ := onWire(t)
	line := `{"id":null,"method":"client.show_message","params":["hello"]}` + "\n"
	for i := range line {
		if err := c.Received(time.Now(), []byte{line[i]}); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "the message was understood", c.protocol.logged[showsMessage].IsZero(), false)
}

// A pool that asks, and does not read, must not fill our memory with answers.
func TestAPoolThatDoesNotReadGetsFewAnswers(t *testing.T) {
	c, _, _, w := onWire(t)
	ping := []byte(`{"id":7,"method":"mining.ping","params":[]}` + "\n")
	before := w.woken
	for range 2 * maxSaid {
		c.Received(time.Now(), ping)
	}
	equal(t, "woken", w.woken > before, true)
	answers := 0
	for len(c.Pending(time.Now(), nil)) > 0 {
		answers++
	}
	equal(t, "answers", answers, maxSaid)
	c.Received(time.Now(), ping)
	equal(t, "answered again, once it reads", len(c.Pending(time.Now(), nil)) > 0, true)
}

func TestACarriedLinkWaitsForHalfAFrame(t *testing.T) {
	half, rest := []byte("\x7f\x05\x09\x00\x0d"), []byte("\x01\x00\x00\x00")
	c, a, _, _ := onWire(t)
	wants := func(what string, got error, want error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
	now := time.Now()
	wants("half of it", c.Received(now, half), nil)
	wants("in time", c.Tick(now.Add(frameTimeout/2)), nil)
	wants("the rest", c.Received(now, rest), nil)
	equal(t, "a frame is awaited", a.wholeBy.IsZero(), true)
	wants("long after", c.Tick(now.Add(2*frameTimeout)), nil)
	wants("half of another", c.Received(now, half), nil)
	wants("too late", c.Tick(now.Add(2*frameTimeout)), errHalfFrame)
}

// What TLS has to say for itself, such as new keys, goes out without anything of the
// link's.
func TestACarriedLinkIsWokenForItsTransport(t *testing.T) {
	c, _, _, w := onWire(t)
	c.stack = transport.Client(&tls.Config{InsecureSkipVerify: true})
	defer c.stack.Close()
	before := w.woken
	if err := c.Tick(time.Now()); err != nil {
		t.Fatal(err)
	}
	equal(t, "woken", w.woken, before+1)
	equal(t, "pending", len(c.Pending(time.Now(), nil)) > 0, true)
}
