package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"farmproxy/proxy"
)

// files are what farmproxy has on a machine, as a package installs it.
var files = [][2]string{
	{installedConfig, "The configuration. docs/configuration.md lists all keys."},
	{unitRuntimeDirectory + "/admin.sock", "The socket for status and the other commands for a running farmproxy. Its permissions say who may use it."},
	{unitStateDirectory, "What farmproxy remembers across restarts, the last good configuration, and pools and routes that were set over the API."},
}

// signals are those that the running farmproxy takes.
var signals = [][2]string{
	{"SIGHUP", "Read the configuration again, as farmproxy reload does."},
	{"SIGTERM, SIGINT", "Stop in order. The second one ends farmproxy at once."},
}

func manCommand(*flag.FlagSet) run {
	return func(_ context.Context, args []string, t terminal) int {
		if code, ok := takesNothing("man", args, t); !ok {
			return code
		}
		fmt.Fprint(t.out, manual(proxy.ThisBuild()))
		return exitOK
	}
}

// manual is the manual page, in roff.
func manual(b proxy.Build) string {
	var m roff
	day, _, _ := strings.Cut(b.Date, "T")
	m.line(`.TH FARMPROXY 8 "%s" "farmproxy %s" "System administration"`, day, b.Version)
	m.section("NAME")
	m.text(`farmproxy - a mining proxy for farms`)
	m.section("SYNOPSIS")
	for i, c := range commands {
		if i > 0 {
			m.line(".br")
		}
		m.text(c.synopsis())
	}
	m.section("DESCRIPTION")
	m.text("farmproxy takes tens of thousands of miners and needs only a few links to the pools. It checks, counts and answers every share, and no miner is disconnected when a pool fails.")
	m.section("COMMANDS")
	for i := range commands {
		c := &commands[i]
		m.line(`.SS "%s"`, escape(c.synopsis()))
		m.text(sentence(c.summary))
		m.paragraphs(c.about)
		if c.own {
			for _, w := range c.choices() {
				m.item(w.word, sentence(w.about))
			}
		}
		for _, o := range c.options() {
			m.item(o.usage(), sentence(o.text()))
		}
	}
	m.section("EXIT STATUS")
	for _, e := range exitCodes {
		m.item(fmt.Sprint(e.code), sentence(e.when))
	}
	m.section("SIGNALS")
	for _, s := range signals {
		m.item(s[0], s[1])
	}
	m.section("FILES")
	for _, f := range files {
		m.item(f[0], f[1])
	}
	m.section("SEE ALSO")
	m.text("systemctl(1), journalctl(1), and the documents in /usr/share/doc/farmproxy.")
	return m.String()
}

// sentence makes a sentence of a summary.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// roff is a manual page that is being written.
type roff struct{ strings.Builder }

func (m *roff) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

func (m *roff) section(name string) { m.line(".SH %s", name) }

func (m *roff) text(s string) { m.line("%s", escape(s)) }

func (m *roff) item(what, s string) {
	m.line(".TP\n.B %s", escape(what))
	m.text(s)
}

// paragraphs writes a text as command.about has it: indented lines are an example.
func (m *roff) paragraphs(text string) {
	if text == "" {
		return
	}
	example := false
	set := func(to bool) {
		switch {
		case to && !example:
			m.line(".PP\n.RS\n.nf")
		case !to && example:
			m.line(".fi\n.RE")
		}
		example = to
	}
	m.line(".PP")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "  "):
			set(true)
			m.text(line[2:])
		case line == "" && example && i+1 < len(lines) && strings.HasPrefix(lines[i+1], "  "):
			m.line("")
		case line == "":
			set(false)
			if i+1 < len(lines) && !strings.HasPrefix(lines[i+1], "  ") {
				m.line(".PP")
			}
		default:
			set(false)
			m.text(line)
		}
	}
	set(false)
}

// escape protects what roff would read as its own.
func escape(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", "...").Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
