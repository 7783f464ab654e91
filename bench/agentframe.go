package bench

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"
)

// A frame of the agent protocol: 0x7f, command, u16 length of the whole frame,
// body. Numbers are little-endian. The harness has its own reading of them, as of
// everything else that it judges.
const (
	frameMagic  = 0x7f
	frameHeader = 4
	frameMost   = 100 // bytes of a REGISTER; pools ignore longer ones
)

// frameCommand is the second byte of a frame.
type frameCommand byte

const (
	frameRegister          frameCommand = 0x01
	frameSubmit            frameCommand = 0x02
	frameSubmitTime        frameCommand = 0x03
	frameUnregister        frameCommand = 0x04
	frameSetDifficulty     frameCommand = 0x05
	frameResponse          frameCommand = 0x10
	frameSubmitVersion     frameCommand = 0x12
	frameSubmitTimeVersion frameCommand = 0x13
)

// agentSessions is how many sub-sessions an agent's connection has room for:
// 0xffff is none.
const agentSessions = 0xffff

// agentPrefix begins the user agent of every agent: by it pools know them.
const agentPrefix = "btccom-agent/"

// agentExtranonce2 is the size that an agent needs: 4 bytes for the session, 4
// for its miner.
const agentExtranonce2 = 8

// Statuses in a SUBMIT_RESPONSE. The usual codes of Stratum are their own.
const (
	statusAccept      uint32 = 1798084231
	statusAcceptStale uint32 = 950395421
	statusSolved      uint32 = 1422486894
	statusSolvedStale uint32 = 1713984938
)

// statusOf is what an agent is told of a refusal; nil: accepted.
func statusOf(refused *Refusal) uint32 {
	switch refused {
	case nil:
		return statusAccept
	case refusedParams, refusedExtranonce2:
		return 27 // illegal params
	case refusedByScript:
		return 30 // internal error
	case refusedTime:
		return 32 // time too new
	case refusedVersion:
		return 33
	case refusedUnknown:
		return 36
	}
	return uint32(refused.Code) // 21 to 25 mean the same
}

// statusAccepted says whether a status is good news.
func statusAccepted(status uint32) bool {
	switch status {
	case statusAccept, statusAcceptStale, statusSolved, statusSolvedStale:
		return true
	}
	return false
}

// agentShare is what a SUBMIT says, in the form that it is said in.
type agentShare struct {
	job                 uint8
	session             uint16
	extranonce2, nonce  uint32
	ntime, flips        uint32 // flips: final version XOR the job's
	hasTime, hasVersion bool
}

// The bytes of the four forms of a SUBMIT.
const (
	submitPlain       = frameHeader + 11
	submitTime        = submitPlain + 4
	submitVersion     = submitPlain + 4
	submitTimeVersion = submitPlain + 8
)

// newFrame begins a frame; the length is right when closeFrame was called.
func newFrame(command frameCommand) []byte { return []byte{frameMagic, byte(command), 0, 0} }

func closeFrame(f []byte) []byte {
	binary.LittleEndian.PutUint16(f[2:], uint16(len(f)))
	return f
}

// registerFrame cuts agent and worker so that the frame is not ignored.
func registerFrame(session uint16, agent, worker string) []byte {
	room := frameMost - frameHeader - 2 - 2
	worker = worker[:min(len(worker), room)]
	agent = agent[:min(len(agent), room-len(worker))]
	f := binary.LittleEndian.AppendUint16(newFrame(frameRegister), session)
	f = append(append(f, agent...), 0)
	return closeFrame(append(append(f, worker...), 0))
}

func unregisterFrame(session uint16) []byte {
	return closeFrame(binary.LittleEndian.AppendUint16(newFrame(frameUnregister), session))
}

func (s agentShare) frame() []byte {
	command := frameSubmit
	switch {
	case s.hasTime && s.hasVersion:
		command = frameSubmitTimeVersion
	case s.hasTime:
		command = frameSubmitTime
	case s.hasVersion:
		command = frameSubmitVersion
	}
	f := append(newFrame(command), s.job)
	f = binary.LittleEndian.AppendUint16(f, s.session)
	f = binary.LittleEndian.AppendUint32(f, s.extranonce2)
	f = binary.LittleEndian.AppendUint32(f, s.nonce)
	if s.hasTime {
		f = binary.LittleEndian.AppendUint32(f, s.ntime)
	}
	if s.hasVersion {
		f = binary.LittleEndian.AppendUint32(f, s.flips)
	}
	return closeFrame(f)
}

// difficultyFrames tell the sessions that theirs is 2^exponent.
func difficultyFrames(exponent uint8, sessions []uint16) (frames []byte) {
	const most = (1<<16 - 1 - frameHeader - 3) / 2 // sessions in one frame
	for len(sessions) > 0 {
		n := min(len(sessions), most)
		f := append(newFrame(frameSetDifficulty), exponent)
		f = binary.LittleEndian.AppendUint16(f, uint16(n))
		for _, s := range sessions[:n] {
			f = binary.LittleEndian.AppendUint16(f, s)
		}
		frames, sessions = append(frames, closeFrame(f)...), sessions[n:]
	}
	return frames
}

func responseFrame(index uint16, status uint32) []byte {
	f := binary.LittleEndian.AppendUint16(newFrame(frameResponse), index)
	return closeFrame(binary.LittleEndian.AppendUint32(f, status))
}

// frame is a whole one, as received.
type frame []byte

func (f frame) command() frameCommand { return frameCommand(f[1]) }

func (f frame) register() (session uint16, agent, worker string, ok bool) {
	if len(f) < frameHeader+4 || len(f) > frameMost {
		return 0, "", "", false
	}
	texts := bytes.Split(f[frameHeader+2:], []byte{0})
	if len(texts) != 3 || len(texts[2]) > 0 {
		return 0, "", "", false
	}
	return binary.LittleEndian.Uint16(f[frameHeader:]), string(texts[0]), string(texts[1]), true
}

func (f frame) unregister() (session uint16, ok bool) {
	if len(f) != frameHeader+2 {
		return 0, false
	}
	return binary.LittleEndian.Uint16(f[frameHeader:]), true
}

// submitSize is the bytes of a SUBMIT in the form that the command names; 0: it
// names none.
func submitSize(command frameCommand) int {
	switch command {
	case frameSubmit:
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

// submit reads all four forms; a frame of another size is none.
func (f frame) submit() (s agentShare, ok bool) {
	if len(f) != submitSize(f.command()) {
		return s, false
	}
	body := f[frameHeader:]
	s = agentShare{
		job: body[0], session: binary.LittleEndian.Uint16(body[1:]),
		extranonce2: binary.LittleEndian.Uint32(body[3:]), nonce: binary.LittleEndian.Uint32(body[7:]),
		hasTime:    f.command() == frameSubmitTime || f.command() == frameSubmitTimeVersion,
		hasVersion: f.command() == frameSubmitVersion || f.command() == frameSubmitTimeVersion,
	}
	rest := body[11:]
	if s.hasTime {
		s.ntime, rest = binary.LittleEndian.Uint32(rest), rest[4:]
	}
	if s.hasVersion {
		s.flips = binary.LittleEndian.Uint32(rest)
	}
	return s, true
}

func (f frame) setDifficulty() (exponent uint8, sessions []uint16, ok bool) {
	const fixed = frameHeader + 3
	if len(f) < fixed || len(f) != fixed+2*int(binary.LittleEndian.Uint16(f[frameHeader+1:])) {
		return 0, nil, false
	}
	for at := fixed; at < len(f); at += 2 {
		sessions = append(sessions, binary.LittleEndian.Uint16(f[at:]))
	}
	return f[frameHeader], sessions, true
}

func (f frame) response() (index uint16, status uint32, ok bool) {
	if len(f) != frameHeader+6 {
		return 0, 0, false
	}
	return binary.LittleEndian.Uint16(f[frameHeader:]), binary.LittleEndian.Uint32(f[frameHeader+2:]), true
}

// errFrameStalls is a frame that a pool would wait at for ever.
var errFrameStalls = errors.New("a frame that says it is shorter than its own header")

// readFrame reads one frame, of which the first byte was seen already. It is
// valid until the next read.
func readFrame(in *bufio.Reader) (frame, error) {
	head, err := in.Peek(frameHeader)
	if err != nil {
		return nil, err
	}
	length := int(binary.LittleEndian.Uint16(head[2:]))
	if length < frameHeader {
		return nil, errFrameStalls
	}
	if length <= in.Size() {
		f, err := in.Peek(length)
		if err != nil {
			return nil, err
		}
		in.Discard(length)
		return f, nil
	}
	f := make(frame, length)
	_, err = io.ReadFull(in, f)
	return f, err
}

// workerPart is what an agent registers of a miner's name: what follows the
// first dot.
func workerPart(name string) string {
	if _, worker, found := strings.Cut(name, "."); found && worker != "" {
		return worker
	}
	return name
}

// agentShare is what an agent says of the attempt, in the shortest form.
func (a *attempt) agentShare(j *fleetJob, session uint16) agentShare {
	s := agentShare{
		session: session, nonce: a.nonce, extranonce2: binary.BigEndian.Uint32(a.extranonce2),
		flips: (j.version ^ a.bits) & a.mask,
	}
	if id, err := strconv.ParseUint(strings.Trim(j.id, `"`), 10, 8); err == nil {
		s.job = uint8(id)
	}
	s.hasVersion = s.flips != 0
	if s.hasTime = a.ntime != j.ntime; s.hasTime {
		s.ntime = a.ntime
	}
	return s
}
