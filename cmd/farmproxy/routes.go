package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"farmproxy/api"
	"farmproxy/plain"
)

const routesAbout = `The routes that are split: what each goal should get of the work now (WISH %), what it was to get and got over the last 10 minutes (WISHED %, PART %), and its miners. A wish comes from the weight, after schedule and orders, among the goals that are up. Miners that were moved are counted since farmproxy runs; why moves could not be made stands below.`

// printRoutes prints routes for people.
func printRoutes(w io.Writer, width int, answer json.RawMessage) error {
	var a api.Routes
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("the answer is no list of routes: %w", err)
	}
	if len(a.Routes) == 0 {
		_, err := fmt.Fprintln(w, "no route is split: one with several [[route.goal]] is, once it has a miner")
		return err
	}
	t := table{columns: []column{{title: "ROUTE", least: 8}, {title: "GOAL", least: 8}, {title: "WEIGHT", right: true}, {title: "WISH %", right: true}, {title: "WISHED %", right: true}, {title: "PART %", right: true}, {title: "MINERS", right: true}, {title: "HASH RATE", right: true}, {title: "MOVED", right: true}}}
	var remarks []string
	for _, r := range a.Routes {
		for i := range r.Goals {
			g := &r.Goals[i]
			t.add(printable(r.Route), printable(g.Goal), plain.Number(g.Weight), part(&g.Wish), part(g.Wished), part(g.Part), plain.Count(g.Miners), plain.HashRate(g.HashRate), plain.Count(sum(g.Moves)))
			remarks = append(remarks, goalRemarks(&r, g)...)
		}
	}
	if err := t.print(w, width); err != nil {
		return err
	}
	return printLines(w, remarks)
}

// goalRemarks say what a goal's row has no room for.
func goalRemarks(r *api.RouteState, g *api.GoalState) (list []string) {
	name := r.Route + ", " + g.Goal
	if !g.Up {
		list = append(list, name+": down, none of its pools works or may be used")
	}
	if g.Fits < r.Miners {
		list = append(list, fmt.Sprintf("%s: only %d of %d miners can work there, by their extranonce2 and version bits", name, g.Fits, r.Miners))
	}
	if g.Source != "configuration" {
		text := fmt.Sprintf("%s: weight %s, source %s", name, plain.Number(g.Weight), g.Source)
		if g.Until != nil {
			text += ", until " + when(g.Until)
		}
		list = append(list, text)
	}
	for _, why := range slices.Sorted(maps.Keys(g.Refused)) {
		list = append(list, fmt.Sprintf("%s: %d moves there were refused: %s", name, g.Refused[why], why))
	}
	return list
}

// part is a fraction in percent; "-" where it is not known.
func part(x *float64) string {
	if x == nil {
		return plain.Unknown
	}
	return plain.Percent(*x, 1)
}
