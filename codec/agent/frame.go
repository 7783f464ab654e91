package agent

import (
	"bytes"
	"encoding/binary"

	"farmproxy/codec"
)

// Frame is one whole frame, including its header, as NextFrame returns it. It aliases
// the stream's buffer, and so do the names in it.
type Frame []byte

// NextFrame returns the frame at the start of data, which begins with Magic, and its
// length n in the stream. n is 0 without an error if the frame is incomplete. An error
// means that the length is impossible: there is no telling where the next frame
// begins, so the connection must be closed (btcpool waits forever there).
func NextFrame(data []byte) (f Frame, n int, err error) {
	n, ok := FrameSize(data)
	if !ok {
		return nil, 0, codec.ErrBadFrame
	}
	if n == 0 || n > len(data) {
		return nil, 0, nil
	}
	return Frame(data[:n:n]), n, nil
}

// Command returns the frame's command, which may be unknown.
func (f Frame) Command() Command { return Command(f[1]) }

// The following read a frame by its command; ok is false for another command,
// another length, or a value that the protocol does not have.

// Register reads a REGISTER of any length: an agent that does not know of btcpool's
// bound should not lose its worker here. Neither name contains a 0 byte; nothing else
// is guaranteed.
func (f Frame) Register() (sid uint16, agent, worker []byte, ok bool) {
	if f.Command() != Register || len(f) < registerLen || f[len(f)-1] != 0 {
		return 0, nil, nil, false
	}
	sid = binary.LittleEndian.Uint16(f[4:])
	agent, worker, ok = bytes.Cut(f[6:len(f)-1], zeroByte)
	if !ok || sid > MaxSID || bytes.IndexByte(worker, 0) >= 0 {
		return 0, nil, nil, false
	}
	return sid, agent, worker, true
}

var zeroByte = []byte{0}

// Unregister reads an UNREGISTER.
func (f Frame) Unregister() (sid uint16, ok bool) {
	if f.Command() != Unregister || len(f) != unregisterLen {
		return 0, false
	}
	sid = binary.LittleEndian.Uint16(f[4:])
	return sid, sid <= MaxSID
}

// Submit reads any of the four SUBMITs.
func (f Frame) Submit() (s Share, ok bool) {
	length := submitLen
	switch f.Command() {
	case Submit:
	case SubmitTime:
		s.HasTime = true
		length += 4
	case SubmitVersion:
		s.HasVersion = true
		length += 4
	case SubmitTimeVersion:
		s.HasTime, s.HasVersion = true, true
		length += 8
	default:
		return Share{}, false
	}
	if len(f) != length {
		return Share{}, false
	}
	s.Job = f[4]
	s.SID = binary.LittleEndian.Uint16(f[5:])
	s.Extranonce2 = binary.LittleEndian.Uint32(f[7:])
	s.Nonce = binary.LittleEndian.Uint32(f[11:])
	rest := f[submitLen:]
	if s.HasTime {
		s.NTime = binary.LittleEndian.Uint32(rest)
		rest = rest[4:]
	}
	if s.HasVersion {
		s.VersionMask = binary.LittleEndian.Uint32(rest)
	}
	if s.SID > MaxSID {
		return Share{}, false
	}
	return s, true
}

// SetDifficulty reads a SET_DIFF: the sessions appended to dst have the difficulty
// 2^exponent from the next job on. They may be unknown.
func (f Frame) SetDifficulty(dst []uint16) (exponent uint8, sids []uint16, ok bool) {
	if f.Command() != SetDifficulty || len(f) < difficultyLen || f[4] > MaxExponent ||
		len(f) != difficultyLen+2*int(binary.LittleEndian.Uint16(f[5:])) {
		return 0, dst, false
	}
	for rest := f[difficultyLen:]; len(rest) > 0; rest = rest[2:] {
		dst = append(dst, binary.LittleEndian.Uint16(rest))
	}
	return f[4], dst, true
}

// SubmitResponse reads a SUBMIT_RESPONSE. index counts the shares of registered
// sessions on this connection, from 0, and wraps.
func (f Frame) SubmitResponse() (index uint16, status Status, ok bool) {
	if f.Command() != SubmitResponse || len(f) != responseLen {
		return 0, 0, false
	}
	return binary.LittleEndian.Uint16(f[4:]), Status(binary.LittleEndian.Uint32(f[6:])), true
}

// AppendRegister appends a REGISTER of at most MaxRegister bytes: if it is too long,
// agent is cut first, since the pool counts by worker. Bytes that the protocol does
// not allow are dropped from both. To change a name, unregister first: btcpool ignores
// the REGISTER of a session that it already knows.
func AppendRegister(dst []byte, sid uint16, agent, worker string) []byte {
	const room = MaxRegister - registerLen
	forWorker := 0
	for i := 0; i < len(worker) && forWorker < room; i++ {
		if nameBytes[worker[i]] != 0 {
			forWorker++
		}
	}
	start := len(dst)
	dst = append(dst, Magic, byte(Register), 0, 0)
	dst = binary.LittleEndian.AppendUint16(dst, sid)
	dst = append(appendName(dst, agent, room-forWorker, &textBytes), 0)
	dst = append(appendName(dst, worker, forWorker, &nameBytes), 0)
	binary.LittleEndian.PutUint16(dst[start+2:], uint16(len(dst)-start))
	return dst
}

// AppendUnregister appends an UNREGISTER.
func AppendUnregister(dst []byte, sid uint16) []byte {
	dst = append(dst, Magic, byte(Unregister), unregisterLen, 0)
	return binary.LittleEndian.AppendUint16(dst, sid)
}

// AppendSubmit appends the SUBMIT for the fields that s has: 15 bytes, and 4 more for
// each of ntime and version.
func AppendSubmit(dst []byte, s *Share) []byte {
	command, length := Submit, byte(submitLen)
	switch {
	case s.HasTime && s.HasVersion:
		command, length = SubmitTimeVersion, submitLen+8
	case s.HasTime:
		command, length = SubmitTime, submitLen+4
	case s.HasVersion:
		command, length = SubmitVersion, submitLen+4
	}
	dst = append(dst, Magic, byte(command), length, 0, s.Job, byte(s.SID), byte(s.SID>>8))
	dst = binary.LittleEndian.AppendUint32(dst, s.Extranonce2)
	dst = binary.LittleEndian.AppendUint32(dst, s.Nonce)
	if s.HasTime {
		dst = binary.LittleEndian.AppendUint32(dst, s.NTime)
	}
	if s.HasVersion {
		dst = binary.LittleEndian.AppendUint32(dst, s.VersionMask)
	}
	return dst
}

// AppendSetDifficulty appends a SET_DIFF that gives the sessions the difficulty
// 2^exponent, at most MaxExponent: nothing without sessions, several frames, all but
// the last full, for more than 32,764.
func AppendSetDifficulty(dst []byte, exponent uint8, sids []uint16) []byte {
	for len(sids) > 0 {
		batch := sids[:min(len(sids), maxSIDs)]
		sids = sids[len(batch):]
		dst = append(dst, Magic, byte(SetDifficulty))
		dst = binary.LittleEndian.AppendUint16(dst, uint16(difficultyLen+2*len(batch)))
		dst = append(dst, exponent)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(batch)))
		for _, sid := range batch {
			dst = binary.LittleEndian.AppendUint16(dst, sid)
		}
	}
	return dst
}

// AppendSubmitResponse appends a SUBMIT_RESPONSE.
func AppendSubmitResponse(dst []byte, index uint16, status Status) []byte {
	dst = append(dst, Magic, byte(SubmitResponse), responseLen, 0)
	dst = binary.LittleEndian.AppendUint16(dst, index)
	return binary.LittleEndian.AppendUint32(dst, uint32(status))
}
