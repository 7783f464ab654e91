package store

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// The content of the store is saved in a file on this machine, for a start without the
// database: JSON, with a header and then a line per algorithm, pool and account, so
// that neither side needs all of it in memory. Passwords are sealed as in the database,
// with the same key.

const (
	// memoryVersion is the version of the file's format. A farmproxy reads its own and
	// older ones.
	memoryVersion = 1
	// rememberPause is the minimum time between two writes of the file: a shop that
	// registers a thousand accounts causes a few writes, not a thousand.
	rememberPause = time.Second
	// rememberShare limits the time spent writing to this fraction: 100,000 accounts
	// take half a second.
	rememberShare = 20
	// rememberAgain is the time to the next attempt if the file could not be written.
	rememberAgain = time.Minute
)

// header is the first line of the file.
type header struct {
	Version    int       `json:"version"`
	Store      string    `json:"store"` // its URL, without the password
	Written    time.Time `json:"written"`
	KeyCheck   string    `json:"key_check"` // as in the database
	Algorithms int       `json:"algorithms"`
	Pools      int       `json:"pools"`
	Accounts   int       `json:"accounts"`
}

type rememberedAlgorithm struct {
	Name    string  `json:"algorithm"`
	Divider float64 `json:"divider"`
}

type rememberedPool struct {
	Address   string      `json:"pool"`
	Algorithm string      `json:"algorithm"`
	Options   PoolOptions `json:"options"`
}

type rememberedAccount struct {
	Name     string `json:"account"`
	Pool     string `json:"pool"`
	User     string `json:"user"`
	Password string `json:"password"` // sealed, in hex
	Created  int64  `json:"created"`  // ms since 1970

	Goals []rememberedGoal `json:"goals,omitempty"`
}

// remember writes the file whenever the snapshot changes, until ctx ends, and then once
// more if needed. It runs on its own goroutine, because it waits for the disk.
func (s *Store) remember(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	failing := false
	for over := false; !over; {
		select {
		case <-pause.C:
		case <-ctx.Done():
			over = true
		}
		select {
		case <-s.changed:
		default:
			if over {
				return
			}
			select {
			case <-s.changed:
			case <-ctx.Done():
				return
			}
		}
		began := time.Now()
		err := s.writeMemory()
		next := max(rememberPause, rememberShare*time.Since(began))
		if err != nil {
			if !failing {
				s.options.Log.Warn("the accounts cannot be saved for a start without the database; check that state_dir is writable and has free space", "file", s.options.StateFile, "error", err)
			}
			next = rememberAgain
			select {
			case s.changed <- struct{}{}:
			default:
			}
		}
		failing = err != nil
		pause.Reset(next)
	}
}

// writeMemory writes the snapshot to a new file, and renames it into place once it is
// complete and on disk.
func (s *Store) writeMemory() error {
	snapshot := s.Snapshot()
	if snapshot.Recalled() || !s.opened.Load() || s.remembered.newer {
		return nil // the file has it already, or belongs to another farmproxy
	}
	file := s.options.StateFile
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once renamed
	w := bufio.NewWriter(f)
	err = s.encodeMemory(json.NewEncoder(w), snapshot)
	if err := errors.Join(err, w.Flush(), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(file))
}

func (s *Store) encodeMemory(e *json.Encoder, snapshot *Snapshot) error {
	err := e.Encode(header{
		Version:    memoryVersion,
		Store:      s.place.shown,
		Written:    s.options.Now().UTC(),
		KeyCheck:   hexText(s.sealer.seal("", keyCheck)),
		Algorithms: snapshot.algorithms.len(),
		Pools:      snapshot.pools.len(),
		Accounts:   snapshot.NumAccounts(),
	})
	for a := range snapshot.Algorithms() {
		err = errors.Join(err, e.Encode(rememberedAlgorithm{a.Name, a.Divider}))
	}
	for p := range snapshot.Pools() {
		err = errors.Join(err, e.Encode(rememberedPool{p.Address, p.Algorithm, p.Options}))
	}
	for a := range snapshot.Accounts() {
		sealed := s.sealer.seal(a.Name, a.Password.Reveal())
		err = errors.Join(err, e.Encode(rememberedAccount{a.Name, a.Pool, a.User, hexText(sealed), millis(a.Created), s.rememberGoals(a)}))
	}
	return err
}
