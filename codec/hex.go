package codec

const hexDigits = "0123456789abcdef"

// hexValue holds the value of each hex digit of either case, and 0xff for all
// other bytes.
var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range byte(16) {
		t[hexDigits[i]] = i
		t["0123456789ABCDEF"[i]] = i
	}
	return t
}()

// DecodeHex decodes exactly len(dst) bytes; false if text is shorter, longer, or not
// hex.
func DecodeHex(dst, text []byte) bool {
	if len(text) != 2*len(dst) {
		return false
	}
	for i := range dst {
		hi, lo := hexValue[text[2*i]], hexValue[text[2*i+1]]
		if hi|lo > 0xf {
			return false
		}
		dst[i] = hi<<4 | lo
	}
	return true
}

// HexUint32 decodes 1 to 8 hex digits, big-endian, as in Stratum's version, nbits,
// ntime, nonce and masks.
func HexUint32(text []byte) (v uint32, ok bool) {
	if len(text) == 0 || len(text) > 8 {
		return 0, false
	}
	for _, c := range text {
		digit := hexValue[c]
		if digit > 0xf {
			return 0, false
		}
		v = v<<4 | uint32(digit)
	}
	return v, true
}

// AppendHex appends b as lower-case hex.
func AppendHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&0xf])
	}
	return dst
}

// AppendHexUint32 appends v as 8 lower-case hex digits.
func AppendHexUint32(dst []byte, v uint32) []byte {
	return append(dst, hexDigits[v>>28], hexDigits[v>>24&0xf], hexDigits[v>>20&0xf], hexDigits[v>>16&0xf],
		hexDigits[v>>12&0xf], hexDigits[v>>8&0xf], hexDigits[v>>4&0xf], hexDigits[v&0xf])
}
