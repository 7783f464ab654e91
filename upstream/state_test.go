package upstream

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestSizesAndMasksOutliveARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pools.json")
	inFarm(t, "a b", func(f *farm) {
		f.o.StateFile = file
		f.pools[1].size, f.pools[1].mask = 5, "00c00000"
		f.start()
	})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wantPart(t, "file", string(text), `"stratum+tcp://b:1"`)
	inFarm(t, "b", func(f *farm) {
		f.o.StateFile = file
		f.open()
		equal(t, "mask", f.directory.Mask(""), 0x00c00000)
		prefix, extranonce2 := f.directory.Shape()
		equal(t, "prefix", prefix, 2)
		equal(t, "extranonce2", extranonce2, 3)
	})
	entries, _ := os.ReadDir(filepath.Dir(file))
	equal(t, "files left behind", len(entries)-1, 0)
}

func TestUnreadableStateFile(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "not JSON": "}", "a list": "[]",
		"a bad mask":                    `{"stratum+tcp://a:1":{"extranonce2_size":8,"version_mask":"x"}}`,
		"a bad size":                    `{"stratum+tcp://a:1":{"extranonce2_size":-8,"version_mask":"00c00000"}}`,
		"another pool":                  `{"stratum+tcp://z:1":{"extranonce2_size":8,"version_mask":"00c00000"}}`,
		"an older form":                 `{"stratum+tcp://a:1":8}`,
		"no pools":                      `{"version":1}`,
		"pools in no form of version 1": `{"version":1,"pools":{"stratum+tcp://a:1":8}}`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFarm(t, "a")
			f.o.StateFile = filepath.Join(t.TempDir(), "pools.json")
			os.WriteFile(f.o.StateFile, []byte(text), 0o600)
			f.open()
			equal(t, "mask", f.directory.Mask(""), maskDefault)
		})
	}
}

// The file states its version. An older one without a version is read; a newer
// farmproxy's is left unchanged, and the log says so.
func TestVersionsOfTheStateFile(t *testing.T) {
	const pool = `{"stratum+tcp://a:1":{"extranonce2_size":8,"version_mask":"00c00000"}}`
	for _, c := range []struct {
		name, text string
		known      bool
		kept       bool // the file is unchanged after another mask was learned
	}{
		{"none", pool, true, false},
		{"this one", `{"version":1,"pools":` + pool + `}`, true, false},
		{"a newer one", `{"version":2,"pools":` + pool + `}`, false, true},
		{"a newer one of another form", `{"version":7,"pools":["stratum+tcp://a:1"]}`, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pools.json")
			os.WriteFile(file, []byte(c.text), 0o600)
			var log strings.Builder
			inFarm(t, "a", func(f *farm) {
				f.o.StateFile, f.o.Log = file, slog.New(slog.NewTextHandler(&log, nil))
				f.pools[0].mask = "00e00000"
				f.open()
				mask := uint32(maskDefault)
				if c.known {
					mask = 0x00c00000
				}
				equal(t, "mask", f.directory.Mask(""), mask)
				f.run()
			})
			text, _ := os.ReadFile(file)
			equal(t, "the file is left alone", string(text) == c.text, c.kept)
			equal(t, "and that is said", strings.Contains(log.String(), "written by a newer farmproxy"), c.kept)
			if !c.kept {
				wantPart(t, "file", string(text), `"version": 1,`)
				wantMask(t, file, 0x00e00000)
			}
		})
	}
}

func TestStateFileInNoDirectory(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.o.StateFile = filepath.Join(strings.Repeat("no/", 3), "pools.json")
		f.start()
		f.wantOn("a")
	})
}

func TestStateIsBounded(t *testing.T) {
	f := newFarm(t, "a")
	f.open()
	for i := range maxRemembered + 10 {
		f.directory.state.learn(fmt.Sprintf("stratum+tcp://p%d:1", i), 8, 0, true)
	}
	equal(t, "pools", len(f.directory.state.pools), maxRemembered)
}

// A pool that keeps changing what it gives makes nobody wait for the disk, and does not
// keep the disk busy: changes within rememberEvery are one write, and the last state is
// in the file.
func TestTheStateFileIsWrittenOnceForMany(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pools.json")
	var writes atomic.Int32
	inFarm(t, "a", func(f *farm) {
		f.o.StateFile = file
		f.open()
		disk := make(chan struct{})
		f.directory.state.write = func(path string, value any) error {
			writes.Add(1)
			<-disk
			return replaceFile(path, value)
		}
		f.run()
		learn := func(mask uint32) { f.directory.learn(f.goal.list()[0], 8, mask, true) }
		for i := range uint32(1000) {
			learn(0x1000 * (i + 1))
		}
		f.pools[0].lane().job(true)
		f.after(time.Second)
		wantPart(t, "told while the disk stands still", f.told(), "a-2!")
		equal(t, "writes", writes.Load(), 1)
		close(disk)
		f.after(2 * rememberEvery)
		equal(t, "writes", writes.Load(), 2)
		wantMask(t, file, 0x1000*1000)
		learn(0x00c00000)
		f.after(0)
		wantMask(t, file, 0x00c00000) // at once, after a pause
		learn(0x00e00000)
		f.after(time.Second)
		equal(t, "writes", writes.Load(), 3)
	})
	wantMask(t, file, 0x00e00000) // Close has written what was waiting
	equal(t, "writes", writes.Load(), 4)
}

func wantMask(t *testing.T, file string, mask uint32) {
	t.Helper()
	text, _ := os.ReadFile(file)
	wantPart(t, "file", string(text), fmt.Sprintf(`"version_mask": "%08x"`, mask))
}
