package systemd

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed 99-farmproxy.conf
var sysctls string

// Sysctl is a kernel setting that the package ships.
type Sysctl struct {
	Name  string
	Value int64
}

// Sysctls returns the kernel settings that the package ships, in the order of their file.
func Sysctls() (list []Sysctl) {
	for line := range strings.Lines(sysctls) {
		name, value, ok := strings.Cut(line, "=")
		if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); ok && err == nil && !strings.HasPrefix(line, "#") {
			list = append(list, Sysctl{strings.TrimSpace(name), n})
		}
	}
	return list
}
