package codec

// The agent protocol: what an agent (BTCAgent, farmproxy) and btcpool's sserver
// say to each other. JSON lines and binary frames share one stream; the first
// byte tells them apart.
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

// AgentMagic is the first byte of a frame. No JSON line begins with it.
const AgentMagic = 0x7f

// AgentCommand is the second byte of a frame.
type AgentCommand uint8

// The commands of AGENT.md, but for Ethereum's 0x14 and 0x22. The document's
// table lacks the answer and the two with a version; btcpool has them.
const (
	AgentRegister          AgentCommand = 0x01 // up: session, the miner's agent, its worker name
	AgentSubmit            AgentCommand = 0x02 // up: a share at the job's ntime
	AgentSubmitTime        AgentCommand = 0x03 // up: … with an ntime
	AgentUnregister        AgentCommand = 0x04 // up: session
	AgentSetDifficulty     AgentCommand = 0x05 // down: sessions, and the difficulty for jobs from now on
	AgentSubmitResponse    AgentCommand = 0x10 // down: what became of a share; only where negotiated
	AgentSubmitVersion     AgentCommand = 0x12 // up: a share at the job's ntime, with version bits
	AgentSubmitTimeVersion AgentCommand = 0x13 // up: … with both
)

// MaxAgentSession is the largest session id. AGENT.md allows 65,536 sessions,
// 0 to 0xffff; btcpool and BTCAgent keep 0xffff back, and btcpool does not
// register it.
const MaxAgentSession = 0xfffe

const (
	// MaxAgentFrame bounds a frame: AGENT.md's length is a u16.
	MaxAgentFrame = 1<<16 - 1

	// MaxAgentRegister bounds the REGISTER that we write, in bytes of the whole
	// frame. AGENT.md has no bound; btcpool drops what is longer, and every
	// share of that worker with it.
	MaxAgentRegister = 100

	// MaxAgentExponent bounds a difficulty's exponent. AGENT.md's is a u8;
	// btcpool's difficulties are u64, so it sends none above, and a miner can't
	// do anything with one.
	MaxAgentExponent = 63

	// maxAgentSessions is how many sessions one SET_DIFF holds, so that it is
	// no longer than MaxAgentFrame.
	maxAgentSessions = (MaxAgentFrame - agentDifficultyLen) / 2
)

// Lengths of whole frames in bytes; btcpool takes them exactly.
const (
	agentHeaderLen     = 4
	agentUnregisterLen = agentHeaderLen + 2             // session
	agentRegisterLen   = agentHeaderLen + 2 + 1 + 1     // session, two empty names
	agentSubmitLen     = agentHeaderLen + 1 + 2 + 4 + 4 // job, session, extranonce2, nonce; and 4 for each of ntime and version
	agentDifficultyLen = agentHeaderLen + 1 + 2         // exponent, count; and 2 for each session
	agentResponseLen   = agentHeaderLen + 2 + 4         // index, status
)

// AgentShare is a share as an agent hands it in. The pool puts the whole
// extranonce2 together as Session<<32 | Extranonce2, 8 bytes big-endian.
type AgentShare struct {
	Job         uint8 // the pool's job id, a decimal number in its notify
	Session     uint16
	Extranonce2 uint32 // the miner's 4 bytes, read big-endian
	Nonce       uint32
	NTime       uint32 // with HasTime; BTCAgent and btcpool take 0 for the job's
	VersionMask uint32 // with HasVersion: the header's version XOR the job's
	HasTime     bool
	HasVersion  bool
}

// AgentName returns name with only the bytes that BTCAgent leaves in a worker's
// name: a-z A-Z 0-9 , = / . - _ : | ^. btcpool drops ',' and '=' on top. A percent
// sign becomes '^', so that names with encoded bytes stay different.
func AgentName(name string) string {
	for i := range len(name) {
		if c := agentNameBytes[name[i]]; c == 0 || c != name[i] {
			return string(appendAgentName(make([]byte, 0, len(name)), name, len(name), &agentNameBytes))
		}
	}
	return name
}

// byteMap says what each byte of a text becomes; 0: it is left out.
type byteMap [256]byte

// agentNameBytes are those of a worker's name, agentTextBytes those of a
// miner's user agent, which BTCAgent passes on as it came: printable ASCII, so
// that the 0 which ends it can't be inside.
var agentNameBytes, agentTextBytes = func() (name, text byteMap) {
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

// appendAgentName appends what at most limit of the bytes of name become.
func appendAgentName(dst []byte, name string, limit int, bytes *byteMap) []byte {
	for i := 0; i < len(name) && limit > 0; i++ {
		if c := bytes[name[i]]; c != 0 {
			dst = append(dst, c)
			limit--
		}
	}
	return dst
}
