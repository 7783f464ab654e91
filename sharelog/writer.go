package sharelog

import (
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	// blockSize is how many bytes of lines are compressed and written at once: more
	// would be compressed hardly better.
	blockSize = 256 << 10

	// flushEvery is how long a line waits for others to be written with: a crash loses
	// as much.
	flushEvery = 5 * time.Second

	// complainEvery is how often the log says that shares can't be written.
	complainEvery = time.Minute

	openSuffix = ".open"
	prefix     = "shares-"
)

// writer writes segments. One goroutine owns it.
type writer struct {
	of       *Log
	log      *slog.Logger
	settings Settings

	block []byte    // lines that were not written yet
	lines uint64    // in block
	since time.Time // of the first of them

	encoder *zstd.Encoder
	frame   []byte

	file   *os.File // nil: no segment is open
	path   string   // its final one
	size   int64    // what was written whole
	opened time.Time

	complained time.Time
}

// add takes shares, and writes what is due.
func (w *writer) add(list []Share, now time.Time) {
	if w.settings.Dir == "" {
		w.of.left.Add(uint64(len(list))) // queued before it was turned off
		return
	}
	for i := range list {
		if len(w.block) == 0 {
			w.since = now
		}
		w.block = w.settings.Format.append(w.block, &list[i])
		if w.lines++; len(w.block) >= blockSize {
			w.flush(now)
			w.rotate(now)
		}
	}
	if now.Sub(w.since) >= flushEvery {
		w.flush(now)
	}
	w.rotate(now)
}

// rotate finishes a segment that is large or old enough.
func (w *writer) rotate(now time.Time) {
	if w.file != nil && (w.size >= w.settings.SegmentSize || now.Sub(w.opened) >= w.settings.RotateEvery) {
		w.finish()
	}
}

// flush writes the block as one frame. If that fails, its lines are left out.
func (w *writer) flush(now time.Time) {
	if len(w.block) == 0 {
		return
	}
	if err := w.writeBlock(now); err == nil {
		w.of.lines.Add(w.lines)
	} else {
		w.of.left.Add(w.lines)
		w.takeBack()
		if w.complained.IsZero() || now.Sub(w.complained) >= complainEvery {
			w.complained = now
			w.log.Warn("shares cannot be written to the share log, and are left out of it; check that share_log.dir is writable and has free space", "dir", w.settings.Dir, "left_out", w.of.left.Load(), "error", err)
		}
	}
	w.block, w.lines = w.block[:0], 0
}

// takeBack cuts off a part of a frame, after which nothing could be read.
func (w *writer) takeBack() {
	if w.file != nil {
		_ = w.file.Truncate(w.size)
		_, _ = w.file.Seek(w.size, io.SeekStart)
	}
}

func (w *writer) writeBlock(now time.Time) error {
	if w.encoder == nil {
		var err error
		// One goroutine and a small window: blocks are small, and come ten times a
		// minute.
		if w.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(blockSize), zstd.WithLowerEncoderMem(true)); err != nil {
			return err
		}
	}
	block := w.block
	if w.file == nil {
		if err := w.open(now); err != nil {
			return err
		}
	}
	if head := w.settings.Format.head(); w.size == 0 && head != "" {
		block = append([]byte(head), block...)
	}
	w.frame = w.encoder.EncodeAll(block, w.frame[:0])
	n, err := w.file.Write(w.frame)
	if err != nil {
		return err
	}
	w.size += int64(n)
	return nil
}

// open begins a segment, with the next number in the directory.
func (w *writer) open(now time.Time) error {
	if err := os.MkdirAll(w.settings.Dir, 0o750); err != nil {
		return err
	}
	list, err := segments(w.settings.Dir)
	if err != nil {
		return err
	}
	number := uint64(1)
	if len(list) > 0 {
		number = list[len(list)-1].number + 1
	}
	for ; ; number++ { // the process that takes over from another finds its numbers taken
		path := filepath.Join(w.settings.Dir, fmt.Sprintf("%s%010d%s", prefix, number, w.settings.Format.suffix()))
		f, err := os.OpenFile(path+openSuffix, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
		switch {
		case err == nil:
			w.file, w.path, w.size, w.opened = f, path, 0, now
			return nil
		case !os.IsExist(err):
			return err
		}
	}
}

// finish writes what is left, gives the segment its final name, and deletes the oldest
// that are too many.
func (w *writer) finish() {
	w.flush(time.Now())
	if w.file == nil {
		return
	}
	err := w.file.Close()
	if w.size == 0 {
		_ = os.Remove(w.path + openSuffix)
	} else if renamed := os.Rename(w.path+openSuffix, w.path); err == nil && !os.IsNotExist(renamed) { // not there: a successor has done it
		err = renamed
	}
	if err != nil {
		w.log.Warn("a segment of the share log could not be finished", "file", w.path, "error", err)
	}
	w.file = nil
	w.tidy()
}

// recover gives the segments of a process that has crashed their final names.
func (w *writer) recover() {
	if w.settings.Dir == "" {
		return
	}
	list, err := segments(w.settings.Dir)
	if err != nil && !os.IsNotExist(err) {
		w.log.Warn("the share log's directory cannot be read; check share_log.dir", "error", err)
	}
	for _, s := range list {
		if s.open {
			_ = os.Rename(s.path+openSuffix, s.path) // else it stays as it is
		}
	}
	w.tidy()
}

// tidy deletes the oldest segments beyond Settings.Keep.
func (w *writer) tidy() {
	if w.settings.Keep == 0 {
		return
	}
	list, _ := segments(w.settings.Dir)
	kept := int64(0)
	for _, s := range slices.Backward(list) {
		if kept += s.size; kept > w.settings.Keep && !s.open {
			_ = os.Remove(s.path)
		}
	}
}

// segment is a file of the share log.
type segment struct {
	path   string // without openSuffix
	number uint64
	size   int64
	open   bool
}

// segments returns those in a directory, in the order of their numbers.
func segments(dir string) (list []segment, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name, open := strings.CutSuffix(e.Name(), openSuffix)
		digits, ours := strings.CutPrefix(name, prefix)
		digits, suffix, dotted := strings.Cut(digits, ".")
		number, err := strconv.ParseUint(digits, 10, 64)
		if !ours || !dotted || err != nil || "."+suffix != JSON.suffix() && "."+suffix != CSV.suffix() {
			continue // somebody else's
		}
		var size int64
		if info, err := e.Info(); err == nil && info.Mode().Type() == fs.FileMode(0) {
			size = info.Size()
		}
		list = append(list, segment{filepath.Join(dir, name), number, size, open})
	}
	slices.SortFunc(list, func(a, b segment) int {
		switch {
		case a.number < b.number:
			return -1
		case a.number > b.number:
			return 1
		}
		return 0
	})
	return list, nil
}
