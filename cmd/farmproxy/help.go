package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"unicode/utf8"
)

// overview is what farmproxy -h prints: every command, those of a group together.
func overview() string {
	var b strings.Builder
	b.WriteString("farmproxy - a mining proxy for farms\n\nusage: farmproxy COMMAND\n\n")
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
	var d definitions
	for _, c := range list {
		d = append(d, [2]string{strings.TrimSpace(c.name + " " + c.takes), c.summary})
	}
	d.print(b)
}

// definitions are terms, each with what it means beside it.
type definitions [][2]string

// widestTerm is how long a term may be that has its meaning beside it, and not below.
const widestTerm = 26

// print writes them, as wide as a terminal.
func (d definitions) print(b *strings.Builder) {
	width := 0
	for _, x := range d {
		if n := len(x[0]); n <= widestTerm {
			width = max(width, n)
		}
	}
	indent := strings.Repeat(" ", len("  ")+width+len("  "))
	for _, x := range d {
		line := "  " + x[0]
		if len(x[0]) > width {
			fmt.Fprintln(b, line)
			line = ""
		}
		meaning := hang(x[1], indent)
		fmt.Fprintf(b, "%-*s%s\n", len(indent), line, strings.TrimPrefix(meaning, indent))
	}
}

// hang breaks a text into lines that begin with indent and are as wide as a terminal.
func hang(text, indent string) string {
	return indent + strings.ReplaceAll(fill(text, helpWidth-len(indent)), "\n", "\n"+indent)
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
	fmt.Fprintf(&b, "%s\n\n  %s\n", fill("farmproxy "+c.name+" - "+c.summary, helpWidth), strings.TrimLeft(hang(c.synopsis(), "      "), " "))
	if c.about != "" {
		fmt.Fprintf(&b, "\n%s\n", fold(c.about))
	}
	options := c.options()
	if len(options) == 0 {
		return b.String()
	}
	b.WriteString("\n")
	var d definitions
	for _, f := range options {
		d = append(d, [2]string{f.usage(), f.text()})
	}
	d.print(&b)
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
		if line = strings.TrimRight(line, "\n"); !strings.HasPrefix(line, " ") {
			line = fill(line, helpWidth)
		}
		fmt.Fprintln(&b, line)
	}
	return strings.TrimRight(b.String(), "\n")
}

// fill breaks a paragraph into lines of a width. What stands in brackets is one word.
func fill(paragraph string, width int) string {
	var b strings.Builder
	at := 0
	for i, word := range words(paragraph) {
		switch n := utf8.RuneCountInString(word); {
		case i == 0:
		case at+1+n > width:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += utf8.RuneCountInString(word)
	}
	return b.String()
}

// words are the words of a text; [-c FILE] is one.
func words(text string) (list []string) {
	open := false
	for _, word := range strings.Fields(text) {
		if open {
			list[len(list)-1] += " " + word
		} else {
			list = append(list, word)
		}
		open = strings.HasPrefix(list[len(list)-1], "[-") && !strings.HasSuffix(word, "]")
	}
	return list
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
