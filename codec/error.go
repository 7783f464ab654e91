package codec

// Kind says how a peer's bytes were malformed.
type Kind uint8

const (
	// Syntax is a line that is not JSON, or not a Stratum message. The next
	// line may be fine.
	Syntax Kind = iota
	// NotStratum is a first byte that is not '{': TLS, HTTP, RDP, noise.
	NotStratum
	// TooDeep is nesting beyond MaxDepth.
	TooDeep
	// BadFrame is an agent's frame that claims to be shorter than its header.
	BadFrame
)

// Error is the only error type for malformed bytes. All values are preallocated: a
// hostile peer must not make us allocate.
type Error struct {
	Kind Kind
	text string
}

func (e *Error) Error() string { return e.text }

// Fatal reports whether the peer does not speak Stratum at all, or is attacking: the
// connection is not worth keeping.
func (e *Error) Fatal() bool { return e.Kind != Syntax }

var (
	errSyntax     = &Error{Syntax, "not a JSON object"}
	errNotMessage = &Error{Syntax, "neither a request nor a reply"}
	errNotStratum = &Error{NotStratum, "the first byte is not '{'"}
	errTooDeep    = &Error{TooDeep, "nested deeper than 8"}
)

// ErrBadFrame is the error of BadFrame.
var ErrBadFrame = &Error{BadFrame, "an agent frame's length is below 4"}
