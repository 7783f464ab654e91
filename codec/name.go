package codec

// A miner's name ends up in the pool's JSON, in metric labels, in logs and on
// a web page. Only characters that are harmless in all of them get through.

// ValidName reports whether a login can be taken as it is: 1..MaxName bytes of
// printable ASCII without space, quotes, backslash and angle brackets.
func ValidName(name []byte) bool {
	if len(name) == 0 || len(name) > MaxName {
		return false
	}
	for _, c := range name {
		if !nameByte(c) {
			return false
		}
	}
	return true
}

// CleanName returns name with every byte that ValidName forbids left out, cut
// at MaxName.
func CleanName(name []byte) string {
	clean := make([]byte, 0, len(name))
	for _, c := range name {
		if nameByte(c) && len(clean) < MaxName {
			clean = append(clean, c)
		}
	}
	return string(clean)
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
