package codec

import (
	"bytes"
	"encoding/binary"
)

// AgentFrame is one whole frame, header included, as NextAgentFrame returns
// it. It aliases the stream's buffer, and so do the names in it.
type AgentFrame []byte

// NextAgentFrame returns the frame at the start of data, which begins with
// AgentMagic, and its length n in the stream. n is 0 without an error when
// the frame is not whole yet. An error means that the length can't be true:
// nobody knows where the next frame begins, so the connection is lost
// (btcpool waits for ever there).
func NextAgentFrame(data []byte) (f AgentFrame, n int, err error) {
	n, ok := AgentFrameSize(data)
	if !ok {
		return nil, 0, errBadFrame
	}
	if n == 0 || n > len(data) {
		return nil, 0, nil
	}
	return AgentFrame(data[:n:n]), n, nil
}

// Command returns the frame's command, which may be none of ours.
func (f AgentFrame) Command() AgentCommand { return AgentCommand(f[1]) }

// The following read a frame by its command; ok is false for another command,
// another length, or a value that the protocol does not have.

// Register reads a REGISTER of any length: an agent that does not know of
// btcpool's bound is not to lose its worker here. Neither name contains a 0
// byte; nothing else is promised about them.
func (f AgentFrame) Register() (session uint16, agent, worker []byte, ok bool) {
	if f.Command() != AgentRegister || len(f) < agentRegisterLen || f[len(f)-1] != 0 {
		return 0, nil, nil, false
	}
	session = binary.LittleEndian.Uint16(f[4:])
	agent, worker, ok = bytes.Cut(f[6:len(f)-1], zeroByte)
	if !ok || session > MaxAgentSession || bytes.IndexByte(worker, 0) >= 0 {
		return 0, nil, nil, false
	}
	return session, agent, worker, true
}

var zeroByte = []byte{0}

// Unregister reads an UNREGISTER.
func (f AgentFrame) Unregister() (session uint16, ok bool) {
	if f.Command() != AgentUnregister || len(f) != agentUnregisterLen {
		return 0, false
	}
	session = binary.LittleEndian.Uint16(f[4:])
	return session, session <= MaxAgentSession
}

// Submit reads any of the four SUBMITs.
func (f AgentFrame) Submit() (s AgentShare, ok bool) {
	length := agentSubmitLen
	switch f.Command() {
	case AgentSubmit:
	case AgentSubmitTime:
		s.HasTime = true
		length += 4
	case AgentSubmitVersion:
		s.HasVersion = true
		length += 4
	case AgentSubmitTimeVersion:
		s.HasTime, s.HasVersion = true, true
		length += 8
	default:
		return AgentShare{}, false
	}
	if len(f) != length {
		return AgentShare{}, false
	}
	s.Job = f[4]
	s.Session = binary.LittleEndian.Uint16(f[5:])
	s.Extranonce2 = binary.LittleEndian.Uint32(f[7:])
	s.Nonce = binary.LittleEndian.Uint32(f[11:])
	rest := f[agentSubmitLen:]
	if s.HasTime {
		s.NTime = binary.LittleEndian.Uint32(rest)
		rest = rest[4:]
	}
	if s.HasVersion {
		s.VersionMask = binary.LittleEndian.Uint32(rest)
	}
	if s.Session > MaxAgentSession {
		return AgentShare{}, false
	}
	return s, true
}

// SetDifficulty reads a SET_DIFF: the difficulty 2^exponent is for the
// sessions that are appended to dst, from the next job on. They may be unknown.
func (f AgentFrame) SetDifficulty(dst []uint16) (exponent uint8, sessions []uint16, ok bool) {
	if f.Command() != AgentSetDifficulty || len(f) < agentDifficultyLen || f[4] > MaxAgentExponent ||
		len(f) != agentDifficultyLen+2*int(binary.LittleEndian.Uint16(f[5:])) {
		return 0, dst, false
	}
	for rest := f[agentDifficultyLen:]; len(rest) > 0; rest = rest[2:] {
		dst = append(dst, binary.LittleEndian.Uint16(rest))
	}
	return f[4], dst, true
}

// SubmitResponse reads a SUBMIT_RESPONSE. index counts the shares of registered
// sessions on this connection, from 0, and wraps.
func (f AgentFrame) SubmitResponse() (index uint16, status AgentStatus, ok bool) {
	if f.Command() != AgentSubmitResponse || len(f) != agentResponseLen {
		return 0, 0, false
	}
	return binary.LittleEndian.Uint16(f[4:]), AgentStatus(binary.LittleEndian.Uint32(f[6:])), true
}

// AppendAgentRegister appends a REGISTER of at most MaxAgentRegister bytes:
// what is too long is cut from agent first, since worker is what the pool
// counts by. Bytes that the protocol does not have are left out of both. For
// another name, unregister first: btcpool passes over the REGISTER of a session
// that it knows already.
func AppendAgentRegister(dst []byte, session uint16, agent, worker string) []byte {
	const room = MaxAgentRegister - agentRegisterLen
	forWorker := 0
	for i := 0; i < len(worker) && forWorker < room; i++ {
		if agentNameBytes[worker[i]] != 0 {
			forWorker++
		}
	}
	start := len(dst)
	dst = append(dst, AgentMagic, byte(AgentRegister), 0, 0)
	dst = binary.LittleEndian.AppendUint16(dst, session)
	dst = append(appendAgentName(dst, agent, room-forWorker, &agentTextBytes), 0)
	dst = append(appendAgentName(dst, worker, forWorker, &agentNameBytes), 0)
	binary.LittleEndian.PutUint16(dst[start+2:], uint16(len(dst)-start))
	return dst
}

// AppendAgentUnregister appends an UNREGISTER.
func AppendAgentUnregister(dst []byte, session uint16) []byte {
	dst = append(dst, AgentMagic, byte(AgentUnregister), agentUnregisterLen, 0)
	return binary.LittleEndian.AppendUint16(dst, session)
}

// AppendAgentSubmit appends the SUBMIT that has what s has: 15 bytes, and 4
// more for each of ntime and version.
func AppendAgentSubmit(dst []byte, s *AgentShare) []byte {
	command, length := AgentSubmit, byte(agentSubmitLen)
	switch {
	case s.HasTime && s.HasVersion:
		command, length = AgentSubmitTimeVersion, agentSubmitLen+8
	case s.HasTime:
		command, length = AgentSubmitTime, agentSubmitLen+4
	case s.HasVersion:
		command, length = AgentSubmitVersion, agentSubmitLen+4
	}
	dst = append(dst, AgentMagic, byte(command), length, 0, s.Job, byte(s.Session), byte(s.Session>>8))
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

// AppendAgentSetDifficulty appends the SET_DIFF that gives the difficulty
// 2^exponent, at most MaxAgentExponent, to sessions: none without sessions,
// several when there are more than 32,764, as many as fit into one.
func AppendAgentSetDifficulty(dst []byte, exponent uint8, sessions []uint16) []byte {
	for len(sessions) > 0 {
		batch := sessions[:min(len(sessions), maxAgentSessions)]
		sessions = sessions[len(batch):]
		dst = append(dst, AgentMagic, byte(AgentSetDifficulty))
		dst = binary.LittleEndian.AppendUint16(dst, uint16(agentDifficultyLen+2*len(batch)))
		dst = append(dst, exponent)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(batch)))
		for _, session := range batch {
			dst = binary.LittleEndian.AppendUint16(dst, session)
		}
	}
	return dst
}

// AppendAgentSubmitResponse appends a SUBMIT_RESPONSE.
func AppendAgentSubmitResponse(dst []byte, index uint16, status AgentStatus) []byte {
	dst = append(dst, AgentMagic, byte(AgentSubmitResponse), agentResponseLen, 0)
	dst = binary.LittleEndian.AppendUint16(dst, index)
	return binary.LittleEndian.AppendUint32(dst, uint32(status))
}
