package config

import (
	"strings"
	"time"
)

// Hold is a duration, or forever.
type Hold struct {
	Forever  bool
	Duration time.Duration // if not Forever
}

const forever = "forever"

// String returns the form used in the file.
func (h Hold) String() string {
	if h.Forever {
		return forever
	}
	return Short(h.Duration)
}

// Short returns a duration as people write it: 10m, not 10m0s.
func Short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
