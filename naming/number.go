package naming

import (
	"net/netip"
	"strconv"
)

// Numbers is how many numbers of an address templates have, as {ip1} to {ip4}.
const Numbers = 4

// AppendNumber appends number n of an address, 1 to Numbers. The numbers of an IPv4
// address are decimal; an IPv6 address has its last four bytes in hex, without leading
// zeros, so that names stay the same as under BTCAgent.
func AppendNumber(dst []byte, ip netip.Addr, n int) []byte {
	ip = ip.Unmap()
	bytes, base := ip.As16(), 16
	if ip.Is4() {
		base = 10
	}
	return strconv.AppendUint(dst, uint64(bytes[len(bytes)-1-Numbers+n]), base)
}
