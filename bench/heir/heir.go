package heir

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// variable names the socket to the old process.
const variable = "FARMPROXY_HANDOVER"

// maxPacket is more than a packet of the hand-over has.
const maxPacket = 128 << 10

// format is that of the hand-over which is spoken here; foreign is one that nobody
// knows yet.
const (
	format  = 1
	foreign = 1000
)

// Fault is how and when the heir fails. The names are those of the flag.
type Fault string

// The steps at which it may fail, in their order.
const (
	Crash    Fault = "crash"    // at once
	Foreign  Fault = "format"   // it understands another format only
	Refuse   Fault = "refuse"   // it says that it can't
	Early    Fault = "early"    // killed before it is prepared
	Frozen   Fault = "frozen"   // killed while the old process stands still
	Complete Fault = "complete" // killed when it has everything, before it serves
	Mute     Fault = "mute"     // it never says a word
	Asleep   Fault = "asleep"   // it takes nothing while the old process stands still
)

// Faults are all of them; the last two take as long as the old process's patience.
var Faults = []Fault{Crash, Foreign, Refuse, Early, Frozen, Complete, Mute, Asleep}

// Parse returns the fault of that name.
func Parse(name string) (Fault, error) {
	if !slices.Contains(Faults, Fault(name)) {
		var names []string
		for _, f := range Faults {
			names = append(names, string(f))
		}
		return "", fmt.Errorf("want one of %s, got %q", strings.Join(names, ", "), name)
	}
	return Fault(name), nil
}

// ErrCrash ends the process of a fault that ends by itself.
var ErrCrash = errors.New("this heir was meant to fail")

// Fail takes part in a hand-over until it fails.
func Fail(f Fault) error {
	if f == Crash {
		return ErrCrash
	}
	conn, err := inherited()
	if err != nil {
		return err
	}
	h := heir{conn: conn, packet: make([]byte, maxPacket)}
	switch f {
	case Mute:
		select {} // until it is killed
	case Refuse:
		return h.say(message{Step: "failed", Why: "this heir refuses", Version: "heir", PID: os.Getpid()})
	case Foreign:
		h.say(message{Step: "hello", Format: foreign, Oldest: foreign, Version: "heir", PID: os.Getpid()})
		return h.until("failed")
	}
	if err := h.say(message{Step: "hello", Format: format, Oldest: format, Version: "heir", PID: os.Getpid()}); err != nil {
		return err
	}
	if err := h.until("offer"); err != nil || f == Early {
		return killed(err)
	}
	if err := h.until("sent"); err != nil {
		return err
	}
	if err := h.say(message{Step: "prepared"}); err != nil {
		return err
	}
	if f == Asleep {
		select {}
	}
	if err := h.until("sent"); err != nil || f == Frozen {
		return killed(err)
	}
	if err := h.say(message{Step: "complete"}); err != nil {
		return err
	}
	return killed(h.until("yours"))
}

// killed ends this process as kill -9 does, unless something went wrong before.
func killed(err error) error {
	if err == nil {
		err = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return err
}

func inherited() (net.Conn, error) {
	fd, err := strconv.Atoi(os.Getenv(variable))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; bench heir is for farmproxy upgrade to start", variable, err)
	}
	f := os.NewFile(uintptr(fd), "handover")
	defer f.Close()
	return net.FileConn(f)
}

type heir struct {
	conn   net.Conn
	packet []byte
}

// message is a step of the hand-over; everything else is of no interest here.
type message struct {
	Step    string `json:"step"`
	Format  int    `json:"format,omitempty"`
	Oldest  int    `json:"oldest,omitempty"`
	Version string `json:"version,omitempty"`
	PID     int    `json:"pid,omitempty"`
	Why     string `json:"why,omitempty"`
}

// aMessage is the first byte of a packet with a message.
const aMessage = 'm'

func (h *heir) say(m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = h.conn.Write(append([]byte{aMessage}, text...))
	return err
}

// until reads what comes until a step. Descriptors that come with it are closed by the
// kernel, since nobody has room for them.
func (h *heir) until(step string) error {
	for {
		n, err := h.conn.Read(h.packet)
		if err != nil {
			return fmt.Errorf("before the step %q: %w", step, err)
		}
		var m message
		if n == 0 || h.packet[0] != aMessage {
			continue
		}
		if err := json.Unmarshal(h.packet[1:n], &m); err != nil {
			return fmt.Errorf("before the step %q: %w", step, err)
		}
		switch m.Step {
		case step:
			return nil
		case "failed":
			return fmt.Errorf("before the step %q: the old process says: %s", step, m.Why)
		}
	}
}
