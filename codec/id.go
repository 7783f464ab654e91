package codec

// ID is a request's id, kept to be echoed exactly as it came: a number, a
// string, or null. It is a value, so that it can travel with a share to the
// pool's link and back. The zero ID is null.
type ID struct {
	n    uint8
	text [MaxID]byte
}

// MakeID keeps raw. ok is false, and the ID null, for what can't be echoed
// safely: an object, an array, a boolean, or more than MaxID bytes.
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

// Append appends the id as JSON.
func (id *ID) Append(dst []byte) []byte {
	if id.n == 0 {
		return append(dst, "null"...)
	}
	return append(dst, id.text[:id.n]...)
}
