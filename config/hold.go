package config

import "time"

// Hold is a duration, or forever.
type Hold struct {
	Forever  bool
	Duration time.Duration // when not Forever
}

const forever = "forever"

// String is the form that the file has.
func (h Hold) String() string {
	if h.Forever {
		return forever
	}
	return h.Duration.String()
}
