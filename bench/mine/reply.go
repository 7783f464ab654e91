package mine

import (
	"bytes"
	"encoding/hex"
)

// Extranonce is the search space given to a miner.
type Extranonce struct {
	Extranonce1 []byte
	Size2       int
}

// Ids of the handshake; those of submits follow.
const (
	IDConfigure = iota + 1
	IDSubscribe
	IDAuthorize
	IDFirstSubmit
)

// PlainTrue reads the usual {"id":N,"result":true,"error":null} without a JSON
// decoder.
func PlainTrue(line []byte) (id int, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"id":`))
	if !ok {
		return 0, false
	}
	digits := 0
	for digits < len(rest) && digits < 9 && rest[digits] >= '0' && rest[digits] <= '9' {
		id = id*10 + int(rest[digits]-'0')
		digits++
	}
	return id, digits > 0 && string(rest[digits:]) == `,"result":true,"error":null}`+"\n"
}

// NewExtranonce returns nil if the values make no sense.
func NewExtranonce(first, second any) *Extranonce {
	text, isText := first.(string)
	size, isNumber := second.(float64)
	extranonce1, err := hex.DecodeString(text)
	if !isText || !isNumber || err != nil || size < 1 || size > 16 {
		return nil
	}
	return &Extranonce{extranonce1, int(size)}
}

// SessionID returns the id of the first subscription, if any.
func SessionID(subscriptions any) string {
	list, _ := subscriptions.([]any)
	if len(list) == 0 {
		return ""
	}
	if pair, ok := list[0].([]any); ok && len(pair) > 1 {
		id, _ := pair[1].(string)
		return id
	}
	return ""
}
