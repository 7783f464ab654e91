package codec

import "farmproxy/work"

// Notify is one mining.notify, decoded. Nothing in it aliases the line.
type Notify struct {
	work.Template
	JobID string // the pool's JSON, of any type: it is sent back unchanged
	Clean bool
}

// Notify reads the params of mining.notify; the error names the first invalid param.
// clean_jobs may be missing, or of any type: a job that builds on another block is
// clean without it.
func (r Raw) Notify() (*Notify, error) {
	var params [MaxParams]Raw
	if r.Array(params[:]) < 8 {
		return nil, errNotifyParams
	}
	n := new(Notify)
	if len(params[0]) > MaxJobID {
		return nil, errNotifyJobID
	}
	n.JobID = string(params[0])
	prev, ok := params[1].String()
	if !ok || !DecodeHex(n.PrevHash[:], prev) {
		return nil, errNotifyPrevHash
	}
	swapWords(&n.PrevHash)
	if n.Coinb1, ok = params[2].bytes(MaxPoolLine); !ok {
		return nil, errNotifyCoinbase
	}
	if n.Coinb2, ok = params[3].bytes(MaxPoolLine); !ok {
		return nil, errNotifyCoinbase
	}
	if n.Branches, ok = params[4].branches(); !ok {
		return nil, errNotifyBranches
	}
	var version, nbits, ntime bool
	n.Version, version = params[5].hexUint32()
	n.NBits, nbits = params[6].hexUint32()
	n.NTime, ntime = params[7].hexUint32()
	n.Clean = params[8].Yes()
	if !version || !nbits || !ntime {
		return nil, errNotifyHeader
	}
	return n, nil
}

var (
	errNotifyParams   = &Error{Syntax, "mining.notify: fewer than 8 params"}
	errNotifyJobID    = &Error{Syntax, "mining.notify: the job id is longer than 512 bytes"}
	errNotifyPrevHash = &Error{Syntax, "mining.notify: prevhash is not 64 hex digits"}
	errNotifyCoinbase = &Error{Syntax, "mining.notify: coinb1 or coinb2 is not hex"}
	errNotifyBranches = &Error{Syntax, "mining.notify: merkle branches are not a list of at most 24 times 64 hex digits"}
	errNotifyHeader   = &Error{Syntax, "mining.notify: version, nbits or ntime is not what it must be"}
)

// plain reports whether text can be spliced into JSON unchanged.
func plain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// swapWords converts a notify's prevhash to the header's and back: each 4-byte word is
// byte-swapped.
func swapWords(h *[32]byte) {
	for i := 0; i < len(h); i += 4 {
		h[i], h[i+1], h[i+2], h[i+3] = h[i+3], h[i+2], h[i+1], h[i]
	}
}

// bytes decodes a hex string of up to max bytes.
func (r Raw) bytes(max int) ([]byte, bool) {
	text, ok := r.String()
	if !ok || len(text) > 2*max {
		return nil, false
	}
	b := make([]byte, len(text)/2)
	return b, DecodeHex(b, text)
}

func (r Raw) branches() ([][32]byte, bool) {
	var list [MaxBranches + 1]Raw
	n := r.Array(list[:])
	if !r.IsArray() || n > MaxBranches {
		return nil, false
	}
	branches := make([][32]byte, n)
	for i := range branches {
		text, ok := list[i].String()
		if !ok || !DecodeHex(branches[i][:], text) {
			return nil, false
		}
	}
	return branches, true
}

// NotifyHead is what precedes the job id.
const NotifyHead = `{"id":null,"method":"mining.notify","params":["`

// NewNotifyLine builds the mining.notify of a job that miners know by id. fold is
// appended to coinb1: the pool's extranonce1 and leading zeros.
func NewNotifyLine(id uint32, job *work.Template, fold []byte) work.Line {
	prev := job.PrevHash
	swapWords(&prev)
	head := append([]byte(nil), NotifyHead...)
	head = AppendJobID(head, id)
	head = append(head, `","`...)
	head = AppendHex(head, prev[:])
	head = append(head, `","`...)
	head = AppendHex(head, job.Coinb1)
	head = AppendHex(head, fold)
	head = append(head, `","`...)

	tail := AppendHex(nil, job.Coinb2)
	tail = append(tail, `",[`...)
	for i := range job.Branches {
		if i > 0 {
			tail = append(tail, ',')
		}
		tail = append(tail, '"')
		tail = AppendHex(tail, job.Branches[i][:])
		tail = append(tail, '"')
	}
	tail = append(tail, `],"`...)
	tail = AppendHexUint32(tail, job.Version)
	tail = append(tail, `","`...)
	tail = AppendHexUint32(tail, job.NBits)
	tail = append(tail, `","`...)
	return work.Line{Head: head, Tail: tail}
}

// AppendNotify appends a job's line. zeros is how many zero bytes precede coinb2: the
// bytes of the pool's extranonce2 that the miner's lacks. ntime differs from the job's
// in a keepalive.
func AppendNotify(dst []byte, l *work.Line, zeros int, ntime uint32, clean bool) []byte {
	dst = append(dst, l.Head...)
	for range zeros {
		dst = append(dst, "00"...)
	}
	return AppendNotifyEnd(dst, l, ntime, clean)
}

// AppendNotifyEnd appends a job's line from coinb2 on.
func AppendNotifyEnd(dst []byte, l *work.Line, ntime uint32, clean bool) []byte {
	dst = append(dst, l.Tail...)
	dst = AppendHexUint32(dst, ntime)
	if clean {
		return append(dst, "\",true]}\n"...)
	}
	return append(dst, "\",false]}\n"...)
}

// AppendJobID appends a job id as miners see it: 1 to 8 hex digits.
func AppendJobID(dst []byte, id uint32) []byte {
	shift := 28
	for shift > 0 && id>>shift == 0 {
		shift -= 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[id>>shift&0xf])
	}
	return dst
}
