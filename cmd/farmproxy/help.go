package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
)

// overview is what farmproxy -h prints: every command, those of a group together.
func overview() string {
	var b strings.Builder
	b.WriteString("farmproxy - a mining proxy for farms\n\n")
	listCommands(&b, commands)
	b.WriteString("\nfarmproxy COMMAND -h explains a command; man farmproxy has it all.\n")
	return b.String()
}

// groupHelp is what -h prints behind a group.
func groupHelp(group, about string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "farmproxy %s - %s\n\n", group, about)
	listCommands(&b, inGroup(group))
	fmt.Fprintf(&b, "\nfarmproxy %s COMMAND -h explains a command.\n", group)
	return b.String()
}

func inGroup(group string) (list []command) {
	for _, c := range commands {
		if c.group() == group {
			list = append(list, c)
		}
	}
	return list
}

func listCommands(b *strings.Builder, list []command) {
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, c := range list {
		fmt.Fprintf(table, "  farmproxy %s\t%s\n", strings.TrimSpace(c.name+" "+c.takes), c.summary)
	}
	table.Flush()
}

// synopsis is the command line of a command.
func (c *command) synopsis() string {
	line := "farmproxy " + c.name
	for _, f := range c.options() {
		line += " [" + f.usage() + "]"
	}
	return strings.TrimSpace(line + " " + c.takes)
}

// help is what a command's -h prints.
func (c *command) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "farmproxy %s - %s\n\n  %s\n", c.name, c.summary, c.synopsis())
	if c.about != "" {
		fmt.Fprintf(&b, "\n%s\n", fold(c.about))
	}
	options := c.options()
	if len(options) == 0 {
		return b.String()
	}
	b.WriteString("\n")
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, f := range options {
		fmt.Fprintf(table, "  %s\t%s\n", f.usage(), f.text())
	}
	table.Flush()
	return b.String()
}

// option is a flag as it is documented.
type option struct {
	name, value, about, standard string // value "": it takes none; standard "": nothing to say
}

// options returns a command's flags, by name.
func (c *command) options() (list []option) {
	flags, _ := c.flagSet()
	flags.VisitAll(func(f *flag.Flag) {
		value, about := flag.UnquoteUsage(f)
		value = strings.ToUpper(value) // package flag writes "int" and "duration"
		o := option{f.Name, value, about, f.DefValue}
		if o.standard == "false" || o.standard == "0" || o.standard == "0s" {
			o.standard = ""
		}
		list = append(list, o)
	})
	return list
}

func (o option) usage() string { return strings.TrimSpace("-" + o.name + " " + o.value) }

func (o option) text() string {
	if o.standard == "" {
		return o.about
	}
	return fmt.Sprintf("%s (default %s)", o.about, o.standard)
}

// helpWidth is that of a terminal.
const helpWidth = 80

// fold breaks paragraphs into lines; an indented line stays as it is.
func fold(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, " ") {
			fmt.Fprintln(&b, line)
			continue
		}
		width := 0
		for i, word := range strings.Fields(line) {
			switch {
			case i == 0:
			case width+1+len(word) > helpWidth:
				b.WriteByte('\n')
				width = 0
			default:
				b.WriteByte(' ')
				width++
			}
			b.WriteString(word)
			width += len(word)
		}
		b.WriteByte('\n')
	}
	return strings.TrimRight(b.String(), "\n")
}

func helpCommand(*flag.FlagSet) run {
	return func(_ context.Context, args []string, t terminal) int {
		c, rest := find(args)
		switch {
		case len(args) == 0:
			fmt.Fprint(t.out, overview())
		case c != nil && len(rest) == 0:
			fmt.Fprint(t.out, c.help())
		case len(args) == 1 && groups[args[0]] != "":
			fmt.Fprint(t.out, groupHelp(args[0], groups[args[0]]))
		default:
			return unknown(args, t)
		}
		return exitOK
	}
}
