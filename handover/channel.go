package handover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"farmproxy/descriptors"
)

const (
	// maxPacket is how many bytes of a record travel in one packet: the kernel's usual
	// buffer for a socket has room for three of them.
	maxPacket = 64 << 10

	// maxFiles is how many descriptors travel in one packet: the kernel's own limit is
	// 253.
	maxFiles = 250

	// maxRecord bounds a record at its receiver, so that a confused sender can't take
	// all memory: all pools, workers and jobs of the largest farm take a tenth of it.
	maxRecord = 256 << 20

	// maxSection bounds the name of a section.
	maxSection = 64

	// inFlightPause is how long the sender waits when the kernel has as many descriptors
	// on their way as the user may have open.
	inFlightPause = time.Millisecond
)

// Kinds of packets: the first byte.
const (
	aMessage     = 'm' // JSON of a message
	aRecord      = 'r' // the last packet of a record
	partOfRecord = 'p' // a packet of a record that goes on in the next
)

// message is a step of one side.
type message struct {
	Step    step   `json:"step"`
	Format  int    `json:"format,omitempty"`
	Oldest  int    `json:"oldest,omitempty"`
	Version string `json:"version,omitempty"`
	PID     int    `json:"pid,omitempty"`
	Why     string `json:"why,omitempty"` // failed
}

// step names a message.
type step string

const (
	hello    step = "hello"    // new: the formats that it understands
	offer    step = "offer"    // old: the format that it writes
	sent     step = "sent"     // old: that were all records of Ahead, or of State
	prepared step = "prepared" // new
	complete step = "complete" // new
	yours    step = "yours"    // old
	serving  step = "serving"  // new
	failed   step = "failed"   // both: the hand-over ends here, for Why
)

// errGone reports that the other process has ended, or has closed its end.
var errGone = errors.New("the other process has ended")

// channel is one end of the socket pair: packets that keep their boundaries, and carry
// descriptors.
type channel struct {
	conn   *net.UnixConn
	packet []byte
	rights []byte
}

func newChannel(conn *net.UnixConn) *channel {
	return &channel{conn: conn, packet: make([]byte, 2+maxSection+maxPacket), rights: make([]byte, unix.CmsgSpace(4*maxFiles))}
}

// until has everything on the channel end when ctx does. release must be called before
// the next until.
func (c *channel) until(ctx context.Context) (release func()) {
	_ = c.conn.SetDeadline(time.Time{}) // fails on a closed socket only, as what follows does
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Now()) })
	return func() { stop() }
}

// say sends a message.
func (c *channel) say(m message) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return c.write(append([]byte{aMessage}, b...), nil)
}

// write sends one packet.
func (c *channel) write(packet, rights []byte) error {
	for {
		switch _, _, err := c.conn.WriteMsgUnix(packet, rights, nil); {
		case err == nil:
			return nil
		case errors.Is(err, unix.ETOOMANYREFS):
			time.Sleep(inFlightPause)
		case errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
			return errGone
		default:
			return fmt.Errorf("sending to the other process: %w", err)
		}
	}
}

// send sends a record, in as many packets as it takes.
func (c *channel) send(r Record) error {
	if len(r.Section) > maxSection {
		return fmt.Errorf("the section %q has a name of over %d bytes", r.Section, maxSection)
	}
	data, files := r.Data, r.Files
	for {
		part, some := data[:min(len(data), maxPacket)], files[:min(len(files), maxFiles)]
		data, files = data[len(part):], files[len(some):]
		last := len(data) == 0 && len(files) == 0
		kind := byte(partOfRecord)
		if last {
			kind = aRecord
		}
		packet := append(append(append(c.packet[:0], kind, byte(len(r.Section))), r.Section...), part...)
		var rights []byte
		if len(some) > 0 {
			rights = unix.UnixRights(some...)
		}
		if err := c.write(packet, rights); err != nil {
			return fmt.Errorf("section %q: %w", r.Section, err)
		}
		if last {
			return nil
		}
	}
}

// receive returns the next message, or the next record with an empty message.
func (c *channel) receive() (m message, r Record, err error) {
	for {
		packet, files, err := c.read()
		switch {
		case err != nil:
			closeAll(append(r.Files, files...))
			return m, Record{}, err
		case packet[0] == aMessage:
			if err := json.Unmarshal(packet[1:], &m); err != nil || m.Step == "" {
				return m, r, fmt.Errorf("the other process said %.100q, which is no step of a hand-over", packet[1:])
			}
			return m, r, nil
		}
		end := 2
		if len(packet) > 1 {
			end += int(packet[1])
		}
		r.Files = append(r.Files, files...)
		if packet[0] != aRecord && packet[0] != partOfRecord || end > len(packet) || len(r.Data)+len(packet)-end > maxRecord {
			closeAll(r.Files)
			return m, Record{}, errors.New("the other process sent a record that can't be")
		}
		r.Section = string(packet[2:end])
		r.Data = append(r.Data, packet[end:]...)
		if packet[0] == aRecord {
			return m, r, nil
		}
	}
}

// read returns the next packet, valid until the next call, and the descriptors in it.
func (c *channel) read() (packet []byte, files []int, err error) {
	n, rights, flags, _, err := c.conn.ReadMsgUnix(c.packet, c.rights)
	if errors.Is(err, unix.ECONNRESET) { // it had not read everything; what it said before comes now
		n, rights, flags, _, err = c.conn.ReadMsgUnix(c.packet, c.rights)
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, unix.ECONNRESET), err == nil && n == 0:
		return nil, nil, errGone
	case err != nil:
		return nil, nil, fmt.Errorf("receiving from the other process: %w", err)
	}
	files, err = descriptorsIn(c.rights[:rights])
	switch {
	case err != nil:
	case flags&unix.MSG_CTRUNC != 0:
		err = descriptors.ErrFew
	case flags&unix.MSG_TRUNC != 0:
		err = errors.New("the other process sent a packet that is too long")
	}
	return c.packet[:n], files, err
}

func descriptorsIn(rights []byte) (files []int, err error) {
	if len(rights) == 0 {
		return nil, nil
	}
	list, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, os.NewSyscallError("recvmsg", err)
	}
	for i := range list {
		some, err := unix.ParseUnixRights(&list[i])
		if err != nil {
			return files, os.NewSyscallError("recvmsg", err)
		}
		files = append(files, some...)
	}
	return files, nil
}

// closeAll closes descriptors that nobody has taken.
func closeAll(files []int) {
	for _, fd := range files {
		_ = unix.Close(fd)
	}
}

// Discard closes the descriptors of a record that nobody wants.
func (r *Record) Discard() {
	closeAll(r.Files)
	r.Files = nil
}

// Sender sends the records of a Giver.
type Sender struct {
	channel *channel
	format  int
}

// Format returns the format that is to be written: the receiver's, if that is older.
func (s *Sender) Format() int { return s.format }

// Send sends a record. The caller keeps its bytes and its descriptors.
func (s *Sender) Send(section string, data []byte, files ...int) error {
	return s.channel.send(Record{section, data, files})
}
