// Package farmproxy knows the version of this source. Everything else is in the packages
// below.
package farmproxy

import (
	_ "embed"
	"strings"
)

//go:embed VERSION
var version string

// Version is what the file VERSION says: the one place to change it.
var Version = strings.TrimSpace(version)
