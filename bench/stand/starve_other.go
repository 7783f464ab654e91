//go:build !linux

package stand

import "errors"

var errLinux = errors.New("on Linux only")

func (c *Child) Starve(int) (func() error, error) { return nil, errLinux }

func (s *Stand) mount(string) { s.noDisk = errLinux }

func (s *Stand) unmount() error { return nil }

func (s *Stand) FillDisk() (func() error, error) { return nil, errLinux }
