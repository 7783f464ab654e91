package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"farmproxy/alert"
	"farmproxy/api"
)

const alertsAbout = `What holds for long enough is firing: a page, that somebody has to look now, or a ticket, that it can wait until the day. What has just begun is pending, and what is over since lately resolved. Below the table stands what to do. docs/alerts.md lists the rules.`

// printAlerts prints alerts for people.
func printAlerts(w io.Writer, answer json.RawMessage) error {
	var a api.AlertList
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("the answer is no list of alerts: %w", err)
	}
	if a.CutOffSince != nil {
		if _, err := fmt.Fprintf(w, "Neither a pool nor a channel can be reached since %s: messages wait.\n", a.CutOffSince.Local().Format(minutes)); err != nil {
			return err
		}
	}
	if len(a.Alerts) == 0 {
		if _, err := fmt.Fprintln(w, "Nothing is wrong."); err != nil {
			return err
		}
		return printCurtailed(w, a.Curtailments)
	}
	t := table{columns: []column{{title: "STATE"}, {title: "SINCE"}, {title: "RULE", least: 12}, {title: "WHAT", least: 30}}}
	for i := range a.Alerts {
		x := &a.Alerts[i]
		state := string(x.State)
		if x.State == alert.Firing && x.Severity == alert.Page {
			state += "!"
		}
		t.add(state, x.Since.Local().Format(minutes), x.Rule, printable(x.Text))
	}
	if err := t.print(w, tableWidth); err != nil {
		return err
	}
	said := make(map[string]bool)
	for i := range a.Alerts {
		x := &a.Alerts[i]
		if x.State != alert.Firing {
			continue
		}
		if _, err := fmt.Fprintln(w, "\n"+fold(printable(x.Text))); err != nil {
			return err
		}
		if !said[x.Rule] {
			if _, err := fmt.Fprintln(w, fold(x.Do)); err != nil {
				return err
			}
		}
		said[x.Rule] = true
	}
	return printCurtailed(w, a.Curtailments)
}

// printCurtailed prints when miners are off on purpose, if they ever are.
func printCurtailed(w io.Writer, list []api.Curtailment) error {
	for i := range list {
		if _, err := fmt.Fprintln(w, printable(curtailmentText(&list[i]))); err != nil {
			return err
		}
	}
	return nil
}

// curtailmentText says when the miners of a group are off.
func curtailmentText(c *api.Curtailment) string {
	who := "all miners"
	if c.Group != "" {
		who = "group " + c.Group
	}
	text := fmt.Sprintf("%s: off on purpose from %s until %s, by %s", who, c.From.Local().Format(minutes), localOr(c.Until, "taken back"), c.By)
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

func localOr(t *time.Time, otherwise string) string {
	if t == nil {
		return otherwise
	}
	return t.Local().Format(minutes)
}
