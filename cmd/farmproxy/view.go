package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"time"

	"farmproxy/api"
	"farmproxy/proxy"
)

const viewCreateAbout = `Whoever opens the address sees the page, and can change nothing: for the wall of the control room, or for a customer. It works until the time that -for or -until gives, or until farmproxy view revoke. The address is shown once: farmproxy keeps a hash of its secret.

  farmproxy view create control-room
  farmproxy view create auditor -for 168h

Behind a reverse proxy, put its name in the place of the address's host.`

const viewRevokeAbout = `Pages that were opened with the link close within seconds.`

// printViewLinks prints view links for people.
func printViewLinks(w io.Writer, width int, answer json.RawMessage) error {
	var a api.ViewLinkList
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("the answer is no list of view links: %w", err)
	}
	if len(a.Links) == 0 {
		_, err := fmt.Fprintln(w, "there are no view links: farmproxy view create NAME makes one")
		return err
	}
	t := table{columns: []column{{title: "LINK", least: 12}, {title: "OPENED"}, {title: "BY", least: 12}, {title: "SINCE"}, {title: "UNTIL"}}}
	for i := range a.Links {
		l := &a.Links[i]
		t.add(printable(l.Name), ago(l.Opened, time.Now()), printable(l.By), when(&l.Since), when(l.Until))
	}
	return t.print(w, width)
}

func viewCreateCommand(flags *flag.FlagSet) run {
	a, terms := orderFlags(flags), addTermFlags(flags)
	return func(ctx context.Context, args []string, t terminal) int {
		if len(args) != 1 {
			return misused(t, "view create", "name the link, for example control-room")
		}
		order := api.ViewLinkOrder{Name: args[0]}
		var err error
		if order.Term, err = terms.term(time.Now()); err != nil {
			return misused(t, "view create", "%w", err)
		}
		return a.order(ctx, t, "view create", order, func(w io.Writer, answer json.RawMessage) error {
			var l proxy.MadeViewLink
			if err := json.Unmarshal(answer, &l); err != nil {
				return fmt.Errorf("the answer is no view link: %w", err)
			}
			_, err := fmt.Fprintln(w, printable(l.Address))
			return err
		})
	}
}

func viewRevokeCommand(flags *flag.FlagSet) run {
	a := orderFlags(flags)
	return func(ctx context.Context, args []string, t terminal) int {
		if len(args) != 1 {
			return misused(t, "view revoke", "name a link; farmproxy view list lists them")
		}
		return a.order(ctx, t, "view revoke", proxy.RevokeArgs{Name: args[0]}, func(w io.Writer, _ json.RawMessage) error {
			_, err := fmt.Fprintf(w, "%s: revoked\n", printable(args[0]))
			return err
		})
	}
}
