package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"farmproxy/textfile"
	"farmproxy/viewlink"
)

// Bounds on a token file.
const (
	// maxTokens bounds the time it takes to compare with all of them.
	maxTokens = 256

	// maxTokenFile leaves room for all of them and for comments, in bytes.
	maxTokenFile = 256 << 10

	// maxWrong bounds the reported lines: if the file is something else entirely, all
	// of them are wrong.
	maxWrong = 10

	// minToken is the shortest token allowed: 16 characters from a good generator can't
	// be guessed over a network, a word can.
	minToken = 16
	maxToken = 256
)

// scope is the set of things a token allows.
type scope uint8

const (
	scopeRead     scope = 1 << iota // every GET
	scopeRegister                   // register accounts
	scopeWrite                      // everything else; admin only

	scopeAdmin = scopeRead | scopeRegister | scopeWrite
	scopeNone  = scope(0) // for requests that need no token
)

// scopes are the names of scopes in a token file.
var scopes = map[string]scope{"read": scopeRead, "register": scopeRegister, "admin": scopeAdmin}

// String returns the names of the scopes that allow s.
func (s scope) String() string {
	switch s {
	case scopeRead:
		return "read or admin"
	case scopeRegister:
		return "register or admin"
	}
	return "admin"
}

// Tokens are the secrets that clients show, and what each allows. Only their hashes are
// kept. They are immutable and may be used from any goroutine.
type Tokens struct {
	hashes [][sha256.Size]byte
	scopes []scope
	names  []string // what the log calls them: the name in the file, or the line
}

// LoadTokens reads a token file, in which each line is a scope (read, register or
// admin), a token, and perhaps the name that the log calls it. The error says what to do
// about each wrong line, and shows no token.
func LoadTokens(path string) (*Tokens, error) {
	text, err := textfile.Read(path, maxTokenFile, true)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("http.token_file %s: no such file; create it with a line: admin TOKEN, with a TOKEN from openssl rand -hex 32, and let only the user that farmproxy runs as read it (chmod 640, group farmproxy)", path)
	case err != nil:
		return nil, fmt.Errorf("http.token_file %s: %w", path, err)
	}
	t := new(Tokens)
	n := 0
	var wrong []error
	for line := range strings.Lines(text) {
		n++
		if err := t.add(line, n); err != nil {
			wrong = append(wrong, fmt.Errorf("http.token_file %s:%d: %w", path, n, err))
		}
		if len(wrong) == maxWrong {
			break
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	if len(t.hashes) == 0 {
		return nil, fmt.Errorf("http.token_file %s: it has no token; add a line: admin TOKEN, with a TOKEN from openssl rand -hex 32", path)
	}
	return t, nil
}

// add adds the token of line n. The same token may come again with another scope.
func (t *Tokens) add(line string, n int) error {
	line, _, _ = strings.Cut(line, "#")
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return nil
	}
	s, known := scopes[fields[0]]
	switch {
	case !known || len(fields) < 2 || len(fields) > 3: // not shown: it may be a token
		return errors.New("expected a scope, which is read, register or admin, then a space and a token, and perhaps a name for the log")
	case len(fields[1]) < minToken || len(fields[1]) > maxToken:
		return fmt.Errorf("expected a token of %d to %d characters, this one has %d; try openssl rand -hex 32", minToken, maxToken, len(fields[1]))
	case len(fields) == 3 && !viewlink.IsName(fields[2]): // not shown either
		return fmt.Errorf("expected a name of 1 to %d letters, digits and . _ @ - after the token", viewlink.MaxName)
	case len(t.hashes) >= maxTokens:
		return fmt.Errorf("expected at most %d tokens", maxTokens)
	}
	name := "token of line " + strconv.Itoa(n)
	if len(fields) == 3 {
		name = fields[2]
	}
	hash := sha256.Sum256([]byte(fields[1]))
	for i := range t.hashes {
		if t.hashes[i] == hash {
			t.scopes[i] |= s
			return nil
		}
	}
	t.hashes, t.scopes, t.names = append(t.hashes, hash), append(t.scopes, s), append(t.names, name)
	return nil
}

// allows returns what a token allows and the name that a log may use for it, or nothing
// if the token is unknown. It takes the same time for every token.
func (t *Tokens) allows(token string) (s scope, name string) {
	hash := sha256.Sum256([]byte(token))
	for i := range t.hashes {
		if subtle.ConstantTimeCompare(t.hashes[i][:], hash[:]) == 1 {
			s, name = t.scopes[i], t.names[i]
		}
	}
	return s, name
}
