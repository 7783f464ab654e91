package systemd

import (
	"os"
	"strings"
	"testing"
)

// Each setting of the file is read: its lines that are neither empty nor comments.
func TestSysctls(t *testing.T) {
	text, err := os.ReadFile("99-farmproxy.conf")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines++
		}
	}
	list := Sysctls()
	if len(list) != lines || list[0] != (Sysctl{"net.core.somaxconn", 65535}) {
		t.Errorf("%d of %d settings: %v", len(list), lines, list)
	}
}
