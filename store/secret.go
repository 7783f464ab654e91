package store

import (
	"fmt"
	"log/slog"
)

// hidden is how a Secret shows itself.
const hidden = "(hidden)"

// Secret is text that never gets out by accident: it prints, logs and encodes as
// "(hidden)", even inside other values. The zero value is the empty text. Compare
// Secrets with Reveal, not with ==.
type Secret struct {
	value *string // a pointer: fmt prints the fields of unexported fields, but follows no pointer there
}

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

func (s Secret) String() string               { return hidden }
func (s Secret) GoString() string             { return hidden }
func (s Secret) Format(f fmt.State, _ rune)   { fmt.Fprint(f, hidden) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(hidden) }
