package netloop

import (
	"encoding/binary"
	"errors"
	"unsafe"
)

// layout encodes the fields of an image one after the other, or decodes them, so that
// each image is written down once. Numbers are little-endian. Fields after the end of
// what an older process has written are zero.
type layout struct {
	data    []byte // encoded so far, or not yet decoded
	reading bool
	damaged bool
}

// errDamaged reports an image that no process can have written.
var errDamaged = errors.New("the image of a connection is damaged")

// appendImage appends an image to a record: its length, and its fields.
func appendImage(dst []byte, fields func(*layout)) []byte {
	at := len(dst)
	x := layout{data: append(dst, 0, 0, 0, 0)}
	fields(&x)
	binary.LittleEndian.PutUint32(x.data[at:], uint32(len(x.data)-at-4))
	return x.data
}

// nextImage decodes the next image of a record, and returns the rest of the record.
func nextImage(record []byte, fields func(*layout)) (rest []byte, err error) {
	if len(record) < 4 {
		return nil, errDamaged
	}
	n := binary.LittleEndian.Uint32(record)
	record = record[4:]
	if uint64(n) > uint64(len(record)) {
		return nil, errDamaged
	}
	x := layout{data: record[:n:n], reading: true}
	if fields(&x); x.damaged {
		return nil, errDamaged
	}
	return record[n:], nil
}

func number[T ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int64](x *layout, v *T) {
	size := int(unsafe.Sizeof(*v))
	if !x.reading {
		for i := range size {
			x.data = append(x.data, byte(uint64(*v)>>(8*i)))
		}
		return
	}
	var u uint64
	for i := range min(size, len(x.data)) {
		u |= uint64(x.data[i]) << (8 * i)
	}
	x.data = x.data[min(size, len(x.data)):]
	*v = T(u)
}

func (x *layout) bool(v *bool) {
	var u uint8
	if *v {
		u = 1
	}
	number(x, &u)
	*v = u != 0
}

// count encodes the number of items that follow, or decodes it.
func (x *layout) count(n int) int {
	u := uint32(n)
	number(x, &u)
	if x.reading && uint64(u) > uint64(len(x.data)) { // an item has a byte at least
		x.damaged, u = true, 0
	}
	return int(u)
}

// bytes decodes a part of the record, without a copy.
func (x *layout) bytes(v *[]byte) {
	n := x.count(len(*v))
	if !x.reading {
		x.data = append(x.data, *v...)
		return
	}
	*v, x.data = x.data[:n:n], x.data[n:]
}

func (x *layout) text(v *string) {
	b := []byte(*v)
	x.bytes(&b)
	*v = string(b)
}

// array encodes or decodes bytes of a fixed number.
func (x *layout) array(v []byte) {
	if !x.reading {
		x.data = append(x.data, v...)
		return
	}
	n := copy(v, x.data)
	clear(v[n:])
	x.data = x.data[n:]
}
