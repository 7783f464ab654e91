//go:build !linux

package stand

import "errors"

func adoptOrphans() error { return errors.New("an upgrade can be played on Linux only") }
