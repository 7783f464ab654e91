package codec

import (
	"strconv"
	"strings"

	"farmproxy/work"
)

// Requests to a pool, and its replies.

// AppendPoolConfigure asks a pool for version rolling with the largest mask.
func AppendPoolConfigure(dst []byte, id uint64) []byte {
	return append(appendRequest(dst, id, "mining.configure"),
		"[\"version-rolling\"],{\"version-rolling.mask\":\"ffffffff\",\"version-rolling.min-bit-count\":0}]}\n"...)
}

// AppendPoolSubscribe subscribes; session is "" for a new session. agent and session
// must be plain (ParseSubscription ensures the latter).
func AppendPoolSubscribe(dst []byte, id uint64, agent, session string) []byte {
	dst = append(appendRequest(dst, id, "mining.subscribe"), '"')
	dst = append(dst, agent...)
	if session != "" {
		dst = append(dst, `","`...)
		dst = append(dst, session...)
	}
	return append(dst, "\"]}\n"...)
}

// AppendPoolAuthorize authorizes user; it and the password are escaped as needed.
func AppendPoolAuthorize(dst []byte, id uint64, user, password string) []byte {
	dst = appendUser(appendRequest(dst, id, "mining.authorize"), user)
	dst = append(dst, ',')
	dst = AppendString(dst, password)
	return append(dst, "]}\n"...)
}

// AppendPoolExtranonceSubscribe asks a pool to change the extranonce in place
// instead of dropping the link.
func AppendPoolExtranonceSubscribe(dst []byte, id uint64) []byte {
	return append(appendRequest(dst, id, "mining.extranonce.subscribe"), "]}\n"...)
}

// AppendPoolSuggestDifficulty suggests a difficulty to a pool.
func AppendPoolSuggestDifficulty(dst []byte, id uint64, difficulty float64) []byte {
	dst = appendRequest(dst, id, "mining.suggest_difficulty")
	dst = strconv.AppendFloat(dst, difficulty, 'f', -1, 64)
	return append(dst, "]}\n"...)
}

// PoolShare is a share to submit to a pool.
type PoolShare struct {
	User        string // escaped as needed
	Job         *work.Job
	Solution    *work.Solution
	VersionBits uint32 // of Solution.Version, in the pool's form
	HasVersion  bool
}

// AppendPoolSubmit appends mining.submit.
func AppendPoolSubmit(dst []byte, id uint64, s *PoolShare) []byte {
	dst = appendUser(appendRequest(dst, id, "mining.submit"), s.User)
	dst = append(dst, ',')
	dst = append(dst, s.Job.PoolID...)
	dst = append(dst, `,"`...)
	var extranonce2 [MaxExtranonce2]byte
	dst = AppendHex(dst, s.Job.Layout.Extranonce2(extranonce2[:0], s.Solution))
	dst = append(dst, `","`...)
	dst = AppendHexUint32(dst, s.Solution.NTime)
	dst = append(dst, `","`...)
	dst = AppendHexUint32(dst, s.Solution.Nonce)
	if s.HasVersion {
		dst = append(dst, `","`...)
		dst = AppendHexUint32(dst, s.VersionBits)
	}
	return append(dst, "\"]}\n"...)
}

// AppendPoolVersion answers client.get_version; agent must be plain.
func AppendPoolVersion(dst []byte, id *ID, agent string) []byte {
	dst = append(AppendResultHead(dst, id), '"')
	dst = append(dst, agent...)
	return append(dst, "\",\"error\":null}\n"...)
}

func appendRequest(dst []byte, id uint64, method string) []byte {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendUint(dst, id, 10)
	dst = append(dst, `,"method":"`...)
	dst = append(dst, method...)
	return append(dst, `","params":[`...)
}

// appendUser is AppendString for a user, which must have no control characters: each share
// has one, and next to none needs an escape.
func appendUser(dst []byte, user string) []byte {
	if strings.IndexByte(user, '"') >= 0 || strings.IndexByte(user, '\\') >= 0 {
		return AppendString(dst, user)
	}
	return append(append(append(dst, '"'), user...), '"')
}

// AppendString appends text as a JSON string. The caller must keep out bytes that are
// not UTF-8.
func AppendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[c>>4], hexDigits[c&0xf])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// RequestID returns the number of the request that a pool's reply answers. Some pools
// return it as a string, so "7" is 7.
func (r Raw) RequestID() (id uint64, ok bool) {
	text := []byte(r)
	if s, quoted := r.String(); quoted {
		text = s
	}
	if len(text) == 0 || len(text) > 19 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		id = id*10 + uint64(c-'0')
	}
	return id, true
}

// Subscription is a pool's answer to mining.subscribe.
type Subscription struct {
	Session         string // to resume with; "" if the pool gave none, or one that can't be sent back
	Extranonce1     []byte
	Extranonce2Size int
}

// Subscription reads the result of mining.subscribe. Order and number of the
// subscription pairs vary between pools, so the outer list is read by position.
func (r Raw) Subscription() (s Subscription, err error) {
	var result [3]Raw
	if r.Array(result[:]) < 3 {
		return s, errSubscription
	}
	var ok bool
	if s.Extranonce1, s.Extranonce2Size, ok = extranonce(result[1], result[2]); !ok {
		return s, errSubscription
	}
	var pairs, pair [4]Raw
	for _, p := range pairs[:result[0].Array(pairs[:])] {
		if p.Array(pair[:]) == 2 {
			if id, ok := pair[1].String(); ok && len(id) <= MaxSession && plain(id) {
				s.Session = string(id)
			}
		}
	}
	return s, nil
}

// Extranonce reads the params of mining.set_extranonce. If the size is missing, the
// current one, size, stays.
func (r Raw) Extranonce(size int) (extranonce1 []byte, extranonce2Size int, ok bool) {
	var params [2]Raw
	r.Array(params[:])
	if params[1].IsNull() {
		extranonce1, ok = params[0].bytes(MaxExtranonce1)
		return extranonce1, size, ok
	}
	return extranonce(params[0], params[1])
}

func extranonce(first, second Raw) (extranonce1 []byte, size int, ok bool) {
	extranonce1, ok1 := first.bytes(MaxExtranonce1)
	size, ok2 := second.Int()
	return extranonce1, size, ok1 && ok2 && size >= 0 && size <= MaxExtranonce2
}

var errSubscription = &Error{Syntax, "mining.subscribe: the result is not [subscriptions, extranonce1, extranonce2_size]"}

// VersionMask reads the result of mining.configure: 0 if version rolling was refused.
func (r Raw) VersionMask() (mask uint32) {
	granted := false
	r.Members(func(key []byte, value Raw) bool {
		switch string(key) {
		case "version-rolling":
			granted = value.Yes()
		case "version-rolling.mask":
			mask, _ = value.hexUint32()
		}
		return true
	})
	if !granted {
		return 0
	}
	return mask
}

// Hex reads the first param as a 32-bit hex number, as in mining.set_version_mask.
func (r Raw) Hex() (v uint32, ok bool) {
	var params [1]Raw
	r.Array(params[:])
	return params[0].hexUint32()
}

// Number reads the first param as a number, as in mining.set_difficulty.
func (r Raw) Number() (v float64, ok bool) {
	var params [1]Raw
	r.Array(params[:])
	return params[0].Float()
}

// PoolError is the error member of a pool's reply.
type PoolError struct {
	Code int    // 0 if there was none
	Text string // clean, at most maxPoolErrorText bytes
}

// maxPoolErrorText bounds how much of a pool's error text is kept and passed on; some
// pools send a stack trace there.
const maxPoolErrorText = 120

// PoolError reads an error member: [code,"text",…], {"code":…,"message":…}, or a plain
// text. ok is false if there is no error: null, or what pools send in its place, which
// is anything empty, false, or 0.
func (r Raw) PoolError() (e PoolError, ok bool) {
	if r.isEmpty() {
		return e, false
	}
	var list [2]Raw
	switch {
	case r.IsArray():
		r.Array(list[:])
	case r.IsObject():
		r.Members(func(key []byte, value Raw) bool {
			switch string(key) {
			case "code":
				list[0] = value
			case "message":
				list[1] = value
			}
			return true
		})
	default:
		list[1] = r
	}
	e.Code, _ = list[0].Int()
	if text, ok := list[1].String(); ok {
		e.Text = CleanText(text, maxPoolErrorText)
	}
	return e, true
}

// Reconnect reads the params of client.reconnect: host "" means the same host, port 0
// the same port; wait is in seconds.
func (r Raw) Reconnect() (host string, port, wait int) {
	var params [3]Raw
	r.Array(params[:])
	if text, ok := params[0].String(); ok && len(text) <= MaxName && plain(text) {
		host = string(text)
	}
	port, _ = params[1].Int()
	wait, _ = params[2].Int()
	return host, port, wait
}

// Text reads the first param as a text for the log, as in client.show_message.
func (r Raw) Text() string {
	var params [1]Raw
	r.Array(params[:])
	text, _ := params[0].String()
	return CleanText(text, maxPoolErrorText)
}
