package bench

import (
	"bufio"
	"errors"
	"io"
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

// readLines calls do for each line until in ends.
func readLines(in io.Reader, do func(line string)) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, linkLine)
	for lines.Scan() {
		do(lines.Text())
	}
}
