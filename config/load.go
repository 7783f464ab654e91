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

// Load reads a configuration file. Where the file can be read but is wrong,
// the error is a Problems with everything that is wrong with it.
func Load(path string) (*Config, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	c, err := Parse(text)
	var problems Problems
	if errors.As(err, &problems) {
		for i := range problems {
			problems[i].File = path
		}
	}
	return c, err
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

// Parse is Load for text already read. The error, if any, is a Problems.
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
	for _, p := range c.validate() {
		if !problems.has(p.Key) {
			problems = append(problems, p)
		}
	}
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
