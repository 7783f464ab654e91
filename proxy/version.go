package proxy

import "runtime/debug"

// version is set by the Makefile (-ldflags -X farmproxy/proxy.version=…).
var version = ""

// Version returns the version of this binary, or the commit that go build recorded.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
