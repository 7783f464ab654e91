package cli

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// width is that of a terminal.
const width = 80

// Define prints a term, and what it means from a column on, no wider than a terminal: beside
// the term if that is short enough, or else below it.
func Define(w io.Writer, term string, column int, meaning string) {
	line := "  " + term
	if utf8.RuneCountInString(line)+2 > column {
		fmt.Fprintln(w, line)
		line = ""
	}
	indent := strings.Repeat(" ", column)
	line = fmt.Sprintf("%-*s", column, line)
	for i, word := range strings.Fields(meaning) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width && i > 0 {
			fmt.Fprintln(w, line)
			line, i = indent, 0
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(w, line)
}

// defineFlags prints what the flags of a set mean.
func defineFlags(w io.Writer, flags *flag.FlagSet) {
	flags.VisitAll(func(f *flag.Flag) {
		value, about := flag.UnquoteUsage(f)
		switch f.DefValue {
		case "", "0", "0s", "false":
		default:
			about += " (default " + f.DefValue + ")"
		}
		Define(w, strings.TrimSpace("-"+f.Name+" "+value), len("      "), about)
	})
}
