package main

import (
	"context"
	"flag"
	"io"
	"slices"
	"strings"
)

// command is one thing that farmproxy does. The table of them is the one source of the
// command line, of -h, the manual page and the shells' completion.
//
// The flags are package flag's, which a library for command lines would read otherwise:
// -connect would be -c onnect there.
type command struct {
	name    string // one or two words; the first of two is a group
	takes   string // what comes beside the flags, as in the synopsis: FILE or DIRECTORY if it is one
	summary string // one line, without a capital or a full stop
	about   string // more of it: paragraphs of plain text, separated by empty lines; "" none

	// define adds the flags, and returns what runs the command once they are read.
	define func(flags *flag.FlagSet) run

	words func() []choice // what a word beside the flags may be; nil: a file, or nothing

	own bool // it reads its flags itself, and answers -h
}

// run runs a command until it ends or ctx does, and returns the exit code. args are those
// beside the flags.
type run func(ctx context.Context, args []string, t terminal) int

// terminal is where a command writes to.
type terminal struct {
	out, err io.Writer
	columns  int // that out has; 0: it is a pipe or a file, and nothing is cut
}

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // the request did not succeed; stderr says why
	exitMisused = 2 // the command line is wrong
	exitPartly  = 3 // an import was incomplete; stdout says what is missing

	// exitUnusable is EX_CONFIG of sysexits.h: the configuration must be changed. The unit
	// does not restart farmproxy at once then (RestartPreventExitStatus=).
	exitUnusable = 78
)

// exitCodes says so to operators.
var exitCodes = []struct {
	code int
	when string
}{
	{exitOK, "success"},
	{exitFailed, "it did not work; standard error says why"},
	{exitMisused, "the command line is wrong"},
	{exitPartly, "import: not everything could be imported; the output says what"},
	{exitUnusable, "run: the configuration cannot be used until it is changed"},
}

// groups are the first words of commands that have two.
var groups = map[string]string{
	"alerts": "alerts, and who is told of them",
	"import": "import from another proxy",
	"store":  "the store of accounts, pools and algorithms",
	"view":   "links with which others may look at the page",
}

// group returns a command's group, or "".
func (c *command) group() string {
	group, _, two := strings.Cut(c.name, " ")
	if !two {
		return ""
	}
	return group
}

// flagSet returns a command's flags, and what runs it.
func (c *command) flagSet() (*flag.FlagSet, run) {
	flags := flag.NewFlagSet("farmproxy "+c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // dispatch says what is wrong
	return flags, c.define(flags)
}

// find returns the command that a command line begins with, and what follows its name;
// nil: there is none.
func find(args []string) (*command, []string) {
	for n := min(2, len(args)); n > 0; n-- {
		name := strings.Join(args[:n], " ")
		if i := slices.IndexFunc(commands, func(c command) bool { return c.name == name }); i >= 0 {
			return &commands[i], args[n:]
		}
	}
	return nil, args
}

// takesNothing complains about arguments where there may be none. One of them may be the second
// word of another command.
func takesNothing(name string, args []string, t terminal) (code int, ok bool) {
	if len(args) == 0 {
		return exitOK, true
	}
	if c, _ := find([]string{name, args[0]}); c != nil && c.name != name {
		return misused(t, c.name, "its name comes before all flags: farmproxy %s", c.name), false
	}
	return misused(t, name, "unexpected %q: it takes flags and nothing else%s", args[0], meant(args[0], secondWords(name))), false
}
