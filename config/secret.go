package config

import "log/slog"

// Secret is a string that is never shown: in a log line, an error, JSON or %v it is
// "***", or "" if empty. Only the code that has to send it may reveal it with
// string(s).
type Secret string

const redacted = "***"

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

func (s Secret) GoString() string             { return `"` + s.String() + `"` }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(s.String()) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
