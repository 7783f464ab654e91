package wire

import (
	"bufio"
	"errors"
	"io"
)

// MaxLine is the longest line that anyone accepts, in bytes: no firmware takes more,
// and a client that passes lines on sends none longer.
const MaxLine = 64 << 10

var errLineTooLong = errors.New("line too long")

// ReadLine reads one line with its newline, of at most limit bytes. It is valid until
// the next read; nothing is copied if it fits the reader's buffer.
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
