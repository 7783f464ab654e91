package stand

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"unsafe"
)

// Starve lets the child open n more file descriptors, and no others, until relieve is
// called.
func (c *Child) Starve(n int) (relieve func() error, err error) {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.PID()))
	if err != nil {
		return nil, fmt.Errorf("%s: open files: %w", c.Name, err)
	}
	open := make(map[string]bool, len(files))
	for _, f := range files {
		open[f.Name()] = true
	}
	limit := uint64(0) // the kernel's limit is one of numbers, and the lowest are given first
	for ; n > 0 || open[strconv.FormatUint(limit, 10)]; limit++ {
		if !open[strconv.FormatUint(limit, 10)] {
			n--
		}
	}
	var before syscall.Rlimit
	if err := c.limitFiles(nil, &before); err != nil {
		return nil, err
	}
	if err := c.limitFiles(&syscall.Rlimit{Cur: limit, Max: before.Max}, nil); err != nil {
		return nil, err
	}
	return func() error { return c.limitFiles(&before, nil) }, nil
}

// limitFiles sets and reads the limit of open files of the running child.
func (c *Child) limitFiles(set, get *syscall.Rlimit) error {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(c.PID()), syscall.RLIMIT_NOFILE,
		uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(get)), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("prlimit", errno)
	}
	return nil
}

// diskSize is the size of a small disk: enough for the proxy's state, and soon full.
const diskSize = "size=256k"

// mount puts a small disk in the place of a directory. Only root may.
func (s *Stand) mount(dir string) {
	s.noDisk = os.NewSyscallError("mount", syscall.Mount("tmpfs", dir, "tmpfs", 0, diskSize))
	if s.noDisk == nil {
		s.disk = dir
	}
}

func (s *Stand) unmount() error {
	if s.disk == "" {
		return nil
	}
	dir := s.disk
	s.disk = ""
	return os.NewSyscallError("umount", syscall.Unmount(dir, syscall.MNT_DETACH))
}

// FillDisk fills the disk with the child's state, until free is called. It fails if the
// state has no disk of its own.
func (s *Stand) FillDisk() (free func() error, err error) {
	if s.disk == "" {
		return nil, fmt.Errorf("the state has no disk of its own: %w", s.noDisk)
	}
	name := filepath.Join(s.disk, "fill")
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for page := make([]byte, os.Getpagesize()); err == nil; {
		_, err = file.Write(page)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return nil, err
	}
	return func() error { return os.Remove(name) }, nil
}
