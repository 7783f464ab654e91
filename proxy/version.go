package proxy

import (
	"runtime"
	"runtime/debug"

	"farmproxy"
)

// Set by the Makefile (-ldflags -X farmproxy/proxy.commit=…): the commit that was built,
// and its date in RFC 3339.
var commit, date string

// Version returns the version of this binary.
func Version() string { return farmproxy.Version }

// Build is where a binary comes from.
type Build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`   // "unknown" if the build did not say
	Date     string `json:"date"`     // the commit's, in RFC 3339
	Go       string `json:"go"`       // the compiler's version
	Platform string `json:"platform"` // linux/amd64
}

// ThisBuild returns what this binary is. What the Makefile did not set is what go build
// recorded.
func ThisBuild() Build {
	b := Build{Version(), commit, date, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok && b.Commit == "" {
		changed := ""
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value[:min(len(s.Value), 12)]
			case "vcs.time":
				b.Date = s.Value
			case "vcs.modified":
				if s.Value == "true" {
					changed = "-dirty"
				}
			}
		}
		if b.Commit != "" {
			b.Commit += changed
		}
	}
	if b.Commit == "" {
		b.Commit = "unknown"
	}
	if b.Date == "" {
		b.Date = "unknown"
	}
	return b
}
