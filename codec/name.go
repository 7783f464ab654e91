package codec

// A miner's name ends up in the pool's JSON, in metric labels, in logs and on
// a web page. Only characters that are harmless in all of them get through.

// CleanName returns a login as it is used from then on: printable ASCII without
// space, quotes, backslash, backtick and angle brackets; everything else is
// left out, and what is beyond MaxName cut off. "" when nothing is left.
func CleanName(name []byte) string {
	clean := make([]byte, 0, len(name))
	for _, c := range name {
		if nameByte(c) && len(clean) < MaxName {
			clean = append(clean, c)
		}
	}
	return string(clean)
}

// IsName reports whether a login, as a miner writes it, is the one that was
// cleaned to name.
func IsName(name string, login []byte) bool {
	n := 0
	for _, c := range login {
		if !nameByte(c) || n == MaxName {
			continue
		}
		if n == len(name) || name[n] != c {
			return false
		}
		n++
	}
	return n == len(name)
}

func nameByte(c byte) bool {
	return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\' && c != '<' && c != '>' && c != '`'
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
