package proxy

import (
	"slices"
	"time"

	"farmproxy/api"
	"farmproxy/wish"
)

// Curtail implements api.Orders.
func (d desk) Curtail(by string, order api.CurtailOrder) (*api.Curtailment, error) {
	if groups := d.known.groups(); order.Group != "" && !slices.Contains(groups, order.Group) {
		return nil, api.NotFound("there is no group %q: %s", order.Group, these(groups, "no worker has one; miners.worker_group makes them"))
	}
	now := d.now()
	from, until, err := order.Times(now)
	if err != nil {
		return nil, err
	}
	c := wish.Curtailment{Note: wish.Note{By: by, Since: now.Round(0), Until: until.Round(0)}, Reason: order.Reason}
	if order.From != "" {
		c.From = from
	}
	if err := d.change(func(all *wish.Orders) error { return all.Curtail(order.Group, c) }); err != nil {
		return nil, err
	}
	d.noted(order.Group, ofGroup(order.Group, c.String()), by, until)
	a := curtailment(order.Group, c)
	return &a, nil
}

// Uncurtail implements api.Orders.
func (d desk) Uncurtail(by, group string) error {
	return d.takeBack(group, ofGroup(group, "miners are not off on purpose"), by, func(all *wish.Orders) error {
		if _, there := all.Uncurtail(group); !there {
			return api.NotFound("no curtailment of %s is ordered; GET /api/v1/curtailments and farmproxy curtail list them", groupWord(group))
		}
		return nil
	})
}

// ofGroup says of which group something is said; of all miners: no more.
func ofGroup(group, what string) string {
	if group == "" {
		return what
	}
	return "group " + group + ": " + what
}

// groupWord names a group, or all miners.
func groupWord(group string) string {
	if group == "" {
		return "the farm"
	}
	return "group " + group
}

// Curtailments implements api.Orders.
func (d desk) Curtailments() []api.Curtailment {
	list := []api.Curtailment{}
	d.view(func(all *wish.Orders) {
		for _, o := range all.List() {
			if c, there := all.CurtailmentOf(o.Name); there && o.Kind == wish.OfGroup {
				list = append(list, curtailment(o.Name, c))
			}
		}
	})
	return list
}

func curtailment(group string, c wish.Curtailment) api.Curtailment {
	from := c.From
	if from.IsZero() {
		from = c.Since
	}
	return api.Curtailment{Group: group, From: from.UTC().Truncate(time.Second), Reason: c.Reason, Note: note(c.Note)}
}
