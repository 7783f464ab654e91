package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// Terminal is where a command reads and writes.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
}

// Printf writes to Out.
func (t Terminal) Printf(format string, args ...any) { fmt.Fprintf(t.Out, format, args...) }

// Misuse is an error in the arguments.
type Misuse struct{ error }

// Misused returns an error in the arguments; Main's exit code is then 2.
func Misused(format string, args ...any) error { return Misuse{fmt.Errorf(format, args...)} }

// NewFlags returns a flag set whose help begins with about.
func NewFlags(t Terminal, name, about string) *flag.FlagSet {
	flags := flag.NewFlagSet("farmproxy bench "+name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // Main prints errors, parse prints help
	flags.Usage = func() {
		fmt.Fprintf(t.Err, "usage: farmproxy bench %s [flags]\n\n%s\n\n", name, strings.TrimSpace(about))
		defineFlags(t.Err, flags)
	}
	return flags
}

// ParseFlags parses flags of a set made by NewFlags.
func ParseFlags(flags *flag.FlagSet, args []string) error {
	err := flags.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return Misuse{err}
	}
	return err
}

// Parse is ParseFlags for commands that take no other arguments.
func Parse(flags *flag.FlagSet, args []string) error {
	if err := ParseFlags(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return Misused("unexpected argument %q", flags.Arg(0))
	}
	return nil
}
