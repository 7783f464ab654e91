package fleet

import (
	"fmt"
	"strings"
)

// Names in -roll.
const (
	RollVersion = "version"
	RollTime    = "time"
	RollNone    = "none"
)

// SetRoll reads -roll.
func SetRoll(o *Options, text string) error {
	mask := DefaultOptions("").Mask
	o.Mask, o.RollTime = 0, false
	for _, name := range strings.Split(text, ",") {
		switch name {
		case RollVersion:
			o.Mask = mask
		case RollTime:
			o.RollTime = true
		case RollNone:
		default:
			return fmt.Errorf("want version, time, version,time or none, got %q", text)
		}
	}
	return nil
}

// RollText returns the text that SetRoll would read for o.
func RollText(o *Options) string {
	var names []string
	if o.Mask != 0 {
		names = append(names, RollVersion)
	}
	if o.RollTime {
		names = append(names, RollTime)
	}
	if names == nil {
		return RollNone
	}
	return strings.Join(names, ",")
}
