package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"farmproxy/bench"
)

// Each command line of farmproxy's in the documents is one that farmproxy takes: its
// command and its flags exist.
func TestDocumentedCommandsExist(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range append(documents, "../../README.md", "../../CONTRIBUTING.md", "../../systemd/farmproxy.service", "../../systemd/farmproxy.toml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandLines(string(text)) {
			found++
			if err := takes(strings.Fields(line)); err != nil {
				t.Errorf("%s: farmproxy %s: %v", filepath.Base(path), line, err)
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d command lines were found: does the test still know how they are written?", found)
	}
}

// commandLines returns what follows farmproxy in code: in backticks, at the beginning of
// a line, and in a unit.
func commandLines(text string) (lines []string) {
	code := regexp.MustCompile("(?m)(?:^ *|`|=|&& )(?:#? ?sudo (?:-u farmproxy )?)?(?:\\./|/usr/local/bin/)?farmproxy ([a-z-][^`\n]*)")
	end := regexp.MustCompile(`[#|>;)&]|, `)
	for _, m := range code.FindAllStringSubmatch(text, -1) {
		line := m[1]
		if at := end.FindStringIndex(line); at != nil {
			line = line[:at[0]]
		}
		first, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		known := strings.HasPrefix(first, "-") || groups[first] != "" || slices.ContainsFunc(commands, func(c command) bool { return c.name == first })
		if !known && !strings.Contains(m[0], "`") && !strings.Contains(m[0], "sudo") && !strings.Contains(m[0], "./") {
			continue // a sentence that begins with the word
		}
		lines = append(lines, strings.Trim(strings.TrimSpace(line), `"'\.`))
	}
	return lines
}

// takes returns why farmproxy would not take a command line.
func takes(args []string) error {
	if groups[args[0]] != "" && (len(args) == 1 || strings.HasPrefix(args[1], "-")) {
		return nil // its help
	}
	if strings.HasPrefix(args[0], "-") {
		return nil // -h, --version
	}
	c, rest := find(args)
	if c == nil {
		return errors.New("there is no such command")
	}
	if c.name == "bench" {
		if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") &&
			!slices.ContainsFunc(bench.Subcommands(), func(s bench.Subcommand) bool { return s.Name == rest[0] }) {
			return errors.New("bench has no such subcommand")
		}
		return nil
	}
	flags, _ := c.flagSet()
	if _, err := parse(flags, rest); err != nil && !errors.Is(err, flag.ErrHelp) {
		return err
	}
	return nil
}
