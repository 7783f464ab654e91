package descriptors

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// RaiseLimit raises RLIMIT_NOFILE to its hard limit and returns it.
func RaiseLimit() (limit uint64, err error) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, fmt.Errorf("reading RLIMIT_NOFILE: %w", err)
	}
	r.Cur = r.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, fmt.Errorf("raising RLIMIT_NOFILE to its hard limit %d: %w", r.Max, err)
	}
	return r.Cur, nil
}

// CountOpen returns how many descriptors the process has open.
func CountOpen() (int, error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	return len(names) - 1, err // dir is one of them
}
