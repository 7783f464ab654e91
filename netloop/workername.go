package netloop

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"farmproxy/codec"
)

// workerName names workers by their miner's address, as the template
// "{ip1}x{ip2}x{ip3}x{ip4}" makes 192x0x2x17 of 192.0.2.17. Where the miners of
// a farm all log in under one name it tells them apart; where their addresses
// follow the racks it tells where one stands.
//
// nil leaves miners the names that they say.
type workerName []namePart

// namePart is text as it stands, or one number of the address.
type namePart struct {
	text   string
	number int // 1 to 4; 0: text
}

// maxWorkerName bounds what a template makes, so that with an account's name
// before it (codec.MaxName) it stays a name that has books of its own.
const maxWorkerName = 64

// maxNumber is how many digits a number of an address has at most.
const maxNumber = 3

// parseWorkerName reads a template: text, and {ip1} to {ip4}. "" is nil. The
// error says what is wrong with it and what is expected.
func parseWorkerName(template string) (workerName, error) {
	if len(template) > codec.MaxName {
		return nil, fmt.Errorf("it has %d characters, expected %d at most", len(template), codec.MaxName)
	}
	if codec.CleanName([]byte(template)) != template {
		return nil, errors.New("a worker's name has no other characters than printable ASCII, and no spaces, quotes, backslashes and angle brackets")
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
		return nil, fmt.Errorf("it makes names of up to %d characters, expected %d at most", longest, maxWorkerName)
	}
	return n, nil
}

// login returns the login that a miner is looked up and booked under: the
// account in the one that it says, up to the first dot, with the name that its
// address gives. Without an IP address it is the one that it says.
func (n workerName) login(said string, ip netip.Addr) string {
	if n == nil || !ip.IsValid() {
		return said
	}
	account, _, _ := strings.Cut(said, ".")
	return string(n.append(append([]byte(account), '.'), ip))
}

// append appends the name that an address gives. The numbers of an IPv4
// address are decimal; an IPv6 address has its last four bytes in hex, without
// leading zeros: so the names stay what they were under BTCAgent.
func (n workerName) append(dst []byte, ip netip.Addr) []byte {
	ip = ip.Unmap()
	base, numbers := 16, ip.As16()
	if ip.Is4() {
		base = 10
	}
	for _, part := range n {
		if part.number == 0 {
			dst = append(dst, part.text...)
		} else {
			dst = strconv.AppendUint(dst, uint64(numbers[11+part.number]), base)
		}
	}
	return dst
}
