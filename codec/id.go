package codec

import "strconv"

// ID is a request's id, to be echoed exactly as it came: a number, a string, or null.
// It is a value, so that it can travel with a share to the pool's link and back. The
// zero ID is null.
type ID struct {
	n    uint8
	text [MaxID]byte
}

// MakeID makes an ID of raw. If raw can't be echoed safely, because it is an object,
// an array, a boolean, or longer than MaxID bytes, ok is false and the ID null.
func MakeID(raw Raw) (id ID, ok bool) {
	if raw.IsNull() {
		return ID{}, true
	}
	if len(raw) > MaxID || raw[0] != '"' && raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return ID{}, false
	}
	id.n = uint8(copy(id.text[:], raw))
	return id, true
}

// NumberID returns the id with the value n, for protocols that have some other number
// in place of an id.
func NumberID(n uint32) (id ID) {
	id.n = uint8(len(strconv.AppendUint(id.text[:0], uint64(n), 10)))
	return id
}

// Number returns the n given to NumberID.
func (id *ID) Number() (n uint32) {
	for _, digit := range id.text[:id.n] {
		n = n*10 + uint32(digit-'0')
	}
	return n
}

// Append appends the id as JSON.
func (id *ID) Append(dst []byte) []byte {
	if id.n == 0 {
		return append(dst, "null"...)
	}
	return append(dst, id.text[:id.n]...)
}
