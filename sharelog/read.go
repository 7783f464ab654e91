package sharelog

import (
	"os"

	"github.com/klauspost/compress/zstd"
)

// ReadFile returns the lines of a segment. One that is still written has those that were
// written so far.
func ReadFile(path string) ([]byte, error) {
	packed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.DecodeAll(packed, nil)
}
