package mine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"farmproxy/bench/proof"
)

// Job is a mining.notify as miners use it. It is immutable, and shared by all miners
// that got the same bytes.
type Job struct {
	Line     []byte // as received
	ID       string // JSON, as received
	Clean    bool
	prevhash [32]byte // in header order
	coinb1   []byte
	coinb2   []byte
	branches []byte // 32 bytes each
	version  uint32
	NBits    uint32
	NTime    uint32
}

// ReadJob reads a notify line.
func ReadJob(line []byte) (*Job, proof.WorkKey, error) {
	var m struct{ Params []json.RawMessage }
	var key proof.WorkKey
	if err := json.Unmarshal(line, &m); err != nil {
		return nil, key, fmt.Errorf("notify: %w", err)
	}
	if len(m.Params) < 9 {
		return nil, key, fmt.Errorf("notify: want 9 params, got %d", len(m.Params))
	}
	var text [9]string
	for _, i := range []int{1, 2, 3, 5, 6, 7} {
		if err := json.Unmarshal(m.Params[i], &text[i]); err != nil {
			return nil, key, fmt.Errorf("notify params[%d]: %w", i, err)
		}
	}
	var branches []string
	if err := json.Unmarshal(m.Params[4], &branches); err != nil {
		return nil, key, fmt.Errorf("notify params[4]: %w", err)
	}
	j := &Job{
		Line:  bytes.Clone(line),
		ID:    string(m.Params[0]),
		Clean: string(bytes.TrimSpace(m.Params[8])) == "true",
	}
	key = proof.KeyOf(text[1], text[3], branches, text[5], text[6])

	var fixed [3][4]byte
	for i, into := range [][]byte{fixed[0][:], fixed[1][:], fixed[2][:]} {
		if n, err := hex.Decode(into, []byte(text[5+i])[:min(8, len(text[5+i]))]); err != nil || n != 4 {
			return nil, key, fmt.Errorf("notify params[%d]: want 8 hex digits, got %q", 5+i, text[5+i])
		}
	}
	j.version = binary.BigEndian.Uint32(fixed[0][:])
	j.NBits = binary.BigEndian.Uint32(fixed[1][:])
	j.NTime = binary.BigEndian.Uint32(fixed[2][:])

	prevhash, err := hex.DecodeString(text[1])
	if err != nil || len(prevhash) != 32 {
		return nil, key, fmt.Errorf("notify params[1]: want 64 hex digits, got %q", text[1])
	}
	for i := range prevhash {
		j.prevhash[i] = prevhash[i^3] // byte-swapped within each word
	}
	if j.coinb1, err = hex.DecodeString(text[2]); err != nil {
		return nil, key, fmt.Errorf("notify params[2]: %w", err)
	}
	if j.coinb2, err = hex.DecodeString(text[3]); err != nil {
		return nil, key, fmt.Errorf("notify params[3]: %w", err)
	}
	for _, b := range branches {
		if j.branches, err = hex.AppendDecode(j.branches, []byte(b)); err != nil || len(j.branches)%32 != 0 {
			return nil, key, fmt.Errorf("notify params[4]: want 64 hex digits each, got %q", b)
		}
	}
	return j, key, nil
}

// Search increments a.nonce until the header's hash meets the limit. It returns false
// if that takes so long that the fleet could not keep any rate.
func (j *Job) Search(algorithm *proof.Algorithm, a *Attempt, limit *Limit) (proof.Hash, bool) {
	coinbase := make([]byte, 0, 1024)
	coinbase = append(coinbase, j.coinb1...)
	coinbase = append(coinbase, a.Extranonce1...)
	coinbase = append(coinbase, a.Extranonce2...)
	coinbase = append(coinbase, j.coinb2...)
	once := sha256.Sum256(coinbase)
	var pair [64]byte
	root := sha256.Sum256(once[:])
	for i := 0; i < len(j.branches); i += 32 {
		copy(pair[:], root[:])
		copy(pair[32:], j.branches[i:i+32])
		once = sha256.Sum256(pair[:])
		root = sha256.Sum256(once[:])
	}
	h := a.header[:]
	binary.LittleEndian.PutUint32(h[0:], j.version&^a.Mask|a.Bits&a.Mask)
	copy(h[4:], j.prevhash[:])
	copy(h[36:], root[:])
	binary.LittleEndian.PutUint32(h[68:], a.NTime)
	binary.LittleEndian.PutUint32(h[72:], j.NBits)
	for range algorithm.Tries {
		binary.LittleEndian.PutUint32(h[76:], a.Nonce)
		hash := algorithm.Hash(h)
		if limit.met(hash) {
			return hash, true
		}
		a.Nonce++
	}
	return proof.Hash{}, false
}
