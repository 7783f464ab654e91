package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// memory describes the content of remember's file for this store.
type memory struct {
	at       time.Time // when it was written; zero: none usable
	accounts int       // accounts in it, readable or not
	newer    bool      // written by a newer farmproxy: leave it alone
}

// recall makes the remembered state the first snapshot, if it can be read.
func (s *Store) recall() {
	file := s.options.StateFile
	if file == "" {
		return
	}
	snapshot, h, err := s.readMemory()
	if errors.Is(err, fs.ErrNotExist) || err == nil && h.Store != s.place.shown {
		return // there is none, or it belongs to another store
	}
	s.remembered.accounts, s.remembered.newer = h.Accounts, h.Version > memoryVersion
	if err != nil {
		s.options.Log.Error("the remembered accounts cannot be read", "file", file, "error", err)
		return
	}
	s.remembered.at = h.Written
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	s.publish(snapshot)
}

// readMemory reads the file. It returns the header even if the rest has an error.
func (s *Store) readMemory() (*Snapshot, header, error) {
	var h header
	f, err := os.Open(s.options.StateFile)
	if err != nil {
		return nil, h, err
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReader(f))
	if err := d.Decode(&h); err != nil {
		return nil, header{}, fmt.Errorf("the first line: %w", err)
	}
	switch {
	case h.Version > memoryVersion:
		return nil, header{Version: h.Version}, fmt.Errorf("it has version %d, and this farmproxy reads up to %d: the file is left alone, and accounts are not saved; run the newer farmproxy, or delete the file", h.Version, memoryVersion)
	case h.Version < 1:
		return nil, header{}, fmt.Errorf("it has version %d; expected 1 to %d", h.Version, memoryVersion)
	}
	if h.Store != s.place.shown {
		return nil, h, nil
	}
	key, err := readKey(s.options.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, h, keyMissing(s.options.KeyFile)
	}
	if err != nil {
		return nil, h, err
	}
	sealer, err := newSealer(key)
	if err != nil {
		return nil, h, err
	}
	check, err := hexBytes(h.KeyCheck)
	if err == nil {
		_, err = sealer.open("", check)
	}
	if err != nil {
		return nil, h, wrongKey(s.options.KeyFile)
	}
	snapshot, err := s.decodeMemory(d, h, sealer)
	return snapshot, h, err
}

// decodeMemory reads the rest after the header. The snapshot's version is 0, so that
// the first refresh reads everything.
func (s *Store) decodeMemory(d *json.Decoder, h header, sealer *sealer) (*Snapshot, error) {
	algorithms := make(map[string]*Algorithm)
	for range h.Algorithms {
		var a rememberedAlgorithm
		if err := d.Decode(&a); err != nil {
			return nil, err
		}
		algorithms[a.Name] = &Algorithm{a.Name, a.Divider}
	}
	pools := make(map[string]*Pool)
	for range h.Pools {
		var r rememberedPool
		if err := d.Decode(&r); err != nil {
			return nil, err
		}
		p := &Pool{Address: r.Address, Algorithm: r.Algorithm, Options: r.Options}
		if err := p.check(); err != nil {
			return nil, err
		}
		pools[p.Address] = p
	}
	accounts := make(map[string]*Account)
	for range h.Accounts {
		var r rememberedAccount
		if err := d.Decode(&r); err != nil {
			return nil, err
		}
		sealed, err := hexBytes(r.Password)
		password := ""
		if err == nil {
			password, err = sealer.open(r.Name, sealed)
		}
		var goals []Goal
		if err == nil {
			goals, err = recallGoals(r.Name, r.Goals, sealer)
		}
		if err != nil { // one damaged line must not stop the others
			s.options.Log.Error("the remembered password of an account cannot be read", "account", r.Name, "error", err)
			continue
		}
		a := &Account{Name: r.Name, Pool: r.Pool, User: r.User, Password: NewSecret(password), Created: fromMillis(r.Created), Goals: goals}
		if p := pools[a.Pool]; p != nil {
			a.Pool = p.Address // one string shared by all
		}
		accounts[a.Name] = a
	}
	empty := &Snapshot{recalled: true}
	return empty.apply(&changes{algorithms: algorithms, pools: pools, accounts: accounts}), nil
}
