package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"farmproxy/proxy"
)

// Each command and each of its flags is in -h, in the manual page and in both completions:
// they come from one table.
func TestEverythingIsExplained(t *testing.T) {
	page := strings.ReplaceAll(manual(proxy.Build{Version: "1.2.3", Date: "2026-01-02T12:00:00Z"}), `\-`, "-")
	if first, _, _ := strings.Cut(page, "\n"); first != `.TH FARMPROXY 8 "2026-01-02" "farmproxy 1.2.3" "System administration"` {
		t.Errorf("the manual begins with %s", first)
	}
	places := map[string]string{"-h": overview(), "the manual": page, "bash's completion": bashCompletion(), "zsh's completion": zshCompletion()}
	for i := range commands {
		c := &commands[i]
		for name, text := range places {
			if !strings.Contains(text, c.name) {
				t.Errorf("%s: not in %s", c.name, name)
			}
		}
		if !strings.Contains(page, ".SS \""+c.synopsis()+"\"\n"+sentence(c.summary)) {
			t.Errorf("%s: the manual has not %s", c.name, c.synopsis())
		}
		for _, o := range c.options() {
			if o.about == "" {
				t.Errorf("%s -%s: nothing explains it", c.name, o.name)
			}
			for name, text := range map[string]string{"its -h": c.help(), "the manual": page, "bash's completion": places["bash's completion"], "zsh's completion": places["zsh's completion"]} {
				if !strings.Contains(text, "-"+o.name) {
					t.Errorf("%s -%s: not in %s", c.name, o.name, name)
				}
			}
		}
		if strings.TrimRight(c.summary, ".") != c.summary || c.summary == "" || c.group() != "" && groups[c.group()] == "" {
			t.Errorf("%s: a summary without a full stop, and its group among the groups: %+v", c.name, c)
		}
	}
}

// The manual is made of macros that man knows, and none of its text is taken for one.
func TestManualIsRoff(t *testing.T) {
	known := []string{".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".br", ".RS", ".RE", ".nf", ".fi"}
	open := 0
	page := manual(proxy.Build{Version: "1.2.3", Date: "2026-01-02T12:00:00Z"})
	for line := range strings.Lines(page) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == ".nf":
			open++
		case word == ".fi":
			open--
		case open == 0 && strings.HasPrefix(line, " "):
			t.Errorf("an example that is not marked as one: %q", line)
		}
		if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !slices.Contains(known, word) {
			t.Errorf("%q", line)
		}
	}
	if open != 0 {
		t.Errorf("%d examples have no end", open)
	}
	if _, err := exec.LookPath("mandoc"); err == nil {
		lint := exec.Command("mandoc", "-T", "lint", "-W", "warning")
		lint.Stdin = strings.NewReader(page)
		if said, err := lint.CombinedOutput(); err != nil {
			t.Errorf("mandoc: %v\n%s", err, said)
		}
	}
}

// Bash itself completes: each case is a line up to the cursor, and the words it may end in.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	dir := t.TempDir()
	complete := func(line string) string {
		words := strings.Split(line, " ")
		script := bashCompletion() + `
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_farmproxy
printf '%s\n' "${COMPREPLY[@]}"`
		cmd := exec.Command(bash, append([]string{"-c", script, "bash"}, words...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.Join(strings.Fields(string(out)), " ")
	}
	f := func(line, want string) {
		t.Helper()
		if got := complete(line); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	fileIn(t, filepath.Join(dir, "farm.toml"), "")
	f("farmproxy ch", "check")
	f("farmproxy -", "-h -version")
	f("farmproxy check -con", "-connect")
	f("farmproxy check -c fa", "farm.toml")
	f("farmproxy check -c farm.toml -h", "-h")
	f("farmproxy check ", "")
	f("farmproxy st", "status store")
	f("farmproxy store ", "repair backup")
	f("farmproxy store repair -", "-c -h")
	f("farmproxy import ", "stratum-proxy btcagent braiins")
	f("farmproxy import btcagent f", "farm.toml")
	f("farmproxy import braiins f", "farm.toml")
	f("farmproxy store backup f", "farm.toml")
	f("farmproxy cert -o f", "farm.toml")
	f("farmproxy cert -days f", "")
	f("farmproxy completion ", "bash zsh")
	f("farmproxy bench fl", "fleet floor")
	f("farmproxy help imp", "import")
	f("farmproxy start ", "")
}

// Zsh can read its completion.
func TestZshCompletion(t *testing.T) {
	zsh, err := exec.LookPath("zsh")
	if err != nil {
		t.Skip("there is no zsh")
	}
	file := filepath.Join(t.TempDir(), "_farmproxy")
	fileIn(t, file, zshCompletion())
	if said, err := exec.Command(zsh, "-n", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

func TestFold(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := fold(text); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	long := strings.Repeat("0123456 ", 10) // 80 with the last space
	f("short", "short")
	f(long+"x", strings.TrimSpace(long)+"\nx")
	f("one\n\n  kept   as it is\n\ntwo", "one\n\n  kept   as it is\n\ntwo")
}

// Help fits a terminal of 80 columns.
func TestHelpFits(t *testing.T) {
	texts := map[string]string{"": overview()}
	for group, about := range groups {
		texts[group] = groupHelp(group, about)
	}
	for i := range commands {
		texts[commands[i].name] = commands[i].help()
	}
	for name, text := range texts {
		for line := range strings.Lines(text) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > helpWidth {
				t.Errorf("farmproxy %s -h: %d columns: %s", name, n, line)
			}
		}
	}
}

func TestDefinitions(t *testing.T) {
	var b strings.Builder
	definitions{{"run", "serve"}, {"weights ROUTE [GOAL=WEIGHT...]", "divide"}, {"-c FILE", "a " + strings.Repeat("long ", 16) + "text"}}.print(&b)
	want := "  run      serve\n" +
		"  weights ROUTE [GOAL=WEIGHT...]\n" +
		"           divide\n" +
		"  -c FILE  a long long long long long long long long long long long long long\n" +
		"           long long long text\n"
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := fill("farmproxy x [-c FILE] [-n N] GOAL", 22), "farmproxy x [-c FILE]\n[-n N] GOAL"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := fill("farmproxy x [-c FILE] [-n N] GOAL", 18), "farmproxy x\n[-c FILE] [-n N]\nGOAL"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
