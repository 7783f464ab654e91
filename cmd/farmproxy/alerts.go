package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"farmproxy/alert"
	"farmproxy/api"
)

const alertsAbout = `What holds for long enough is firing: a page, that somebody has to look now, or a ticket, that it can wait until the day. What has just begun is pending, and what is over since lately resolved. Below the table stands what is wrong in full, and what to do about what is firing. docs/alerts.md lists the rules.`

// printAlerts prints alerts for people.
func printAlerts(w io.Writer, width int, answer json.RawMessage) error {
	var a api.AlertList
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("the answer is no list of alerts: %w", err)
	}
	now := time.Now()
	var head, lines []string
	if a.CutOffSince != nil {
		head = append(head, fmt.Sprintf("Neither a pool nor a channel can be reached since %s: messages wait.", when(a.CutOffSince)))
	}
	switch {
	case a.LookedAt == nil && len(a.Alerts) == 0:
		head = append(head, "farmproxy has just started, and has not looked for trouble yet: ask again in 15 seconds.")
	case a.LookedAt == nil:
		head = append(head, "farmproxy has just started, and has not looked for trouble yet: this is what was wrong before.")
	case len(a.Alerts) == 0:
		head = append(head, "Nothing is wrong.")
	}
	if err := printLines(w, head); err != nil {
		return err
	}
	if len(a.Alerts) == 0 {
		return printLines(w, curtailed(a.Curtailments))
	}
	t := table{columns: []column{{title: "STATE"}, {title: "SEVERITY"}, {title: "FOR", right: true}, {title: "RULE"}, {title: "WHAT", least: 30}}}
	said := make(map[string]bool)
	for i := range a.Alerts {
		x := &a.Alerts[i]
		t.add(string(x.State), string(x.Severity), ago(&x.Since, now), x.Rule, printable(x.Text))
		if x.State != alert.Resolved {
			lines = append(lines, "")
			lines = append(lines, strings.Split(fold(x.Sentence(when(&x.Since))), "\n")...)
		}
		if x.State == alert.Firing && !said[x.Rule] {
			lines = append(lines, strings.Split(fold(x.Do), "\n")...)
			said[x.Rule] = true
		}
	}
	if err := t.print(w, width); err != nil {
		return err
	}
	return printLines(w, append(lines, curtailed(a.Curtailments)...))
}

// curtailed says when miners are off on purpose, if they ever are.
func curtailed(list []api.Curtailment) (lines []string) {
	for i := range list {
		lines = append(lines, curtailmentText(&list[i]))
	}
	return lines
}

// whose names the miners of a group.
func whose(group string) string {
	if group == "" {
		return "all miners"
	}
	return "group " + group
}

// curtailmentText says when the miners of a group are off.
func curtailmentText(c *api.Curtailment) string {
	text := fmt.Sprintf("%s: off on purpose from %s until %s, by %s", whose(c.Group), when(&c.From), when(c.Until), c.By)
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}
