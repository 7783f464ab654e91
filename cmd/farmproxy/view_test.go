package main

import (
	"strings"
	"testing"
	"time"

	"farmproxy/api"
	"farmproxy/proxy"
)

// Each case is a command line, what it asks of the running farmproxy, and what it prints.
func TestViewLinkCommands(t *testing.T) {
	since := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	opened := time.Now().Add(-3 * time.Hour)
	wall := api.ViewLink{Name: "wall", Note: api.MakeNote("user anna", since, since.Add(time.Hour)), Opened: &opened}
	c := newClerk(t, map[string]any{
		"view list":   api.ViewLinkList{Links: []api.ViewLink{wall, {Name: "phone", Note: api.MakeNote("ann at 192.0.2.7", since, time.Time{})}}},
		"view create": proxy.MadeViewLink{NewViewLink: api.NewViewLink{ViewLink: wall, Path: "/#view=X"}, Address: "http://farm:8080/#view=X"},
		"view revoke": nil,

		"view create dry-run": api.OrderEffects{DryRun: true, Effects: []string{"Whoever has it sees all."}},
		"view revoke dry-run": api.OrderEffects{DryRun: true, Effects: []string{"1 page closes."}},
	})
	here := strings.NewReplacer("<since>", since.Local().Format(minutes), "<end>", since.Add(time.Hour).Local().Format(minutes))
	f := func(line, asked, out string) {
		t.Helper()
		code, got, said := invoke(t, append(strings.Fields(line), "-socket", c.socket)...)
		if code != exitOK || said != "" || c.asked != asked || got != here.Replace(out) {
			t.Errorf("farmproxy %s: %d %s\nasked %s\nwant  %s\n%s", line, code, said, c.asked, asked, got)
		}
	}
	f("view list", "view list null", `LINK   OPENED  BY                SINCE             UNTIL
wall   3 h     user anna         <since>  <end>
phone  never   ann at 192.0.2.7  <since>  -
`)
	f("view create wall -for 1h", `view create {"for":"1h","name":"wall"}`, "http://farm:8080/#view=X\n")
	f("view revoke wall", `view revoke {"name":"wall"}`, "wall: revoked\n")
	const dry = "Nothing was changed: this was a dry run.\n"
	f("view create wall -for 1h -dry-run", `view create dry-run {"for":"1h","name":"wall"}`, "Whoever has it sees all.\n"+dry)
	f("view revoke wall -dry-run", `view revoke dry-run {"name":"wall"}`, "1 page closes.\n"+dry)
	var none strings.Builder
	if err := printViewLinks(&none, 0, []byte(`{"links":[]}`)); err != nil || none.String() != "there are no view links: farmproxy view create NAME makes one\n" {
		t.Errorf("%v\n%s", err, none.String())
	}
	for _, line := range []string{"view create", "view create a b", "view create wall -for soon", "view revoke"} {
		if code, _, said := invoke(t, strings.Fields(line)...); code != exitMisused || said == "" {
			t.Errorf("farmproxy %s: %d %s", line, code, said)
		}
	}
}
