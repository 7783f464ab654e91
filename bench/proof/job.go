package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// WorkKey identifies the work of a job, whatever its id, whatever a proxy folded into
// the coinbase around the extranonce, and however often a proxy resent it with a later
// time: a job of the pool and the same job as it reaches a miner behind a proxy have
// the same key.
type WorkKey [8]byte

// Job is one mining.notify of a Pool. Immutable.
type Job struct {
	ID      string
	Params  string // of the notify: JSON, as sent
	Clean   bool
	Key     WorkKey
	Emitted time.Time

	ShortID        string   // the id for agents, "0" to "255"
	PrevHash       [32]byte // in header order
	Coinb1, Coinb2 []byte
	Branches       [][]byte
	Version        uint32
	NBits          uint32
	NTime          uint32
}

// NewJob parses the params of a notify; they stay as they are unless they span several
// lines.
func NewJob(params string) (*Job, error) {
	if strings.Contains(params, "\n") {
		var one bytes.Buffer
		if err := json.Compact(&one, []byte(params)); err != nil {
			return nil, fmt.Errorf("notify params: %w", err)
		}
		params = one.String()
	}
	var p []json.RawMessage
	if err := json.Unmarshal([]byte(params), &p); err != nil {
		return nil, fmt.Errorf("notify params: %w", err)
	}
	if len(p) < 9 {
		return nil, fmt.Errorf("notify params: want 9, got %d", len(p))
	}
	var prevhash, coinb1, coinb2, version, nbits, ntime string
	var branches []string
	j := &Job{Params: params}
	for i, into := range []any{&j.ID, &prevhash, &coinb1, &coinb2, &branches, &version, &nbits, &ntime, &j.Clean} {
		if err := json.Unmarshal(p[i], into); err != nil {
			return nil, fmt.Errorf("notify params[%d]: %w", i, err)
		}
	}
	j.Key = KeyOf(prevhash, coinb2, branches, version, nbits)

	words, err := hex.DecodeString(prevhash)
	if err != nil || len(words) != 32 {
		return nil, fmt.Errorf("notify prevhash: want 64 hex digits, got %q", prevhash)
	}
	for i := 0; i < 32; i += 4 { // each word comes byte-swapped
		binary.LittleEndian.PutUint32(j.PrevHash[i:], binary.BigEndian.Uint32(words[i:]))
	}
	if j.Coinb1, err = hex.DecodeString(coinb1); err != nil {
		return nil, fmt.Errorf("notify coinb1: %w", err)
	}
	if j.Coinb2, err = hex.DecodeString(coinb2); err != nil {
		return nil, fmt.Errorf("notify coinb2: %w", err)
	}
	for _, b := range branches {
		raw, err := hex.DecodeString(b)
		if err != nil || len(raw) != 32 {
			return nil, fmt.Errorf("notify branch: want 64 hex digits, got %q", b)
		}
		j.Branches = append(j.Branches, raw)
	}
	for _, w := range []struct {
		text string
		into *uint32
	}{{version, &j.Version}, {nbits, &j.NBits}, {ntime, &j.NTime}} {
		if *w.into, err = ParseWord(w.text); err != nil {
			return nil, fmt.Errorf("notify: %w", err)
		}
	}
	return j, nil
}

// KeyOf returns the key of the job with these params, as spelled in a notification.
func KeyOf(prevhash, coinb2 string, branches []string, version, nbits string) (key WorkKey) {
	ending := coinb2[max(0, len(coinb2)-64):] // the outputs: no proxy changes them
	sum := sha256.New()
	fmt.Fprint(sum, prevhash, ending, branches, version, nbits)
	copy(key[:], sum.Sum(nil))
	return key
}

// ParseWord parses the 8 hex digits of a big-endian u32.
func ParseWord(text string) (uint32, error) {
	w, err := strconv.ParseUint(text, 16, 32)
	if err != nil || len(text) != 8 {
		return 0, fmt.Errorf("want 8 hex digits, got %q", text)
	}
	return uint32(w), nil
}

// Template makes jobs.
type Template struct {
	rnd      *rand.Rand
	name     string
	branches int
	serial   int      // of the last job
	height   uint32   // of the block that is mined
	prevhash [32]byte // as sent, in swapped words
}

// NewTemplate returns a template whose jobs no other seed makes.
func NewTemplate(seed uint64, name string, branches int) *Template {
	return &Template{rnd: rand.New(rand.NewPCG(seed, 2)), name: name, branches: branches, height: 840_000}
}

// Params returns the params of a new notify. A clean one has a new prevhash and height,
// as after a block; extranonceSize is the size of both extranonces together.
func (t *Template) Params(clean bool, extranonceSize int, now time.Time) string {
	t.serial++
	if clean {
		t.height++
		fill(t.rnd, t.prevhash[:24]) // a real hash ends in zeros: here the last two words
	}
	branches := make([]string, t.branches)
	for i := range branches {
		var b [32]byte
		fill(t.rnd, b[:])
		branches[i] = hex.EncodeToString(b[:])
	}
	coinb1, coinb2 := t.coinbase(extranonceSize, now)
	const version, nbits = "20000000", "170371b1" // mainnet's in 2024: no CPU will ever solve a block
	p, err := json.Marshal([]any{
		fmt.Sprintf("%06x", t.serial), hex.EncodeToString(t.prevhash[:]),
		hex.EncodeToString(coinb1), hex.EncodeToString(coinb2), branches,
		version, nbits, fmt.Sprintf("%08x", uint32(now.Unix())), clean,
	})
	if err != nil {
		panic(err) // strings and a bool only
	}
	return string(p)
}

// coinbase returns a coinbase transaction (non-witness serialization) of a typical
// size, about 270 bytes, split around the extranonce.
func (t *Template) coinbase(extranonceSize int, now time.Time) (coinb1, coinb2 []byte) {
	head := binary.LittleEndian.AppendUint32([]byte{0x03}, t.height)[:4]
	head = binary.LittleEndian.AppendUint32(append(head, 0x04), uint32(now.Unix()))
	head = binary.LittleEndian.AppendUint32(append(head, 0x04), uint32(t.serial))
	tail := []byte("/" + t.name + "/")
	tail = tail[:min(len(tail), 40)] // the script must stay within 100 bytes

	coinb1 = append(coinb1, 2, 0, 0, 0, 1)
	coinb1 = append(coinb1, make([]byte, 32)...)
	coinb1 = append(coinb1, 0xff, 0xff, 0xff, 0xff, byte(len(head)+extranonceSize+len(tail)))
	coinb1 = append(coinb1, head...)

	coinb2 = append(tail, 0xff, 0xff, 0xff, 0xff, 4)
	for _, value := range []uint64{312_500_000, 1_250_000, 625_000} {
		coinb2 = binary.LittleEndian.AppendUint64(coinb2, value)
		coinb2 = append(coinb2, 22, 0x00, 20) // P2WPKH
		coinb2 = append(coinb2, make([]byte, 20)...)
		fill(t.rnd, coinb2[len(coinb2)-20:])
	}
	coinb2 = append(coinb2, make([]byte, 8)...)
	coinb2 = append(coinb2, 38, 0x6a, 36, 0xaa, 0x21, 0xa9, 0xed) // witness commitment
	coinb2 = append(coinb2, make([]byte, 32)...)
	fill(t.rnd, coinb2[len(coinb2)-32:])
	return coinb1, append(coinb2, 0, 0, 0, 0)
}

func fill(rnd *rand.Rand, b []byte) {
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
}
