package codec

import (
	"bytes"
	"hash/fnv"
	"strings"
)

// A miner's name ends up in the pool's JSON, in metric labels, in logs and on a web
// page. Only characters that are harmless in all of them are kept.

// CleanName returns the form of a login that is used from then on: printable ASCII
// without space, quotes, backslash, backtick and angle brackets. Everything else is
// percent-encoded, and so is a percent sign that would look like an encoded byte's, so
// that different names stay different. A name longer than MaxName ends in a digest of
// all of it. Surrounding white space is dropped. "" if nothing is left.
func CleanName(name []byte) string {
	var clean [MaxName]byte
	return string(AppendName(clean[:0], name))
}

// JoinName returns the clean login of an account's worker. The account is already
// clean: what is encoded in it must not be encoded again.
func JoinName(account string, worker []byte) string {
	var buf [2*MaxName + 1]byte
	login := AppendName(append(append(buf[:0], account...), '.'), worker)
	if len(login) > MaxName {
		login = appendDigest(append([]byte(nil), login[:MaxName-digestLen]...), login)
	}
	return string(login)
}

// digestLen is the length of a long name's digest: a tilde, and 48 bits.
const digestLen = 1 + 12

// AppendName appends the clean form of a login, as CleanName returns it: MaxName bytes at
// most.
func AppendName(dst, login []byte) []byte {
	login = bytes.TrimFunc(login, func(r rune) bool { return r <= ' ' })
	start := len(dst)
	for i, c := range login {
		size := 1
		if !nameByte(c) || c == '%' && isEncoded(login[i:]) {
			size = 3
		}
		if len(dst)-start+size > MaxName {
			return appendDigest(dst[:start+MaxName-digestLen], login)
		}
		if size == 1 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&0xf])
		}
	}
	return dst
}

// upperHex are the hex digits of percent-encoding (RFC 3986).
const upperHex = "0123456789ABCDEF"

// isEncoded reports whether text, which starts with a percent sign, starts with
// AppendName's encoding of a disallowed byte: %20, or of a name that contains %20:
// %2520, and so on.
func isEncoded(text []byte) bool {
	text = text[1:]
	for bytes.HasPrefix(text, percent) {
		text = text[len(percent):]
	}
	if len(text) < 2 {
		return false
	}
	hi, lo := strings.IndexByte(upperHex, text[0]), strings.IndexByte(upperHex, text[1])
	return hi >= 0 && lo >= 0 && !nameByte(byte(hi<<4|lo))
}

var percent = []byte("25") // encoded

// appendDigest appends a digest that tells a long name from others with the same
// beginning.
func appendDigest(dst, login []byte) []byte {
	h := fnv.New64a()
	h.Write(login)
	sum := h.Sum64()
	dst = append(dst, '~')
	for shift := 44; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[sum>>shift&0xf])
	}
	return dst
}

func nameByte(c byte) bool {
	return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\' && c != '<' && c != '>' && c != '`'
}

// IsSpelling reports whether a login is another spelling of name, of the account
// before name's first dot, or of name followed by a dot and more: the same letters and
// digits, in either case. A login without any is a spelling of every name.
func IsSpelling(name string, login []byte) bool {
	account, _, _ := strings.Cut(name, ".")
	return spells("", login, false) || spells(name, login, true) || spells(account, login, false)
}

// spells reports whether two texts have the same letters and digits, in either case. With
// upToDot it is enough if the login does so up to one of its dots. The login is read once: a
// miner may send thousands of dots with each share.
func spells(name string, login []byte, upToDot bool) bool {
	at := nextFolded(name, 0)
	for _, c := range login {
		if upToDot && c == '.' && at == len(name) {
			return true
		}
		if c = folded(c); c == 0 {
			continue
		}
		if at == len(name) || folded(name[at]) != c {
			return false
		}
		at = nextFolded(name, at+1)
	}
	return at == len(name)
}

// nextFolded returns where name's next letter or digit is, from at on; its length if there
// is none.
func nextFolded(name string, at int) int {
	for at < len(name) && folded(name[at]) == 0 {
		at++
	}
	return at
}

// folded returns letters in lower case, digits and bytes outside ASCII as they are,
// and 0 for any other byte.
func folded(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A'
	case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c >= 0x80:
		return c
	}
	return 0
}

// CleanText returns text for a log line or a miner's error message: printable
// ASCII without quotes and backslashes, at most max bytes.
func CleanText(text []byte, max int) string {
	clean := make([]byte, 0, min(len(text), max))
	for _, c := range text {
		if len(clean) == max {
			break
		}
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			clean = append(clean, c)
		}
	}
	return string(clean)
}
