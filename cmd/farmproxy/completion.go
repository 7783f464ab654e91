package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"farmproxy/bench"
)

const completionAbout = `A package installs it. Without one:

  source <(farmproxy completion bash)
  farmproxy completion zsh > "${fpath[1]}/_farmproxy"`

func completionCommand(*flag.FlagSet) run {
	return func(_ context.Context, args []string, t terminal) int {
		switch {
		case len(args) == 1 && args[0] == "bash":
			fmt.Fprint(t.out, bashCompletion())
		case len(args) == 1 && args[0] == "zsh":
			fmt.Fprint(t.out, zshCompletion())
		default:
			return misused(t, "completion", "name a shell: bash or zsh")
		}
		return exitOK
	}
}

// choice is what a word may be, with what it means.
type choice struct{ word, about string }

// firstWords are commands and groups.
func firstWords() (list []choice) {
	for _, c := range commands {
		word, about := c.name, c.summary
		if g := c.group(); g != "" {
			word, about = g, groups[g]
		}
		if !slices.ContainsFunc(list, func(w choice) bool { return w.word == word }) {
			list = append(list, choice{word, about})
		}
	}
	return list
}

// secondWords are the commands of a group.
func secondWords(group string) (list []choice) {
	for _, c := range inGroup(group) {
		list = append(list, choice{strings.TrimPrefix(c.name, group+" "), c.summary})
	}
	return list
}

func benchWords() (list []choice) {
	for _, s := range bench.Subcommands() {
		list = append(list, choice{s.Name, s.Summary})
	}
	return list
}

func shells() []choice { return []choice{{"bash", ""}, {"zsh", ""}} }

// choices are the words that may follow a command's name, besides flags and files.
func (c *command) choices() []choice {
	if c.words == nil {
		return nil
	}
	return c.words()
}

// files reports whether a command takes a path beside its flags.
func (c *command) files() bool { return isPath(c.takes) }

// names joins the words of choices.
func names(list []choice) string {
	var words []string
	for _, c := range list {
		words = append(words, c.word)
	}
	return strings.Join(words, " ")
}

// isPath reports whether a flag's value is a path, by what the synopsis calls it.
func (o option) isPath() bool { return isPath(o.value) }

func isPath(word string) bool { return word == "FILE" || word == "SOCKET" || word == "DIRECTORY" }

// flagNames returns the command's flags for which a condition holds.
func (c *command) flagNames(holds func(option) bool) string {
	var list []string
	for _, o := range c.options() {
		if holds(o) {
			list = append(list, "-"+o.name)
		}
	}
	return strings.Join(list, " ")
}

// bashCompletion is a script that needs nothing but bash. The key of its cases is the
// command, whose words are found before the cursor.
func bashCompletion() string {
	var b strings.Builder
	b.WriteString(`# bash completion for farmproxy, made by: farmproxy completion bash

_farmproxy() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
	local command=${COMP_WORDS[1]} flags='' words='' paths='' values='' files=''
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
`)
	fmt.Fprintf(&b, "\t\tCOMPREPLY=($(compgen -W %q -- \"$current\"))\n\t\treturn\n\tfi\n", names(firstWords())+" -h -version")
	b.WriteString("\tcase $command in\n")
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(&b, "\t%s)\n\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n\t\t\tCOMPREPLY=($(compgen -W %q -- \"$current\"))\n\t\t\treturn\n\t\tfi\n\t\tcommand=\"$command ${COMP_WORDS[2]}\"\n\t\t;;\n", group, names(secondWords(group)))
	}
	b.WriteString("\tesac\n\tcase $command in\n")
	for i := range commands {
		c := &commands[i]
		flags := strings.TrimSpace(c.flagNames(func(option) bool { return true }) + " -h")
		paths := c.flagNames(option.isPath)
		values := c.flagNames(func(o option) bool { return o.value != "" && !o.isPath() })
		files := ""
		if c.files() {
			files = "yes"
		}
		fmt.Fprintf(&b, "\t%q) flags=%q words=%q paths=%q values=%q files=%q ;;\n", c.name, flags, names(c.choices()), paths, values, files)
	}
	b.WriteString(`	*) return ;;
	esac
	if [[ " $paths " == *" $previous "* ]]; then
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$current"))
	elif [[ " $values " == *" $previous "* ]]; then
		return
	elif [[ $current == -* ]]; then
		COMPREPLY=($(compgen -W "$flags" -- "$current"))
	elif [ -n "$files" ]; then
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$current"))
	else
		COMPREPLY=($(compgen -W "$words" -- "$current"))
	fi
}
complete -F _farmproxy farmproxy
`)
	return b.String()
}

// zshCompletion is a script for a directory of zsh's fpath.
func zshCompletion() string {
	var b strings.Builder
	b.WriteString("#compdef farmproxy\n# made by: farmproxy completion zsh\n\n_farmproxy() {\n\tlocal -a choices\n\tif (( CURRENT == 2 )); then\n")
	describe := func(indent, what string, list []choice) {
		fmt.Fprintf(&b, "%schoices=(\n", indent)
		for _, c := range list {
			fmt.Fprintf(&b, "%s\t%s\n", indent, quoteZsh(strings.TrimSuffix(c.word+":"+c.about, ":")))
		}
		fmt.Fprintf(&b, "%s)\n%s_describe %s choices\n", indent, indent, what)
	}
	describe("\t\t", "command", firstWords())
	b.WriteString("\t\treturn\n\tfi\n\tlocal command=$words[2]\n\tshift words; (( CURRENT-- ))\n\tcase $command in\n")
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(&b, "\t%s)\n\t\tif (( CURRENT == 2 )); then\n", group)
		describe("\t\t\t", "command", secondWords(group))
		b.WriteString("\t\t\treturn\n\t\tfi\n\t\tcommand=\"$command $words[2]\"\n\t\tshift words; (( CURRENT-- ))\n\t\t;;\n")
	}
	b.WriteString("\tesac\n\tcase $command in\n")
	for i := range commands {
		c := &commands[i]
		fmt.Fprintf(&b, "\t%s)\n\t\t_arguments \\\n", quoteZsh(c.name))
		for _, o := range c.options() {
			spec := "-" + o.name + "[" + strings.NewReplacer("[", "(", "]", ")", ":", ";").Replace(o.about) + "]"
			switch {
			case o.isPath():
				spec += ":" + o.value + ":_files"
			case o.value != "":
				spec += ":" + o.value + ":"
			}
			fmt.Fprintf(&b, "\t\t\t%s \\\n", quoteZsh(spec))
		}
		switch words := c.choices(); {
		case len(words) > 0:
			fmt.Fprintf(&b, "\t\t\t%s\n", quoteZsh("1:"+c.takes+":("+names(words)+")"))
		case c.files():
			fmt.Fprintf(&b, "\t\t\t%s\n", quoteZsh("1:file:_files"))
		default:
			b.WriteString("\t\t\t'-h[explain the command]'\n")
		}
		b.WriteString("\t\t;;\n")
	}
	b.WriteString("\tesac\n}\n\n_farmproxy \"$@\"\n")
	return b.String()
}

func quoteZsh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
