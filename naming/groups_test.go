package naming

import (
	"net/netip"
	"strings"
	"testing"
)

// groupsOf parses templates, separated by spaces.
func groupsOf(t *testing.T, templates string) Groups {
	t.Helper()
	g, wrong := ParseGroups(strings.Fields(templates))
	for _, err := range wrong {
		t.Fatalf("%s: %v", templates, err)
	}
	return g
}

// How farms name their workers, and what their halls and racks come to.
func TestUsualSchemes(t *testing.T) {
	f := func(templates, worker, address, want string) {
		t.Helper()
		ip, _ := netip.ParseAddr(address)
		if got := groupsOf(t, templates).Of(worker, ip); got != want {
			t.Errorf("%s: %s at %q is in %q, want %q", templates, worker, address, got, want)
		}
	}
	const ip = "10.0.7.12"

	f(`{name:R\d+L\d+}`, "farm.R1L1N2", ip, "R1L1")
	f(`{name:R\d+L\d+}`, "farm.R14L3N27", ip, "R14L3")
	f(`rack-{name:R(\d+)L}`, "farm.R14L3N27", ip, "rack-14")
	f(`{name:(?i)r(\d+)l\d+n}`, "farm.r14l3n27", ip, "14")

	f(`{name:hall(\w)-}`, "farm.hallA-r01-01", ip, "A")
	f(`{name:hall\w-r\d+}`, "farm.hallA-r01-01", ip, "hallA-r01")
	f(`{name:hall(\w)}/{name:-r(\d+)-}`, "farm.hallA-r01-01", ip, "A/01")
	f(`{name:hall-(\w+)}`, "farm.hall-north.7", ip, "north")

	f(`{name:(\d+x\d+x\d+)x\d+$}`, "farm.10x0x7x12", ip, "10x0x7")
	f(`{name:\.\d+x\d+x(\d+)x}`, "farm.10x0x7x12", ip, "7")
	f(`{name:\d{1,3}x\d{1,3}x(\d{1,3})x}`, "farm.10x0x7x12", ip, "7")

	f(`{ip1}.{ip2}.{ip3}`, "farm.rig", ip, "10.0.7")
	f(`rack-{ip3}`, "farm.rig", "::ffff:10.0.7.12", "rack-7")
	f(`{ip3}`, "farm.rig", "2001:db8::a1b2:c304", "c3")

	f(`{name:^[^.]+}`, "alice.rig", ip, "alice")
	f(`{name:\.(.+)-\d+$}`, "bc1qexample.north-s19-17", ip, "north-s19")
	f(`{name:\{(\w+)\}}`, "farm.{north}7", ip, "north")
	f(`{name:\}(\d{1,2})}`, "farm.{north}7", ip, "7")
}

func TestTheFirstTemplateThatFitsCounts(t *testing.T) {
	f := func(templates, worker, address, want string) {
		t.Helper()
		ip, _ := netip.ParseAddr(address)
		if got := groupsOf(t, templates).Of(worker, ip); got != want {
			t.Errorf("%s: %s at %q is in %q, want %q", templates, worker, address, got, want)
		}
	}
	const racks = `{name:R\d+L\d+} {name:hall(\w)} rack-{ip3} elsewhere`
	f(racks, "farm.R1L2N3", "10.0.7.12", "R1L2")
	f(racks, "farm.hallB-7", "10.0.7.12", "B")
	f(racks, "farm.rig", "10.0.7.12", "rack-7")
	f(racks, "farm.rig", "", "elsewhere")
	f(`{name:R\d+} {ip3}`, "farm.rig", "", "")
	f("", "farm.R1L2N3", "10.0.7.12", "")
	f(`{name:hall(\w*)-} {ip4}`, "farm.hall-7", "10.0.7.12", "12") // an empty part is none
	f(`{name:R(\d+)?L} {ip4}`, "farm.RL", "10.0.7.12", "12")
	f(`{name:a}{name:b} {ip4}`, "farm", "10.0.7.12", "12") // one of two parts is not enough

	long := strings.Repeat("x", maxGroup)
	f(`{name:x+} {ip4}`, long, "10.0.7.12", long)
	f(`{name:x+} {ip4}`, long+"x", "10.0.7.12", "12")
}

func TestTemplatesThatCanNotBeUsed(t *testing.T) {
	f := func(template, want string) {
		t.Helper()
		_, wrong := ParseGroups([]string{"{ip1}", template})
		if len(wrong) != 1 || wrong[0].Index != 1 || !strings.Contains(wrong[0].Error(), want) {
			t.Errorf("%q: %v, want the second template to be refused with %q", template, wrong, want)
		}
	}
	f("", "expected text with {name:REGEXP}")
	f("{ip5}", "there is no variable {ip5}")
	f("{ip0}", "there is no variable {ip0}")
	f("{}", "there is no variable {}")
	f("{Name:x}", "there is no variable {Name:x}")
	f("{name}", "there is no variable {name}")
	f("{name:}", "has no expression")
	f("{ip1", `a "{" without its "}"`)
	f(`{name:\d{2}`, `a "{" without its "}"; try \{`)
	f("ip1}", `a "}" without its "{"`)
	f("{ip1}}", `a "}" without its "{"`)
	f(`R\d+`, "a backslash outside of braces")
	f(`"{ip1}"`, "without quotes")
	f("hall\x00{ip1}", "printable ASCII")
	f("hälle-{ip1}", "printable ASCII")
	f(`{name:(}`, "missing closing )")
	f(`{name:a(?=b)}`, "RE2's syntax, without lookahead")
	f(`{name:(a)(b)}`, "has 2 pairs of parentheses, expected at most one")
	f(`{name:\w{600}}`, "steps, expected at most 500; try +")
	f(strings.Repeat("x", maxTemplate+1), "expected at most 256 bytes")

	_, wrong := ParseGroups([]string{"everybody", "{ip1}", "{ip5}"})
	if len(wrong) != 2 || wrong[0].Index != 0 || !strings.Contains(wrong[0].Want, "none reaches the next template") || wrong[1].Index != 2 {
		t.Errorf("a text that hides the next template, and one more mistake: %v", wrong)
	}
}

func TestSameGroups(t *testing.T) {
	one, two := groupsOf(t, `{name:R\d+} {ip3}`), groupsOf(t, `{name:R\d+} {ip4}`)
	if !one.Same(groupsOf(t, `{name:R\d+} {ip3}`)) || one.Same(two) || one.Same(Groups{}) || !(Groups{}).Same(groupsOf(t, "")) {
		t.Error("the same templates are taken for others, or others for the same")
	}
}

// Whatever an operator writes and a miner says: no panic, no group that is too long, and
// what is refused says what to do.
func FuzzGroups(f *testing.F) {
	f.Add(`{name:hall(\w)}-{ip3}`, "farm.hallA-r01-01")
	f.Add(`{name:\{x{1,2}(y|)\}}`, "{xx}")
	ip := netip.MustParseAddr("10.0.7.12")
	f.Fuzz(func(t *testing.T, template, name string) {
		g, wrong := ParseGroups([]string{template})
		for _, err := range wrong {
			if err.Want == "" {
				t.Errorf("%q is refused without a word", template)
			}
		}
		if got := g.Of(name, ip); len(got) > maxGroup {
			t.Errorf("%q makes a group of %d bytes of %q", template, len(got), name)
		}
	})
}
