// Package agent is the codec of the agent protocol: what an agent (BTCAgent,
// farmproxy) and btcpool's sserver say to each other. JSON lines and binary frames
// share one stream; the first byte tells them apart.
//
//	{                        a JSON line, ends at the newline
//	7f cmd len len body...   a frame; len counts all of it, its 4 header bytes
//	                         too; all numbers are little-endian
//
// It is laid down in btcpool's docs/AGENT.md. Where btcpool, as it runs,
// deviates from that document, btcpool is followed, since it drops without a
// word any frame that it does not expect. Three of the document's examples are
// such frames: REGISTER with the length 0x20 (it has 0x14), and the two SUBMITs
// with a version, whose length lacks the version's 4 bytes and whose mask is
// big-endian.
//
// A frame is a Frame, read by the method of its command and written by AppendX;
// the lines are package codec's, with what only agents say here (handshake.go).
// Nothing allocates, but Name where a name has other bytes. Like package codec it
// knows neither sockets nor time nor policy.
package agent

// Magic is the first byte of a frame. No JSON line begins with it.
const Magic = 0x7f

// Command is the second byte of a frame.
type Command uint8

// The commands of AGENT.md, but for Ethereum's 0x14 and 0x22. The document's
// table lacks the answer and the two with a version; btcpool has them.
const (
	Register          Command = 0x01 // up: session, the miner's agent, its worker name
	Submit            Command = 0x02 // up: a share at the job's ntime
	SubmitTime        Command = 0x03 // up: … with an ntime
	Unregister        Command = 0x04 // up: session
	SetDifficulty     Command = 0x05 // down: sessions, and the difficulty for jobs from now on
	SubmitResponse    Command = 0x10 // down: what became of a share; only where negotiated
	SubmitVersion     Command = 0x12 // up: a share at the job's ntime, with version bits
	SubmitTimeVersion Command = 0x13 // up: … with both
)

// MaxSID is the largest session id. AGENT.md allows 65,536 sessions,
// 0 to 0xffff; btcpool and BTCAgent keep 0xffff back, and btcpool does not
// register it.
const MaxSID = 0xfffe

const (
	// MaxFrame bounds a frame: AGENT.md's length is a u16.
	MaxFrame = 1<<16 - 1

	// MaxRegister bounds the REGISTER that we write, in bytes of the whole
	// frame. AGENT.md has no bound; btcpool drops what is longer, and every
	// share of that worker with it.
	MaxRegister = 100

	// MaxExponent bounds a difficulty's exponent. AGENT.md's is a u8;
	// btcpool's difficulties are u64, so it sends none above, and a miner can't
	// do anything with one.
	MaxExponent = 63

	// maxSIDs is how many sessions one SET_DIFF holds, so that it is
	// no longer than MaxFrame.
	maxSIDs = (MaxFrame - difficultyLen) / 2
)

// Lengths of whole frames in bytes; btcpool takes them exactly.
const (
	headerLen     = 4
	unregisterLen = headerLen + 2             // session
	registerLen   = headerLen + 2 + 1 + 1     // session, two empty names
	submitLen     = headerLen + 1 + 2 + 4 + 4 // job, session, extranonce2, nonce; and 4 for each of ntime and version
	difficultyLen = headerLen + 1 + 2         // exponent, count; and 2 for each session
	responseLen   = headerLen + 2 + 4         // index, status
)

// Share is a share as an agent hands it in. The pool puts the whole
// extranonce2 together as SID<<32 | Extranonce2, 8 bytes big-endian.
type Share struct {
	Job         uint8  // the pool's job id, a decimal number in its notify
	SID         uint16 // session id
	Extranonce2 uint32 // the miner's 4 bytes, read big-endian
	Nonce       uint32
	NTime       uint32 // with HasTime; BTCAgent and btcpool take 0 for the job's
	VersionMask uint32 // with HasVersion: the header's version XOR the job's
	HasTime     bool
	HasVersion  bool
}

// Name returns a worker's name with only the bytes that BTCAgent leaves in it:
// a-z A-Z 0-9 , = / . - _ : | ^. btcpool drops ',' and '=' on top. A percent sign
// becomes '^', so that names with encoded bytes stay different.
func Name(name string) string {
	for i := range len(name) {
		if c := nameBytes[name[i]]; c == 0 || c != name[i] {
			return string(appendName(make([]byte, 0, len(name)), name, len(name), &nameBytes))
		}
	}
	return name
}

// byteMap says what each byte of a text becomes; 0: it is left out.
type byteMap [256]byte

// nameBytes are those of a worker's name, textBytes those of a
// miner's user agent, which BTCAgent passes on as it came: printable ASCII, so
// that the 0 which ends it can't be inside.
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

// appendName appends what at most limit of the bytes of name become.
func appendName(dst []byte, name string, limit int, bytes *byteMap) []byte {
	for i := 0; i < len(name) && limit > 0; i++ {
		if c := bytes[name[i]]; c != 0 {
			dst = append(dst, c)
			limit--
		}
	}
	return dst
}
