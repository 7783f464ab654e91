package record

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Machine is where figures were measured: figures from another machine say little.
type Machine struct {
	CPU    string   `json:"cpu"`   // model, from the kernel
	Cores  int      `json:"cores"` // that Go may use
	Flags  []string `json:"flags"` // CPU features that hashing depends on
	Kernel string   `json:"kernel"`
	Go     string   `json:"go"`
	OS     string   `json:"os"`
	Arch   string   `json:"arch"`
	Memory int64    `json:"memory_bytes"`
}

// hashingFlags are the CPU features that determine the cost of a SHA-256.
var hashingFlags = []string{"sha_ni", "sha2", "avx2", "avx512f"}

func thisMachine() Machine {
	m := Machine{Cores: runtime.GOMAXPROCS(0), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Flags: []string{}}
	// Anything unreadable stays empty: no figure depends on it.
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	m.CPU, m.Flags = parseCPUInfo(string(cpuinfo))
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = strings.TrimSpace(string(kernel))
	memory, _ := os.ReadFile("/proc/meminfo")
	if fields := strings.Fields(string(memory)); len(fields) > 1 {
		kB, _ := strconv.ParseInt(fields[1], 10, 64) // MemTotal comes first
		m.Memory = kB << 10
	}
	return m
}

// parseCPUInfo returns the model and which of hashingFlags the CPU has: all of a
// machine's CPUs are alike, so it reads the first.
func parseCPUInfo(text string) (model string, flags []string) {
	flags = []string{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "model name":
			model = strings.TrimSpace(value)
		case "flags", "Features": // x86 and ARM
			for _, flag := range strings.Fields(value) {
				if slices.Contains(hashingFlags, flag) {
					flags = append(flags, flag)
				}
			}
		case "":
			return model, flags
		}
	}
	return model, flags
}

// String describes the machine on one line.
func (m Machine) String() string {
	s := m.CPU
	if s == "" {
		s = m.Arch
	}
	s += ", " + strconv.Itoa(m.Cores) + " cores"
	if len(m.Flags) > 0 {
		s += " (" + strings.Join(m.Flags, ", ") + ")"
	}
	return s + ", " + m.OS + " " + m.Kernel + ", " + m.Go
}
