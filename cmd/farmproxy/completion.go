package main

import (
	"context"
	"flag"
	"fmt"
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

// words are those that may follow a command's name, besides flags and files.
func (c *command) words() (list []choice) {
	switch {
	case c.name == "bench":
		for _, s := range bench.Subcommands() {
			list = append(list, choice{s.Name, s.Summary})
		}
	case c.name == "help":
		return firstWords()
	case strings.Contains(c.takes, "|"):
		for word := range strings.SplitSeq(c.takes, "|") {
			list = append(list, choice{word, ""})
		}
	}
	return list
}

// files reports whether a command takes a file beside its flags.
func (c *command) files() bool { return strings.Contains(c.takes, "FILE") }

// names joins the words of choices.
func names(list []choice) string {
	var words []string
	for _, c := range list {
		words = append(words, c.word)
	}
	return strings.Join(words, " ")
}

// valued are the flags that take a value. Each is a file's or a socket's name: the shell
// completes it as a path.
func (c *command) valued() (list []string) {
	for _, o := range c.options() {
		if o.value != "" {
			list = append(list, "-"+o.name)
		}
	}
	return list
}

// bashCompletion is a script that needs nothing but bash. The key of its cases is the
// command, whose words are found before the cursor.
func bashCompletion() string {
	var b strings.Builder
	b.WriteString(`# bash completion for farmproxy, made by: farmproxy completion bash

_farmproxy() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
	local command=${COMP_WORDS[1]} flags= words= valued= files=
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
`)
	fmt.Fprintf(&b, "\t\tCOMPREPLY=($(compgen -W %q -- \"$current\"))\n\t\treturn\n\tfi\n", names(firstWords())+" -h -version")
	b.WriteString("\tcase $command in\n")
	for _, group := range slices.Sorted(func(yield func(string) bool) {
		for g := range groups {
			if !yield(g) {
				return
			}
		}
	}) {
		var words []choice
		for _, c := range inGroup(group) {
			words = append(words, choice{strings.TrimPrefix(c.name, group+" "), c.summary})
		}
		fmt.Fprintf(&b, "\t%s)\n\t\tif [ \"$COMP_CWORD\" -eq 2 ]; then\n\t\t\tCOMPREPLY=($(compgen -W %q -- \"$current\"))\n\t\t\treturn\n\t\tfi\n\t\tcommand=\"$command ${COMP_WORDS[2]}\"\n\t\t;;\n", group, names(words))
	}
	b.WriteString("\tesac\n\tcase $command in\n")
	for i := range commands {
		c := &commands[i]
		flags := ""
		for _, o := range c.options() {
			flags += "-" + o.name + " "
		}
		files := ""
		if c.files() {
			files = "yes"
		}
		fmt.Fprintf(&b, "\t%q) flags=%q words=%q valued=%q files=%q ;;\n", c.name, flags+"-h", names(c.words()), strings.Join(c.valued(), " "), files)
	}
	b.WriteString(`	*) return ;;
	esac
	if [[ " $valued " == *" $previous "* ]]; then
		COMPREPLY=($(compgen -f -- "$current"))
	elif [[ $current == -* ]]; then
		COMPREPLY=($(compgen -W "$flags" -- "$current"))
	elif [ -n "$files" ]; then
		COMPREPLY=($(compgen -f -- "$current"))
	else
		COMPREPLY=($(compgen -W "$words" -- "$current"))
	fi
}
complete -o filenames -F _farmproxy farmproxy
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
	for _, c := range commands {
		group := c.group()
		if group == "" || inGroup(group)[0].name != c.name {
			continue
		}
		var list []choice
		for _, c := range inGroup(group) {
			list = append(list, choice{strings.TrimPrefix(c.name, group+" "), c.summary})
		}
		fmt.Fprintf(&b, "\t%s)\n\t\tif (( CURRENT == 2 )); then\n", group)
		describe("\t\t\t", "command", list)
		b.WriteString("\t\t\treturn\n\t\tfi\n\t\tcommand=\"$command $words[2]\"\n\t\tshift words; (( CURRENT-- ))\n\t\t;;\n")
	}
	b.WriteString("\tesac\n\tcase $command in\n")
	for i := range commands {
		c := &commands[i]
		fmt.Fprintf(&b, "\t%s)\n\t\t_arguments \\\n", quoteZsh(c.name))
		for _, o := range c.options() {
			spec := "-" + o.name + "[" + strings.NewReplacer("[", "(", "]", ")", ":", ";").Replace(o.about) + "]"
			if o.value != "" {
				spec += ":" + o.value + ":_files"
			}
			fmt.Fprintf(&b, "\t\t\t%s \\\n", quoteZsh(spec))
		}
		switch words := c.words(); {
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
