package work

import "encoding/binary"

// HeaderSize is the size of a block header, in bytes.
const HeaderSize = 80

// Solution is what a miner found: everything that, with the job, makes the
// header. The slices are only read during a call.
type Solution struct {
	Prefix      []byte // the miner's extranonce1
	Extranonce2 []byte
	Version     uint32 // the final one, version bits applied
	NTime       uint32
	Nonce       uint32
}

// Checker builds headers and hashes them. It keeps the memory that it needs
// between calls: one for each goroutine that checks shares.
type Checker struct {
	coinbase []byte
	header   [HeaderSize]byte
	pair     [64]byte
}

// Hash returns the sha256d of the header that s makes of j, in the header's
// byte order.
func (c *Checker) Hash(j *Job, s *Solution) [32]byte {
	header := c.Header(j, s)
	return sha256d(header[:])
}

// Header returns the header that s makes of j. It is valid until the next call.
func (c *Checker) Header(j *Job, s *Solution) *[HeaderSize]byte {
	b := append(c.coinbase[:0], j.head...)
	b = append(append(b, s.Prefix...), s.Extranonce2...)
	for range j.Layout.Room - len(s.Extranonce2) {
		b = append(b, 0)
	}
	b = append(b, j.Coinb2...)
	c.coinbase = b

	root := sha256d(b)
	for i := range j.Branches {
		copy(c.pair[:32], root[:])
		copy(c.pair[32:], j.Branches[i][:])
		root = sha256d(c.pair[:])
	}

	h := &c.header
	binary.LittleEndian.PutUint32(h[0:], s.Version)
	copy(h[4:36], j.PrevHash[:])
	copy(h[36:68], root[:])
	binary.LittleEndian.PutUint32(h[68:], s.NTime)
	binary.LittleEndian.PutUint32(h[72:], j.NBits)
	binary.LittleEndian.PutUint32(h[76:], s.Nonce)
	return h
}

// RollVersion returns the version of a header: the job's with the miner's bits
// inside the mask (BIP 310: masked replace).
func RollVersion(job, mask, bits uint32) uint32 {
	return job&^mask | bits&mask
}
