package bench

import (
	"bufio"
	"errors"
)

var errLineTooLong = errors.New("line too long")

// readLine reads one line with its newline, of at most limit bytes. It is valid
// until the next read and copies nothing when it fits the reader's buffer.
func readLine(in *bufio.Reader, limit int) ([]byte, error) {
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
