// Package agent is the codec of the agent protocol, spoken between an agent (BTCAgent,
// farmproxy) and btcpool's sserver. JSON lines and binary frames share one stream; the
// first byte tells them apart.
//
//	{                        a JSON line, ends at the newline
//	7f cmd len len body...   a frame; len counts all of it, its 4 header bytes
//	                         too; all numbers are little-endian
//
// It is specified in btcpool's docs/AGENT.md. Where the actual btcpool deviates from
// that document, this package follows btcpool, since it silently drops any frame that
// it does not expect. Three of the document's examples are such frames: REGISTER with
// the length 0x20 (it has 0x14), and the two SUBMITs with a version, whose length
// lacks the version's 4 bytes and whose mask is big-endian.
//
// A frame is a Frame, read by its command's method and written by AppendX; the lines
// are package codec's, plus those that only agents send (handshake.go). Nothing
// allocates, except Name for a name with disallowed bytes. Like package codec it knows
// neither sockets nor time nor policy.
package agent

// Magic is the first byte of a frame. No JSON line begins with it.
const Magic = 0x7f

// Command is the second byte of a frame.
type Command uint8

// The commands of AGENT.md, except Ethereum's 0x14 and 0x22. The document's table
// lacks the response and the two with a version; btcpool has them.
const (
	Register          Command = 0x01 // up: session, the miner's agent, its worker name
	Submit            Command = 0x02 // up: a share at the job's ntime
	SubmitTime        Command = 0x03 // up: … with an ntime
	Unregister        Command = 0x04 // up: session
	SetDifficulty     Command = 0x05 // down: sessions, and the difficulty for jobs from now on
	SubmitResponse    Command = 0x10 // down: a share's verdict; only if negotiated
	SubmitVersion     Command = 0x12 // up: a share at the job's ntime, with version bits
	SubmitTimeVersion Command = 0x13 // up: … with both
)

// MaxSID is the largest session id. AGENT.md allows 65,536 sessions, 0 to 0xffff;
// btcpool and BTCAgent reserve 0xffff, and btcpool does not register it.
const MaxSID = 0xfffe

const (
	// MaxFrame bounds a frame: AGENT.md's length is a u16.
	MaxFrame = 1<<16 - 1

	// MaxRegister bounds the REGISTER that we write, as the length of the whole frame.
	// AGENT.md has no bound; btcpool drops longer ones, and with them every share of
	// that worker.
	MaxRegister = 100

	// MaxExponent bounds a difficulty's exponent. AGENT.md's is a u8; btcpool's
	// difficulties are u64, so it never sends a larger one, and a miner could not use
	// it.
	MaxExponent = 63

	// maxSIDs is how many sessions fit into one SET_DIFF of at most MaxFrame.
	maxSIDs = (MaxFrame - difficultyLen) / 2
)

// Lengths of whole frames in bytes; btcpool accepts only these.
const (
	headerLen     = 4
	unregisterLen = headerLen + 2             // session
	registerLen   = headerLen + 2 + 1 + 1     // session, two empty names
	submitLen     = headerLen + 1 + 2 + 4 + 4 // job, session, extranonce2, nonce; plus 4 each for ntime and version
	difficultyLen = headerLen + 1 + 2         // exponent, count; plus 2 per session
	responseLen   = headerLen + 2 + 4         // index, status
)

// Share is a share as an agent sends it. The pool assembles the whole extranonce2 as
// SID<<32 | Extranonce2, 8 bytes big-endian.
type Share struct {
	Job         uint8  // the pool's job id, a decimal number in its notify
	SID         uint16 // session id
	Extranonce2 uint32 // the miner's 4 bytes, read big-endian
	Nonce       uint32
	NTime       uint32 // with HasTime; for BTCAgent and btcpool, 0 means the job's
	VersionMask uint32 // with HasVersion: the header's version XOR the job's
	HasTime     bool
	HasVersion  bool
}

// Name returns a worker's name with only the bytes that BTCAgent keeps: a-z A-Z 0-9 ,
// = / . - _ : | ^. btcpool drops ',' and '=' as well. A percent sign becomes '^', so
// that names with encoded bytes stay different.
func Name(name string) string {
	for i := range len(name) {
		if c := nameBytes[name[i]]; c == 0 || c != name[i] {
			return string(appendName(make([]byte, 0, len(name)), name, len(name), &nameBytes))
		}
	}
	return name
}

// byteMap maps each byte of a text to its replacement; 0: it is dropped.
type byteMap [256]byte

// nameBytes is for workers' names, textBytes for miners' user agents, which BTCAgent
// passes on unchanged: printable ASCII, so that the terminating 0 can't occur inside.
var nameBytes, textBytes = func() (name, text byteMap) {
	for c := byte(' '); c < 0x7f; c++ {
		text[c] = c
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			name[c] = c
		}
	}
	for _, c := range []byte(",=/.-_:|^") {
		name[c] = c
	}
	name['%'] = '^'
	return name, text
}()

// appendName appends the mapped bytes of name, at most limit.
func appendName(dst []byte, name string, limit int, bytes *byteMap) []byte {
	for i := 0; i < len(name) && limit > 0; i++ {
		if c := bytes[name[i]]; c != 0 {
			dst = append(dst, c)
			limit--
		}
	}
	return dst
}
