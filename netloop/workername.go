package netloop

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"farmproxy/codec"
	"farmproxy/naming"
)

// workerName names workers by their miner's address, as the template
// "{ip1}x{ip2}x{ip3}x{ip4}" turns 192.0.2.17 into 192x0x2x17. It tells the miners of a
// farm apart if all log in under one name, and shows where one stands if addresses
// follow the racks.
//
// nil leaves miners the names that they send.
type workerName []namePart

// namePart is literal text, or one number of the address.
type namePart struct {
	text   string
	number int // 1 to 4; 0: text
}

// maxWorkerName bounds a template's result, so that with the account's name before it
// (codec.MaxName) it is still a name that can have its own books.
const maxWorkerName = 64

// maxNumber is the most digits that a number of an address has.
const maxNumber = 3

// parseWorkerName parses a template: text, and {ip1} to {ip4}. "" gives nil. The error
// says what is wrong with it and what is expected.
func parseWorkerName(template string) (workerName, error) {
	if len(template) > codec.MaxName {
		return nil, fmt.Errorf("it has %d characters, expected at most %d", len(template), codec.MaxName)
	}
	if codec.CleanName([]byte(template)) != template {
		return nil, errors.New("a worker's name may only contain printable ASCII, without spaces, quotes, backslashes and angle brackets")
	}
	var n workerName
	longest := 0
	for rest := template; rest != ""; {
		text, after, open := strings.Cut(rest, "{")
		if strings.Contains(text, "}") {
			return nil, errors.New(`it has a "}" without a "{": expected {ip1} to {ip4}`)
		}
		if text != "" {
			n = append(n, namePart{text: text})
			longest += len(text)
		}
		if !open {
			break
		}
		variable, after, closed := strings.Cut(after, "}")
		if !closed {
			return nil, errors.New(`it has a "{" without a "}": expected {ip1} to {ip4}`)
		}
		switch variable {
		case "ip1", "ip2", "ip3", "ip4":
			n = append(n, namePart{number: int(variable[2] - '0')})
			longest += maxNumber
		default:
			return nil, fmt.Errorf("there is no variable {%s}: expected {ip1} to {ip4}, the numbers of the miner's address", variable)
		}
		rest = after
	}
	if longest > maxWorkerName {
		return nil, fmt.Errorf("it makes names of up to %d characters, expected at most %d", longest, maxWorkerName)
	}
	return n, nil
}

// login returns the login under which a miner is looked up and booked: the account of
// the one it sent, up to the first dot, with the name that its address gives. Without
// an IP address it is the login as sent.
func (n workerName) login(said string, ip netip.Addr) string {
	if n == nil || !ip.IsValid() {
		return said
	}
	account, _, _ := strings.Cut(said, ".")
	return string(n.append(append([]byte(account), '.'), ip))
}

// append appends the name that an address gives.
func (n workerName) append(dst []byte, ip netip.Addr) []byte {
	for _, part := range n {
		if part.number == 0 {
			dst = append(dst, part.text...)
		} else {
			dst = naming.AppendNumber(dst, ip, part.number)
		}
	}
	return dst
}
