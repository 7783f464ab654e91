package proxy

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// text is the part of the loaded program that nobody writes: code, constants, and the
// tables in which the collector looks up stacks.
type text []pages

// pages are from an address to another one.
type pages struct{ from, to uintptr }

// loadedText returns the text of this process, if it may be forgotten.
//
// Only static, non-PIE builds (make build) may: relocated pages are read-only too, but
// differ from the file, so a PIE or cgo binary is left alone.
func loadedText() text {
	if !asInFile() {
		return nil
	}
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil
	}
	defer maps.Close()
	return textIn(maps, exe)
}

// textIn returns the text of a program, from what the kernel says is mapped.
func textIn(maps io.Reader, exe string) (t text) {
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var at pages
		var allowed string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &at.from, &at.to, &allowed); err != nil {
			continue
		}
		if strings.HasSuffix(lines.Text(), " "+exe) && !strings.Contains(allowed, "w") {
			t = append(t, at)
		}
	}
	return t
}

// forget drops the text from resident memory. It stays in the page cache, and what is
// needed again is mapped again, 64 kB at a time.
func (t text) forget() {
	for _, at := range t {
		// On an error nothing changes.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, at.from, at.to-at.from, unix.MADV_DONTNEED)
	}
}

// asInFile reports whether the loaded program has no relocations.
func asInFile() bool {
	info, ok := debug.ReadBuildInfo()
	built := func(key, value string) bool {
		return slices.Contains(info.Settings, debug.BuildSetting{Key: key, Value: value})
	}
	return ok && built("-buildmode", "exe") && built("CGO_ENABLED", "0")
}
