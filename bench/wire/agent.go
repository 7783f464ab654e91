package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// A frame of the agent protocol: 0x7f, command, u16 length of the whole frame, body.
// Numbers are little-endian. The harness has its own parser for them, as for everything
// that it judges.
const (
	Magic       = 0x7f
	frameHeader = 4
	frameMost   = 100 // bytes of a REGISTER; pools ignore longer ones
)

// frameCommand is the second byte of a frame.
type frameCommand byte

const (
	FrameRegister          frameCommand = 0x01
	FrameSubmit            frameCommand = 0x02
	frameSubmitTime        frameCommand = 0x03
	FrameUnregister        frameCommand = 0x04
	FrameSetDifficulty     frameCommand = 0x05
	FrameResponse          frameCommand = 0x10
	frameSubmitVersion     frameCommand = 0x12
	frameSubmitTimeVersion frameCommand = 0x13
)

// AgentSessions is how many sub-sessions an agent's connection has room for: 0xffff is
// not a session.
const AgentSessions = 0xffff

// AgentPrefix begins every agent's user agent: pools recognise agents by it.
const AgentPrefix = "btccom-agent/"

// AgentExtranonce2 is the size that an agent needs: 4 bytes for the session, 4 for its
// miner.
const AgentExtranonce2 = 8

// Statuses in a SUBMIT_RESPONSE. Stratum's usual codes stand for themselves.
const (
	StatusAccept      uint32 = 1798084231
	statusAcceptStale uint32 = 950395421
	statusSolved      uint32 = 1422486894
	statusSolvedStale uint32 = 1713984938
)

// StatusAccepted reports whether a status means acceptance.
func StatusAccepted(status uint32) bool {
	switch status {
	case StatusAccept, statusAcceptStale, statusSolved, statusSolvedStale:
		return true
	}
	return false
}

// AgentShare is the content of a SUBMIT, in its form.
type AgentShare struct {
	Job                 uint8
	Session             uint16
	Extranonce2, Nonce  uint32
	NTime, Flips        uint32 // flips: final version XOR the job's
	HasTime, HasVersion bool
}

// Sizes of the four forms of a SUBMIT, in bytes.
const (
	submitPlain       = frameHeader + 11
	submitTime        = submitPlain + 4
	submitVersion     = submitPlain + 4
	submitTimeVersion = submitPlain + 8
)

// NewFrame begins a frame; its length is right once CloseFrame was called.
func NewFrame(command frameCommand) []byte { return []byte{Magic, byte(command), 0, 0} }

// CloseFrame writes the length into the header.
func CloseFrame(f []byte) []byte {
	binary.LittleEndian.PutUint16(f[2:], uint16(len(f)))
	return f
}

// RegisterFrame truncates agent and worker so that pools do not ignore the frame.
func RegisterFrame(session uint16, agent, worker string) []byte {
	room := frameMost - frameHeader - 2 - 2
	worker = worker[:min(len(worker), room)]
	agent = agent[:min(len(agent), room-len(worker))]
	f := binary.LittleEndian.AppendUint16(NewFrame(FrameRegister), session)
	f = append(append(f, agent...), 0)
	return CloseFrame(append(append(f, worker...), 0))
}

// UnregisterFrame ends a session.
func UnregisterFrame(session uint16) []byte {
	return CloseFrame(binary.LittleEndian.AppendUint16(NewFrame(FrameUnregister), session))
}

// Frame returns the share in the shortest form that can express it.
func (s AgentShare) Frame() []byte {
	command := FrameSubmit
	switch {
	case s.HasTime && s.HasVersion:
		command = frameSubmitTimeVersion
	case s.HasTime:
		command = frameSubmitTime
	case s.HasVersion:
		command = frameSubmitVersion
	}
	f := append(NewFrame(command), s.Job)
	f = binary.LittleEndian.AppendUint16(f, s.Session)
	f = binary.LittleEndian.AppendUint32(f, s.Extranonce2)
	f = binary.LittleEndian.AppendUint32(f, s.Nonce)
	if s.HasTime {
		f = binary.LittleEndian.AppendUint32(f, s.NTime)
	}
	if s.HasVersion {
		f = binary.LittleEndian.AppendUint32(f, s.Flips)
	}
	return CloseFrame(f)
}

// DifficultyFrames tell the sessions that their difficulty is 2^exponent.
func DifficultyFrames(exponent uint8, sessions []uint16) (frames []byte) {
	const most = (1<<16 - 1 - frameHeader - 3) / 2 // sessions in one frame
	for len(sessions) > 0 {
		n := min(len(sessions), most)
		f := append(NewFrame(FrameSetDifficulty), exponent)
		f = binary.LittleEndian.AppendUint16(f, uint16(n))
		for _, s := range sessions[:n] {
			f = binary.LittleEndian.AppendUint16(f, s)
		}
		frames, sessions = append(frames, CloseFrame(f)...), sessions[n:]
	}
	return frames
}

// ResponseFrame is the verdict on the share with that index.
func ResponseFrame(index uint16, status uint32) []byte {
	f := binary.LittleEndian.AppendUint16(NewFrame(FrameResponse), index)
	return CloseFrame(binary.LittleEndian.AppendUint32(f, status))
}

// Frame is a complete frame, as received.
type Frame []byte

// Command returns the frame's command.
func (f Frame) Command() frameCommand { return frameCommand(f[1]) }

// Register reads the frame that begins a session.
func (f Frame) Register() (session uint16, agent, worker string, ok bool) {
	if len(f) < frameHeader+4 || len(f) > frameMost {
		return 0, "", "", false
	}
	texts := bytes.Split(f[frameHeader+2:], []byte{0})
	if len(texts) != 3 || len(texts[2]) > 0 {
		return 0, "", "", false
	}
	return binary.LittleEndian.Uint16(f[frameHeader:]), string(texts[0]), string(texts[1]), true
}

// Unregister reads the frame that ends one.
func (f Frame) Unregister() (session uint16, ok bool) {
	if len(f) != frameHeader+2 {
		return 0, false
	}
	return binary.LittleEndian.Uint16(f[frameHeader:]), true
}

// SubmitSize returns the size of a SUBMIT in the form that the command names, or 0 if
// it names none.
func SubmitSize(command frameCommand) int {
	switch command {
	case FrameSubmit:
		return submitPlain
	case frameSubmitTime:
		return submitTime
	case frameSubmitVersion:
		return submitVersion
	case frameSubmitTimeVersion:
		return submitTimeVersion
	}
	return 0
}

// Submit reads all four forms; ok is false for a frame of the wrong size.
func (f Frame) Submit() (s AgentShare, ok bool) {
	if len(f) != SubmitSize(f.Command()) {
		return s, false
	}
	body := f[frameHeader:]
	s = AgentShare{
		Job: body[0], Session: binary.LittleEndian.Uint16(body[1:]),
		Extranonce2: binary.LittleEndian.Uint32(body[3:]), Nonce: binary.LittleEndian.Uint32(body[7:]),
		HasTime:    f.Command() == frameSubmitTime || f.Command() == frameSubmitTimeVersion,
		HasVersion: f.Command() == frameSubmitVersion || f.Command() == frameSubmitTimeVersion,
	}
	rest := body[11:]
	if s.HasTime {
		s.NTime, rest = binary.LittleEndian.Uint32(rest), rest[4:]
	}
	if s.HasVersion {
		s.Flips = binary.LittleEndian.Uint32(rest)
	}
	return s, true
}

// SetDifficulty reads the sessions whose difficulty is 2^exponent.
func (f Frame) SetDifficulty() (exponent uint8, sessions []uint16, ok bool) {
	const fixed = frameHeader + 3
	if len(f) < fixed || len(f) != fixed+2*int(binary.LittleEndian.Uint16(f[frameHeader+1:])) {
		return 0, nil, false
	}
	for at := fixed; at < len(f); at += 2 {
		sessions = append(sessions, binary.LittleEndian.Uint16(f[at:]))
	}
	return f[frameHeader], sessions, true
}

// Response reads a verdict.
func (f Frame) Response() (index uint16, status uint32, ok bool) {
	if len(f) != frameHeader+6 {
		return 0, 0, false
	}
	return binary.LittleEndian.Uint16(f[frameHeader:]), binary.LittleEndian.Uint32(f[frameHeader+2:]), true
}

// ErrFrameStalls means a frame on which a pool would wait for ever.
var ErrFrameStalls = errors.New("a frame that says it is shorter than its own header")

// ReadFrame reads one frame, whose first byte has been peeked at. It is valid until the
// next read.
func ReadFrame(in *bufio.Reader) (Frame, error) {
	head, err := in.Peek(frameHeader)
	if err != nil {
		return nil, err
	}
	length := int(binary.LittleEndian.Uint16(head[2:]))
	if length < frameHeader {
		return nil, ErrFrameStalls
	}
	if length <= in.Size() {
		f, err := in.Peek(length)
		if err != nil {
			return nil, err
		}
		in.Discard(length)
		return f, nil
	}
	f := make(Frame, length)
	_, err = io.ReadFull(in, f)
	return f, err
}

// AgentName is the user agent by which pools recognise agents.
const AgentName = AgentPrefix + "2.0.0-mu"

// MaxExponent is the highest exponent of a difficulty.
const MaxExponent = 63
