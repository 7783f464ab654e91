package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestBalancers(t *testing.T) {
	f := func(texts string, want ...string) {
		t.Helper()
		l := Listener{ProxyProtocol: strings.Fields(texts)}
		var got []string
		for _, p := range l.Balancers() {
			got = append(got, p.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", texts, got, want)
		}
	}
	f("")
	f("127.0.0.1 10.0.0.7/24", "127.0.0.1/32", "10.0.0.0/24")
	f("::ffff:10.0.0.1", "10.0.0.1/32")
	f("2001:db8::1 fe80::1%eth0", "2001:db8::1/128", "fe80::1/128")
}

func TestWhatIsNoBalancer(t *testing.T) {
	for _, text := range []string{"balancer.example", "10.0.0.0/33", "", "10.0.0.1:3333"} {
		wantProblem(t, fmt.Sprintf("[[listener]]\naddress = ':3333'\nproxy_protocol = ['127.0.0.1', '%s']\n", text)+onePool,
			"listener[1].proxy_protocol[2]", "a balancer that sends the PROXY header")
	}
}
