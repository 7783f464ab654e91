package work

// Solution is what a miner found: everything that, together with the job, makes the
// header. It is a plain value of 32 bytes, which travels from the miner's line through
// queues to the pool's: whatever other chains need is behind Proof, and costs
// Bitcoin's shares nothing.
type Solution struct {
	Proof       *Proof // what an 80-byte header does not have; nil: nothing
	Version     uint32 // final, with version bits applied
	NTime       uint32
	Nonce       uint32
	Prefix      uint16 // the miner's extranonce1, big-endian in Layout.Prefix bytes
	Size        uint8  // of Extranonce2, in bytes
	Extranonce2 [MaxExtranonce2]byte
}

// Proof is what solutions of other chains have instead of, or beyond, an 80-byte
// header. It is immutable once it is in a solution: copies share it.
type Proof struct {
	Nonce    []byte // instead of Solution.Nonce: Zcash's 32 bytes, Ethereum's 8
	Equihash []byte // Zcash's solution, 1,344 bytes
	Mix      []byte // Ethash's digest, 32 bytes
}

// SetExtranonce2 copies up to MaxExtranonce2 bytes of a miner's extranonce2.
func (s *Solution) SetExtranonce2(b ...byte) { s.Size = uint8(copy(s.Extranonce2[:], b)) }

// appendOwn appends the miner's own part of the coinbase: its prefix, its extranonce2,
// and zeros to fill the layout's room.
func (s *Solution) appendOwn(dst []byte, l Layout) []byte {
	if l.Prefix == 2 {
		dst = append(dst, byte(s.Prefix>>8))
	}
	dst = append(append(dst, byte(s.Prefix)), s.Extranonce2[:s.Size]...)
	for range l.Room - int(s.Size) {
		dst = append(dst, 0)
	}
	return dst
}

// RollVersion returns the version of a header: the job's with the miner's bits
// inside the mask (BIP 310: masked replace).
func RollVersion(job, mask, bits uint32) uint32 {
	return job&^mask | bits&mask
}
