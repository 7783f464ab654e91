package codec

// Method is what a miner asks for.
type Method uint8

const (
	UnknownMethod Method = iota
	ReplyMessage         // not a request: the miner answers something that we sent
	Configure            // mining.configure, BIP 310
	Subscribe
	Authorize
	ExtranonceSubscribe
	SuggestDifficulty
	SuggestTarget
	Submit
	GetTransactions
	MultiVersion // Bitmain's precursor of BIP 310; without an answer the miner waits forever
	Ping
	AgentGetCapabilities // agent.get_capabilities: an agent, not a miner; it continues with frames as well
)

// method finds the Method of a name as written. Firmwares agree on the spelling, so an
// exact match is enough.
func method(name []byte) Method {
	switch string(name) { // no allocation: the compiler compares in place
	case "mining.submit":
		return Submit
	case "mining.configure":
		return Configure
	case "mining.subscribe":
		return Subscribe
	case "mining.authorize":
		return Authorize
	case "mining.extranonce.subscribe":
		return ExtranonceSubscribe
	case "mining.suggest_difficulty":
		return SuggestDifficulty
	case "mining.suggest_target":
		return SuggestTarget
	case "mining.get_transactions":
		return GetTransactions
	case "mining.multi_version":
		return MultiVersion
	case "mining.ping":
		return Ping
	case "agent.get_capabilities":
		return AgentGetCapabilities
	}
	return UnknownMethod
}

// Request is one line of a miner, decoded into a value that the caller reuses. Its
// params stay valid as long as those of a Message.
type Request struct {
	ID     ID
	Method Method
	Params [MaxParams]Raw // nil for those not sent
	N      int            // number sent, at most MaxParams
}

// DecodeRequest decodes one line of a miner, without its newline, into r.
func (d *Decoder) DecodeRequest(line []byte, r *Request) error {
	var m Message
	r.ID, r.Method = ID{}, UnknownMethod
	clear(r.Params[:])
	r.N = 0
	if err := d.Decode(line, &m); err != nil {
		return err
	}
	if m.Method == nil {
		r.Method = ReplyMessage
		return nil
	}
	id, ok := MakeID(m.ID)
	if !ok {
		return errBadID
	}
	r.ID = id
	r.Method = method(m.Method)
	r.N = m.Params.Array(r.Params[:])
	return nil
}

var errBadID = &Error{Syntax, "the id is neither a number nor a short string nor null"}

// SubmitParams are the params of mining.submit. The byte slices alias the line.
type SubmitParams struct {
	Worker      []byte
	Job         []byte
	Extranonce2 []byte // hex
	NTime       uint32
	Nonce       uint32
	VersionBits uint32
	HasVersion  bool // the sixth param is present and not empty
}

// Submit reads the params of mining.submit; ok is false if one is missing or invalid.
func (r *Request) Submit() (p SubmitParams, ok bool) {
	var worker, job, extranonce2, okTime, okNonce bool
	p.Worker, worker = r.Params[0].String()
	p.Job, job = r.Params[1].String()
	p.Extranonce2, extranonce2 = r.Params[2].String()
	p.NTime, okTime = r.Params[3].hexUint32()
	p.Nonce, okNonce = r.Params[4].hexUint32()
	ok = worker && job && extranonce2 && okTime && okNonce
	if !r.Params[5].IsNull() && string(r.Params[5]) != `""` { // some firmware sends an empty string for no bits
		p.HasVersion = true
		var okBits bool
		p.VersionBits, okBits = r.Params[5].hexUint32()
		ok = ok && okBits
	}
	return p, ok
}

func (r Raw) hexUint32() (uint32, bool) {
	text, ok := r.String()
	if !ok {
		return 0, false
	}
	return HexUint32(text)
}

// SubscribeParams are the params of mining.subscribe; every form seen in practice
// reduces to these two: [], [ua], [ua, session], [ua, null, host, null], NiceHash's
// [ua, ts, hmac].
type SubscribeParams struct {
	Agent   []byte // "" when absent
	Session []byte // "" when absent: no session to resume
}

// Subscribe reads the params of mining.subscribe.
func (r *Request) Subscribe() (p SubscribeParams) {
	p.Agent, _ = r.Params[0].String()
	p.Session, _ = r.Params[1].String()
	return p
}

// AuthorizeParams are the params of mining.authorize.
type AuthorizeParams struct {
	Login    []byte
	Password []byte // "" when absent
}

// Authorize reads the params of mining.authorize; ok is false without a login.
func (r *Request) Authorize() (p AuthorizeParams, ok bool) {
	p.Login, ok = r.Params[0].String()
	p.Password, _ = r.Params[1].String()
	return p, ok
}
