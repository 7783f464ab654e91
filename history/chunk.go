package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// blockSize is how many series share a chunk. With fewer, an hour of a farm would be
// more rows than SQLite writes in passing; with more, one worker's week would be more
// bytes than one wants to read for it.
const blockSize = 64

// chunkVersion is the first byte of a chunk.
const chunkVersion = 1

// maxChunk bounds what a chunk may unfold to, in bytes: the largest has 64 series of 60
// steps and 5 columns.
const maxChunk = 1 << 18

// chunk is some steps of the series of one block: samples by series, then step.
type chunk struct {
	steps   int
	samples []Sample
}

func newChunk(steps int) *chunk {
	return &chunk{steps, make([]Sample, blockSize*steps)}
}

// at returns a series' sample of a step.
func (c *chunk) at(series, step int) *Sample { return &c.samples[series*c.steps+step] }

// sum returns what a series did in all steps.
func (c *chunk) sum(series int) (s Sample) {
	for step := range c.steps {
		s.Add(*c.at(series, step))
	}
	return s
}

// Compressors take a megabyte and are needed for a moment in a minute, so the garbage
// collector takes them in between.
var (
	compressors = sync.Pool{New: func() any {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<16), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // the options are constants, and valid
		}
		return z
	}}
	decompressors = sync.Pool{New: func() any {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxChunk), zstd.WithDecoderLowmem(true))
		if err != nil {
			panic(err) // the same
		}
		return z
	}}
)

// encode returns the chunk as bytes: the version, the number of steps, and compressed
// columns. Integers are varints; work is a float32, which is right within 10^-7.
func (c *chunk) encode() []byte {
	plain := make([]byte, 0, len(c.samples)*8)
	for i := range c.samples {
		plain = binary.LittleEndian.AppendUint32(plain, math.Float32bits(float32(c.samples[i].Work)))
	}
	for _, column := range integers {
		for i := range c.samples {
			plain = binary.AppendUvarint(plain, *column(&c.samples[i]))
		}
	}
	z := compressors.Get().(*zstd.Encoder)
	defer compressors.Put(z)
	return z.EncodeAll(plain, []byte{chunkVersion, byte(c.steps)})
}

// integers are the columns that are not work, in their order.
var integers = [...]func(*Sample) *uint64{
	func(s *Sample) *uint64 { return &s.Accepted },
	func(s *Sample) *uint64 { return &s.Rejected },
	func(s *Sample) *uint64 { return &s.Up },
	func(s *Sample) *uint64 { return &s.Seconds },
}

var errChunk = errors.New("a chunk is damaged")

// decode returns the chunk that encode made bytes of.
func decode(b []byte, steps int) (*chunk, error) {
	if len(b) < 2 || b[0] != chunkVersion || int(b[1]) != steps {
		return nil, errChunk
	}
	z := decompressors.Get().(*zstd.Decoder)
	plain, err := z.DecodeAll(b[2:], nil)
	decompressors.Put(z)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errChunk, err)
	}
	c := newChunk(steps)
	if len(plain) < 4*len(c.samples) {
		return nil, errChunk
	}
	for i := range c.samples {
		w := float64(math.Float32frombits(binary.LittleEndian.Uint32(plain)))
		if math.IsNaN(w) || math.IsInf(w, 0) || w < 0 {
			return nil, errChunk
		}
		c.samples[i].Work, plain = w, plain[4:]
	}
	for _, column := range integers {
		for i := range c.samples {
			v, n := binary.Uvarint(plain)
			if n <= 0 {
				return nil, errChunk
			}
			*column(&c.samples[i]), plain = v, plain[n:]
		}
	}
	if len(plain) > 0 {
		return nil, errChunk
	}
	return c, nil
}
