package config

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"farmproxy/textfile"
)

// maxFile bounds how much is read: the largest sensible file has a few kilobytes, and
// -c may name anything, even a device.
const maxFile = 1 << 20

// File is a configuration file that has been read but not interpreted: TOML, or the
// JSON of BTCAgent, which is converted first.
type File struct {
	path    string
	text    []byte
	overlay *Overlay // nil: nothing is laid over it
}

// Open reads a configuration file.
func Open(path string) (*File, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	return &File{path: path, text: text}, nil
}

// Load is Open and Config.
func Load(path string) (*Config, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	return f.Config()
}

// Path returns the path given to Open.
func (f *File) Path() string { return f.path }

// Text returns what was read.
func (f *File) Text() []byte { return f.text }

// FileOf is Open for a file whose text is known already.
func FileOf(path string, text []byte) *File { return &File{path: path, text: text} }

// stateDirLine finds state_dir in a file that is broken elsewhere.
var stateDirLine = regexp.MustCompile(`(?m)^[ \t]*state_dir[ \t]*=[ \t]*["'](/[^"'\n]*)["']`)

// StateDir returns the absolute state_dir that the file sets, even if the rest of it can't
// be used; "": none.
func (f *File) StateDir() string {
	if c, problems := f.Check(); c != nil && !problems.Within("state_dir") && c.StateDir != "" {
		return c.StateDir
	}
	if found := stateDirLine.FindSubmatch(f.text); found != nil {
		return string(found[1])
	}
	return ""
}

// BTCAgent reports whether the file is a configuration of BTCAgent's.
func (f *File) BTCAgent() bool { return isBTCAgent(f.text) }

// Config returns what the file says. The error, if any, is a Problems with everything
// wrong in it.
func (f *File) Config() (*Config, error) {
	c, problems := f.Check()
	if errors, _ := problems.Split(); len(errors) > 0 {
		return nil, errors
	}
	return c, nil
}

// Check returns what the file says, and everything wrong in it, warnings included. The
// Config is nil if the file is beyond repair; otherwise keys with a problem do not have
// the file's values.
func (f *File) Check() (*Config, Problems) {
	p := f.parse()
	if p.config != nil && f.BTCAgent() {
		p.problems = append(p.problems, Problem{Warning: true,
			Want: "this is a BTCAgent configuration, which cannot set farmproxy's other keys",
			Try:  "farmproxy import btcagent, which converts it to farmproxy's format, with comments"})
	}
	return p.config, f.place(p.problems)
}

// Place adds the file and lines to problems found elsewhere, and sorts them among those
// of Check.
func (f *File) Place(found Problems) Problems {
	p := f.parse()
	_, problems := f.Check()
	found = slices.Clone(found)
	f.overlay.locate(found)
	return f.place(slices.Concat(problems, p.located(found)))
}

// FromBTCAgent converts a configuration of BTCAgent's to one of farmproxy's, in
// commented TOML that Load accepts. The error, if any, is a Problems with everything in
// the way.
func (f *File) FromBTCAgent() ([]byte, error) {
	if !f.BTCAgent() {
		return nil, Problems{{File: f.path, Want: "this is not a BTCAgent configuration, which begins with a brace", Try: "its agent_conf.json"}}
	}
	p := f.parse()
	if errors, _ := f.place(p.problems).Split(); len(errors) > 0 {
		return nil, errors
	}
	return p.text, nil
}

// FromBraiins converts a configuration of Braiins Farm Proxy to one of farmproxy's, in
// commented TOML that Load accepts. The error, if any, is a Problems with everything in
// the way.
func (f *File) FromBraiins() ([]byte, error) {
	d, problems := convertBraiins(f.text)
	if d == nil {
		return nil, f.place(problems)
	}
	text := []byte(d.text.String())
	_, found := FileOf("", text).parseTOML(text)
	if errors, _ := f.place(problems.and(d.blame(found))).Split(); len(errors) > 0 {
		return nil, errors
	}
	return text, nil
}

// parsed is the result of parsing a file.
type parsed struct {
	config   *Config // nil: beyond repair
	text     []byte  // TOML
	draft    *draft  // the result of the conversion; nil: the file was TOML
	problems Problems
}

func (f *File) parse() (p parsed) {
	if !f.BTCAgent() {
		p.text = f.text
		p.config, p.problems = f.parseTOML(f.text)
		return p
	}
	var problems Problems
	if p.draft, problems = convertBTCAgent(f.text); p.draft == nil {
		return parsed{problems: problems}
	}
	p.text = []byte(p.draft.text.String())
	p.config, p.problems = f.parseTOML(p.text)
	p.problems = problems.and(p.draft.blame(p.problems))
	return p
}

// located adds to problems with keys their lines in the file.
func (p *parsed) located(found Problems) Problems {
	if p.draft != nil {
		return p.draft.blame(found)
	}
	found = slices.Clone(found)
	found.locate(keyLines(string(p.text)))
	return found
}

// place adds the file to problems, and sorts them.
func (f *File) place(problems Problems) Problems {
	problems = slices.Clone(problems)
	for i := range problems {
		if problems[i].File == "" {
			problems[i].File = f.path
		}
	}
	problems.sort()
	return problems
}

func read(path string) ([]byte, error) {
	text, err := textfile.Read(path, maxFile, false)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("configuration file %s: %w; name one with -c FILE, or start from farmproxy.toml in /usr/share/farmproxy or the sources' systemd directory", path, err)
	case err != nil:
		return nil, fmt.Errorf("configuration file %s: %w", path, err)
	}
	return []byte(text), nil
}

// Parse is Load for TOML that has been read already. The error, if any, is a Problems.
func Parse(text []byte) (*Config, error) {
	c, problems := FileOf("", text).parseTOML(text)
	if errors, _ := problems.Split(); len(errors) > 0 {
		return nil, errors
	}
	return c, nil
}

// parseTOML returns what a text says under the file's overlay, or nil if it is not TOML, and
// everything wrong in them.
func (f *File) parseTOML(text []byte) (*Config, Problems) {
	var tree map[string]any
	if _, err := toml.Decode(string(text), &tree); err != nil {
		return nil, Problems{syntaxProblem(err)}
	}
	if isBraiins(tree) {
		return nil, Problems{{Want: "this is a configuration of Braiins Farm Proxy", Try: "farmproxy import braiins, which converts it to farmproxy's format, with comments"}}
	}
	lines := keyLines(string(text))
	laid := f.overlay.lay(tree, f.path, lines)
	c := Default()
	d := decoder{given: make(keySet)}
	d.config(tree, c)
	c.derive(d.given)

	problems := d.problems
	problems.judge(c.validate())
	problems = append(problems, c.warnings(problems)...)
	f.overlay.locate(problems)
	problems = append(problems, laid...)
	problems.locate(lines)
	return c, problems
}

// syntaxProblem reports the parser's error about text that is not TOML. The error may
// quote the text, so only the place is reported if that is, or may contain, a password.
func syntaxProblem(err error) Problem {
	var syntax toml.ParseError
	if !errors.As(err, &syntax) {
		return Problem{Want: err.Error()}
	}
	p := Problem{Line: syntax.Position.Line, Key: syntax.LastKey, Want: "this is not TOML: " + syntax.Message}
	if strings.HasSuffix(p.Key, "password") || strings.HasPrefix(p.Key, "store.") || strings.HasPrefix(p.Key, "proxies.") {
		p.Want = "this is not TOML"
	}
	p.Try = `key = "text", key = 1 or key = true, one per line, under a [table]`
	if strings.HasPrefix(syntax.Message, "invalid escape") {
		p.Try = `single quotes, between which a backslash is itself: key = 'R\d+'`
	}
	return p
}
