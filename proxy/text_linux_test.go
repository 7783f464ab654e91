package proxy

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestTextIn(t *testing.T) {
	const maps = `00400000-011cd000 r-xp 00000000 fe:00 1234  /usr/bin/farmproxy
011cd000-01fb3000 r--p 00dcd000 fe:00 1234  /usr/bin/farmproxy
01fb3000-021ec000 rw-p 01bb3000 fe:00 1234  /usr/bin/farmproxy
021ec000-044a6000 rw-p 00000000 00:00 0
7f00000000-7f00001000 r--p 00000000 fe:00 77  /srv/usr/bin/farmproxy
7f68400000-7f6843c000 r-xp 00000000 00:00 0
7ffd600000-7ffd602000 r-xp 00000000 00:00 0  [vdso]
`
	want := text{{0x400000, 0x11cd000}, {0x11cd000, 0x1fb3000}}
	if got := textIn(strings.NewReader(maps), "/usr/bin/farmproxy"); !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// What was forgotten is not resident, and the same when it is read again.
func TestForget(t *testing.T) {
	const size = 1 << 20
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte(strings.Repeat("code ", size/5+1))[:size], 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	mapped, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mapped)

	before := strings.Count(string(mapped), "code")
	if rss := residentOf(t, path); rss != size {
		t.Fatalf("%d bytes resident once all were read, want %d", rss, size)
	}
	from := uintptr(unsafe.Pointer(&mapped[0]))
	text{{from, from + size}}.forget()
	if rss := residentOf(t, path); rss != 0 {
		t.Errorf("%d bytes resident once they were forgotten", rss)
	}
	if after := strings.Count(string(mapped), "code"); after != before {
		t.Errorf("%d words once they were forgotten, %d before", after, before)
	}
}

// A running program does not keep what it once looked at.
func TestTextIsForgottenAfterACollection(t *testing.T) {
	program := loadedText()
	if len(program) == 0 {
		t.Skip("only static programs forget their text: run with CGO_ENABLED=0")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range program {
		if _, _, err := unix.Syscall(unix.SYS_MADVISE, at.from, at.to-at.from, unix.MADV_POPULATE_READ); err != 0 {
			t.Skipf("this kernel maps nothing on demand: %v", err)
		}
	}
	before := residentOf(t, exe)
	forgetText(t.Context())
	giveUp := time.After(time.Minute)
	for {
		select {
		case <-time.After(2 * forgetAfter): // the look itself leaves garbage
		case <-giveUp:
			t.Fatalf("%d bytes of %d are still resident", residentOf(t, exe), before)
		}
		if residentOf(t, exe) < before/2 {
			return
		}
	}
}

// residentOf returns how many bytes of a file's mappings are resident in this process.
func residentOf(t *testing.T, file string) (bytes int) {
	t.Helper()
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer smaps.Close()
	ours := false
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		line := lines.Text()
		if before, _, _ := strings.Cut(line, " "); strings.Contains(before, "-") {
			ours = strings.HasSuffix(line, " "+file)
		}
		var kB int
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &kB); err == nil && ours {
			bytes += kB << 10
		}
	}
	return bytes
}
