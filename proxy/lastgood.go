package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"farmproxy/config"
	"farmproxy/systemd"
	"farmproxy/textfile"
)

// lastGoodFile holds, in the state directory, the last configuration file that farmproxy
// worked by: a mistake in the file and a restart must not take a farm down.
const (
	lastGoodFile    = "last-good-configuration"
	lastGoodOverlay = "last-good-overlay.toml" // what was set over the API then; none: nothing was
)

// keepGood keeps a file that is good. Nothing is kept without a state directory. The copy
// has the passwords too, so only farmproxy's user may read it.
func keepGood(dir string, f *config.File) error {
	if dir == "" {
		return nil
	}
	err := keepGoodOverlay(filepath.Join(dir, lastGoodOverlay), f.Overlay())
	path := filepath.Join(dir, lastGoodFile)
	if before, missing := os.ReadFile(path); missing != nil || !bytes.Equal(before, f.Text()) {
		err = errors.Join(err, textfile.Replace(path, f.Text()))
	}
	if err != nil {
		return fmt.Errorf("the configuration could not be kept as the last good one: %w; make room in %s, or let farmproxy's user write there", err, dir)
	}
	return nil
}

// keepGoodOverlay keeps what was laid over a file that is good; nil: nothing was.
func keepGoodOverlay(path string, o *config.Overlay) error {
	if o != nil {
		if before, err := os.ReadFile(path); err == nil && bytes.Equal(before, o.Text()) {
			return nil
		}
	}
	return keepOverlay(path, o)
}

// LastGood returns the last good configuration file, for a start that finds a broken one,
// and what is known of it. ok is false if there is none, or it is not good any more.
func LastGood(ctx context.Context, broken *config.File) (f *config.File, x Examined, ok bool) {
	dir := broken.StateDir()
	if dir == "" {
		dir = systemd.StateDirectory()
	}
	if dir == "" {
		return nil, x, false
	}
	path := filepath.Join(dir, lastGoodFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, x, false
	}
	f, err := config.Open(path)
	if err != nil {
		return nil, x, false
	}
	f = f.Over(config.OpenOverlay(filepath.Join(dir, lastGoodOverlay), true))
	x = Examine(ctx, f, true, false)
	errs, _ := x.Problems.Split()
	return f, x, len(errs) == 0
}
