package netloop

import (
	"net/netip"
	"strings"
	"testing"
)

func TestWorkersAreNamedByTheirAddress(t *testing.T) {
	f := func(template, said, address, want string) {
		t.Helper()
		n, err := parseWorkerName(template)
		if err != nil {
			t.Errorf("%q: %v", template, err)
			return
		}
		if got := n.login(said, netip.MustParseAddrPort(address).Addr()); got != want {
			t.Errorf("%q of %s at %s: %q, want %q", template, said, address, got, want)
		}
	}
	const usual = "{ip1}x{ip2}x{ip3}x{ip4}"
	f(usual, "farm.rig", "192.0.2.17:4711", "farm.192x0x2x17")
	f(usual, "farm.rig.2", "192.0.2.17:4711", "farm.192x0x2x17")
	f(usual, "farm", "192.0.2.17:4711", "farm.192x0x2x17")
	f(usual, "farm.", "255.255.255.255:1", "farm.255x255x255x255")
	f(usual, "farm.rig", "[::ffff:192.0.2.17]:4711", "farm.192x0x2x17")
	f(usual, "farm.rig", "[2001:db8::a1b2:c304]:4711", "farm.a1xb2xc3x4")
	f(usual, "farm.rig", "[fe80::1%lo]:4711", "farm.0x0x0x1")
	f("rack{ip3}.{ip4}", "farm.rig", "10.1.2.3:4711", "farm.rack2.3")
	f("{ip4}{ip4}", "farm.rig", "10.1.2.3:4711", "farm.33")
	f("hall-7", "farm.rig", "10.1.2.3:4711", "farm.hall-7")
	f("", "farm.rig", "10.1.2.3:4711", "farm.rig")
}

func TestAMinerWithoutAnIPAddressKeepsItsName(t *testing.T) {
	n, err := parseWorkerName("{ip1}")
	if err != nil {
		t.Fatal(err)
	}
	if got := n.login("farm.rig", netip.Addr{}); got != "farm.rig" {
		t.Errorf("it is %q", got)
	}
}

func TestTemplatesThatMakeNoName(t *testing.T) {
	f := func(template, want string) {
		t.Helper()
		if n, err := parseWorkerName(template); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want an error with %q", template, n, err, want)
		}
	}
	f("{ip5}", "no variable {ip5}")
	f("{ip0}", "no variable {ip0}")
	f("{1}x{2}", "no variable {1}")
	f("{IP1}", "no variable {IP1}")
	f("{}", "no variable {}")
	f("{ip1", `a "{" without a "}"`)
	f("ip1}", `a "}" without a "{"`)
	f("{ip1}}", `a "}" without a "{"`)
	f("{{ip1}}", "no variable {{ip1}")
	f("{ip1} {ip2}", "without spaces")
	f("räck{ip1}", "ASCII")
	f(`"{ip1}"`, "quotes")
	f(strings.Repeat("x", 62)+"{ip1}", "up to 65 characters, expected at most 64")
	f(strings.Repeat("x", 129), "it has 129 characters, expected at most 128")
}

func TestTheServerRefusesATemplateThatMakesNoName(t *testing.T) {
	_, err := New(Options{Settings: Settings{WorkerName: "{ip1}x{port}"}})
	if err == nil || !strings.Contains(err.Error(), `miners.worker_name = "{ip1}x{port}": there is no variable {port}`) {
		t.Errorf("error %v", err)
	}
}
