package upstream

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"farmproxy/dial"
)

// aWire keeps what is written, and is full when it is told to be.
type aWire struct {
	written bytes.Buffer
	full    bool
	woken   int
}

func (w *aWire) Write(b []byte) (int, error) { return w.written.Write(b) }
func (w *aWire) Full() bool                  { return w.full }
func (w *aWire) Wake()                       { w.woken++ }

// onWire puts an agent pool's link on a wire.
func onWire(t *testing.T) (*carried, *agentDialect, Share, *aWire) {
	t.Helper()
	k, a, s := agentLink(t.Context())
	bottom := &socket{Conn: k.conn}
	k.conn = bottom
	c, w := &carried{k, bottom}, new(aWire)
	if err := c.Opened(w); err != nil {
		t.Fatal(err)
	}
	return c, a, s, w
}

func TestACarriedLinkIsWokenAndFlushed(t *testing.T) {
	c, _, s, w := onWire(t)
	c.lane.Submit(s)
	c.Flush()
	equal(t, "written before the lane is the link's", w.written.Len(), 0)
	c.activate()
	equal(t, "woken", w.woken > 0, true)
	w.full = true
	c.Flush()
	equal(t, "written to a full wire", w.written.Len(), 0)
	w.full = false
	c.Flush()
	equal(t, "written", w.written.Len() > 0, true)
	before := w.woken
	c.lane.Submit(s)
	c.lane.Submit(s)
	equal(t, "woken by the first share alone", w.woken-before, 1)
}

func TestACarriedLinkReadsInPieces(t *testing.T) {
	c, _, _, _ := onWire(t)
	line := `{"id":null,"method":"client.show_message","params":["hello"]}` + "\n"
	for i := range line {
		if err := c.Received([]byte{line[i]}); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "the message was understood", c.shown.IsZero(), false)
}

// A pool that asks, and does not read, must not fill our memory with answers.
func TestACarriedLinkAnswersWhoReads(t *testing.T) {
	c, _, _, w := onWire(t)
	ping := []byte(`{"id":7,"method":"mining.ping","params":[]}` + "\n")
	c.Received(ping)
	answered := w.written.Len()
	equal(t, "answered", answered > 0, true)
	w.full = true
	c.Received(ping)
	equal(t, "answered into a full wire", w.written.Len()-answered, 0)
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
	wants("half of it", c.Received(half), nil)
	wants("in time", c.Overdue(now.Add(frameTimeout/2)), nil)
	wants("the rest", c.Received(rest), nil)
	equal(t, "a frame is awaited", a.half, false)
	wants("long after", c.Overdue(now.Add(2*frameTimeout)), nil)
	wants("half of another", c.Received(half), nil)
	wants("too late", c.Overdue(time.Now().Add(2*frameTimeout)), errHalfFrame)
}

// crypto/tls takes errMore for what it is: it goes on where it was, in the middle
// of a record too.
func TestTLSOnAWire(t *testing.T) {
	here, there := net.Pipe()
	server := tls.Server(there, &tls.Config{Certificates: []tls.Certificate{newCertificate(t)}})
	bottom := &dial.Conn{Conn: here}
	client := tls.Client(bottom, &tls.Config{InsecureSkipVerify: true})
	shaken := make(chan error, 1)
	go func() { shaken <- server.Handshake() }()
	if err := errors.Join(client.Handshake(), <-shaken); err != nil {
		t.Fatal(err)
	}
	records := make(chan []byte)
	go func() {
		defer close(records)
		for {
			b := make([]byte, 4096)
			n, err := here.Read(b)
			if err != nil {
				return
			}
			records <- b[:n]
		}
	}()
	go func() {
		io.WriteString(server, "a job")
		there.Close()
	}()

	equal(t, "the bottom", dial.Bottom(client), bottom)
	wire := new(aWire)
	s := &socket{Conn: here, wire: wire}
	bottom.Conn = s
	var got []byte
	b := make([]byte, 4096)
	for record := range records {
		for i := range record {
			s.inbox = record[i : i+1]
			n, err := client.Read(b)
			for err == nil {
				got = append(got, b[:n]...)
				n, err = client.Read(b)
			}
			if !errors.Is(err, errMore) {
				t.Fatalf("after byte %d: %v", i, err)
			}
		}
	}
	equal(t, "what the pool said", string(got), "a job")
	if _, err := client.Write([]byte("a share")); err != nil {
		t.Error(err)
	}
	equal(t, "written to the wire", wire.written.Len() > len("a share"), true)
}
