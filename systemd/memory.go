package systemd

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// MemoryMax returns how much memory the service may use, in bytes: MemoryMax= of its
// unit or of a slice around it, or a container's limit; false if there is no readable
// limit. Any goroutine may call it; it reads files.
func MemoryMax() (bytes int64, bounded bool) { return memoryMax(os.DirFS("/")) }

// memoryMax walks from the process's control group (cgroup v2: the line with 0::) up to
// the root: the groups around a group limit it too.
func memoryMax(root fs.FS) (least int64, bounded bool) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(groups)) {
		group, ours := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ours {
			continue
		}
		for group = path.Join("/", group); ; group = path.Dir(group) {
			text, err := fs.ReadFile(root, path.Join("sys/fs/cgroup", group, "memory.max"))
			n, numeric := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			if err == nil && numeric == nil && (!bounded || n < least) { // "max" means no limit
				least, bounded = n, true
			}
			if group == "/" {
				break
			}
		}
	}
	return least, bounded
}
