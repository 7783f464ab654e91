package wire

import (
	"bufio"
	"errors"
	"io"
)

// MaxLine is how many bytes of a line anybody takes: no firmware takes more, and a
// client that carries others sends no longer ones.
const MaxLine = 64 << 10

var errLineTooLong = errors.New("line too long")

// ReadLine reads one line with its newline, of at most limit bytes. It is valid
// until the next read and copies nothing when it fits the reader's buffer.
func ReadLine(in *bufio.Reader, limit int) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return line, err
	}
	long := append([]byte(nil), line...)
	for len(long) < limit {
		line, err = in.ReadSlice('\n')
		long = append(long, line...)
		if err != bufio.ErrBufferFull {
			return long, err
		}
	}
	return nil, errLineTooLong
}

// ReadLines calls do for each line until in ends.
func ReadLines(in io.Reader, do func(line string)) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, MaxLine)
	for lines.Scan() {
		do(lines.Text())
	}
}
