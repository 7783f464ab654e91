package codec

import "strconv"

// Messages to a miner. Every reply has both members, result and error: some firmwares
// require error to be present.

// AppendResultHead appends a reply up to its result; the caller appends the result and
// the end.
func AppendResultHead(dst []byte, id *ID) []byte {
	dst = append(dst, `{"id":`...)
	dst = id.Append(dst)
	return append(dst, `,"result":`...)
}

// AppendTrue appends {"id":…,"result":true,"error":null}.
func AppendTrue(dst []byte, id *ID) []byte {
	return append(AppendResultHead(dst, id), "true,\"error\":null}\n"...)
}

// AppendPong answers mining.ping.
func AppendPong(dst []byte, id *ID) []byte {
	return append(AppendResultHead(dst, id), "\"pong\",\"error\":null}\n"...)
}

// AppendError appends a reply with the error [code,"text",null]. text must not contain
// quotes or backslashes: it is one of ours, or went through CleanText.
func AppendError(dst []byte, id *ID, code int, text string) []byte {
	dst = append(AppendResultHead(dst, id), `null,"error":[`...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, `,"`...)
	dst = append(dst, text...)
	return append(dst, "\",null]}\n"...)
}

// AppendSubscribed answers mining.subscribe. session becomes 16 hex digits, which the
// miner sends back to resume. extranonce2 is a size in bytes.
func AppendSubscribed(dst []byte, id *ID, session uint64, extranonce1 []byte, extranonce2 int) []byte {
	dst = append(AppendResultHead(dst, id), `[[["mining.set_difficulty","`...)
	dst = AppendSession(dst, session)
	dst = append(dst, `"],["mining.notify","`...)
	dst = AppendSession(dst, session)
	dst = append(dst, `"]],"`...)
	dst = AppendHex(dst, extranonce1)
	dst = append(dst, `",`...)
	dst = strconv.AppendInt(dst, int64(extranonce2), 10)
	return append(dst, "],\"error\":null}\n"...)
}

// AppendSession appends a session id as miners see it.
func AppendSession(dst []byte, session uint64) []byte {
	dst = AppendHexUint32(dst, uint32(session>>32))
	return AppendHexUint32(dst, uint32(session))
}

// ParseSession reads a session id that a miner sent back; ok is false for any other
// text, such as another pool's id.
func ParseSession(text []byte) (session uint64, ok bool) {
	if len(text) != 16 {
		return 0, false
	}
	hi, ok1 := HexUint32(text[:8])
	lo, ok2 := HexUint32(text[8:])
	return uint64(hi)<<32 | uint64(lo), ok1 && ok2
}

// AppendSetDifficulty appends mining.set_difficulty. Whole numbers are written as
// such: some firmware truncates floats, and some rejects an exponent.
func AppendSetDifficulty(dst []byte, difficulty float64) []byte {
	dst = append(dst, `{"id":null,"method":"mining.set_difficulty","params":[`...)
	dst = strconv.AppendFloat(dst, difficulty, 'f', -1, 64)
	return append(dst, "]}\n"...)
}

// AppendSetVersionMask appends mining.set_version_mask (BIP 310).
func AppendSetVersionMask(dst []byte, mask uint32) []byte {
	dst = append(dst, `{"id":null,"method":"mining.set_version_mask","params":["`...)
	dst = AppendHexUint32(dst, mask)
	return append(dst, "\"]}\n"...)
}

// AppendSetExtranonce appends mining.set_extranonce, valid from the next notify.
func AppendSetExtranonce(dst []byte, extranonce1 []byte, extranonce2 int) []byte {
	dst = append(dst, `{"id":null,"method":"mining.set_extranonce","params":["`...)
	dst = AppendHex(dst, extranonce1)
	dst = append(dst, `",`...)
	dst = strconv.AppendInt(dst, int64(extranonce2), 10)
	return append(dst, "]}\n"...)
}

// AppendReconnect appends client.reconnect without params: the miner should reconnect
// to the same address.
func AppendReconnect(dst []byte) []byte {
	return append(dst, `{"id":null,"method":"client.reconnect","params":[]}`+"\n"...)
}

// AppendShowMessage appends client.show_message. The same rule holds for text as in
// AppendError.
func AppendShowMessage(dst []byte, text string) []byte {
	dst = append(dst, `{"id":null,"method":"client.show_message","params":["`...)
	dst = append(dst, text...)
	return append(dst, "\"]}\n"...)
}
