package work

import "encoding/binary"

// HeaderSize is the size of a block header, in bytes.
const HeaderSize = 80

// Checker builds headers and hashes them. It reuses its memory between calls: each
// goroutine that checks shares needs its own.
type Checker struct {
	drafts [2]draft
}

// draft is a header being built.
type draft struct {
	coinbase []byte // padded for SHA-256 if hasSHA
	root     [32]byte
	header   []byte // likewise
}

// Hash returns the hash of the header that s makes of j, in the header's byte order:
// with j's algorithm, or sha256d if that can't be computed here.
func (c *Checker) Hash(j *Job, s *Solution) [32]byte {
	hash, _ := c.Hash2(j, j, s, s)
	return hash
}

// Hash2 is Hash for two solutions, in little more time than one.
func (c *Checker) Hash2(j, j2 *Job, s, s2 *Solution) (hash, hash2 [32]byte) {
	a, b := c.headers(j, j2, s, s2)
	if hasSHA && j.Algorithm.isSHA256d() && j2.Algorithm.isSHA256d() {
		sha256dPadded(&hash, &hash2, a.header, b.header)
		return hash, hash2
	}
	return j.Algorithm.hash(a.header[:HeaderSize]), j2.Algorithm.hash(b.header[:HeaderSize])
}

// Header returns the header that s makes of j. It is valid until the next call.
func (c *Checker) Header(j *Job, s *Solution) *[HeaderSize]byte {
	d, _ := c.headers(j, j, s, s)
	return (*[HeaderSize]byte)(d.header)
}

// headers builds the headers of two solutions.
func (c *Checker) headers(j, j2 *Job, s, s2 *Solution) (a, b *draft) {
	a, b = &c.drafts[0], &c.drafts[1]
	a.write(j, s)
	b.write(j2, s2)
	if hasSHA {
		sha256dPadded(&a.root, &b.root, a.coinbase, b.coinbase)
		foldPaths(&a.root, &b.root, j.Branches, j2.Branches)
	} else {
		a.root, b.root = sha256d(a.coinbase), sha256d(b.coinbase)
		foldPath(&a.root, j.Branches)
		foldPath(&b.root, j2.Branches)
	}
	a.finish(j, s)
	b.finish(j2, s2)
	return a, b
}

// write starts with the coinbase.
func (d *draft) write(j *Job, s *Solution) {
	d.coinbase = s.appendCoinbase(d.coinbase[:0], j)
	if hasSHA {
		d.coinbase = appendPadding(d.coinbase)
	}
}

// appendCoinbase appends the coinbase that s makes of j.
func (s *Solution) appendCoinbase(dst []byte, j *Job) []byte {
	dst = append(dst, j.head...)
	dst = s.appendOwn(dst, j.Layout)
	return append(dst, j.Coinb2...)
}

// finish builds the header from the merkle root.
func (d *draft) finish(j *Job, s *Solution) {
	h := binary.LittleEndian.AppendUint32(d.header[:0], s.Version)
	h = append(h, j.PrevHash[:]...)
	h = append(h, d.root[:]...)
	h = binary.LittleEndian.AppendUint32(h, s.NTime)
	h = binary.LittleEndian.AppendUint32(h, j.NBits)
	h = binary.LittleEndian.AppendUint32(h, s.Nonce)
	if hasSHA {
		h = appendPadding(h)
	}
	d.header = h
}
