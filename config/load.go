package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxFile bounds what is read: the largest sensible file has a few kilobytes,
// and -c may name anything, also a device.
const maxFile = 1 << 20

// File is a configuration file that was read, but not looked into: TOML, or the
// JSON of BTCAgent, which is converted first.
type File struct {
	path string
	text []byte
}

// Open reads a configuration file.
func Open(path string) (*File, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	return &File{path, text}, nil
}

// Load is Open and Config.
func Load(path string) (*Config, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	return f.Config()
}

// BTCAgent reports whether the file is a configuration of BTCAgent's.
func (f *File) BTCAgent() bool { return isBTCAgent(f.text) }

// Config returns what the file says. The error, if any, is a Problems with
// everything that is wrong with it.
func (f *File) Config() (*Config, error) {
	c, _, err := f.parse()
	return c, err
}

// FromBTCAgent returns a configuration of BTCAgent's as one of farmproxy's, in
// TOML with comments, which Load takes. The error, if any, is a Problems with
// everything that is in the way.
func (f *File) FromBTCAgent() ([]byte, error) {
	if !f.BTCAgent() {
		return nil, Problems{{File: f.path, Want: "this is no configuration of BTCAgent, which begins with a brace", Try: "its agent_conf.json"}}
	}
	_, text, err := f.parse()
	return text, err
}

// parse returns what the file says, and that in TOML.
func (f *File) parse() (c *Config, text []byte, err error) {
	if text = f.text; f.BTCAgent() {
		c, text, err = parseBTCAgent(text)
	} else {
		c, err = Parse(text)
	}
	var problems Problems
	if errors.As(err, &problems) {
		for i := range problems {
			problems[i].File = f.path
		}
	}
	return c, text, err
}

// parseBTCAgent is Parse of what a configuration of BTCAgent's is converted to,
// and that. Its problems name the keys that BTCAgent's file has.
func parseBTCAgent(text []byte) (*Config, []byte, error) {
	draft, problems := convertBTCAgent(text)
	if len(problems) > 0 {
		problems.sort()
		return nil, nil, problems
	}
	toml := []byte(draft.text.String())
	c, err := Parse(toml)
	if errors.As(err, &problems) {
		return nil, nil, draft.blame(problems)
	}
	return c, toml, nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("configuration file %s: there is none; name one with -c FILE, or begin with systemd/farmproxy.toml: %w", path, err)
	case err != nil:
		return nil, fmt.Errorf("configuration file %s: %w; let the user that farmproxy runs as read it", path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("configuration file %s: %w; name a TOML file with -c FILE", path, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("configuration file %s: longer than %d bytes, so hardly one of farmproxy's; name the right one with -c FILE", path, maxFile)
	}
	return text, nil
}

// Parse is Load for TOML already read. The error, if any, is a Problems.
func Parse(text []byte) (*Config, error) {
	var tree map[string]any
	if _, err := toml.Decode(string(text), &tree); err != nil {
		return nil, Problems{syntaxProblem(err)}
	}
	c := Default()
	d := decoder{given: make(keySet)}
	d.config(tree, c)
	c.derive(d.given)

	problems := d.problems
	problems.judge(c.validate())
	if len(problems) > 0 {
		problems.locate(keyLines(string(text)))
		return nil, problems
	}
	return c, nil
}

// syntaxProblem is what the parser says of text that is no TOML. It may quote
// the text, so nothing but the place is told when that is a password or may hold one.
func syntaxProblem(err error) Problem {
	var syntax toml.ParseError
	if !errors.As(err, &syntax) {
		return Problem{Want: err.Error()}
	}
	p := Problem{Line: syntax.Position.Line, Key: syntax.LastKey, Want: "this is not TOML: " + syntax.Message}
	if strings.HasSuffix(p.Key, "password") || strings.HasPrefix(p.Key, "store.") || strings.HasPrefix(p.Key, "proxies.") {
		p.Want = "this is not TOML"
	}
	p.Try = `key = "text", key = 1 or key = true, one a line, under a [table]`
	return p
}
