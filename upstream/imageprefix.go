package upstream

import (
	"cmp"
	"net/netip"
	"slices"
)

// Images of which prefixes are whose.

type prefixesImage struct {
	Begun   uint32          `json:"begun"`
	Series  [2][]groupImage `json:"series"` // by length - 1
	Back    []Prefix        `json:"back,omitempty"`
	Private []privateImage  `json:"private,omitempty"`
	Numbers uint32          `json:"private_begun,omitempty"`
	Free    []uint32        `json:"private_free,omitempty"`
}

type groupImage struct {
	Group uint32   `json:"group"`
	Fresh int      `json:"fresh"`
	Next  uint16   `json:"next"`
	Free  []uint16 `json:"free,omitempty"`
}

type privateImage struct {
	Group    uint32 `json:"group"`
	From     string `json:"from,omitempty"`
	Released ago    `json:"released,omitempty"`
}

func (p Prefix) compare(o Prefix) int {
	return cmp.Or(cmp.Compare(p.Group, o.Group), cmp.Compare(p.Len, o.Len), cmp.Compare(p.Value, o.Value))
}

func textOf(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

func prefixOf(text string) netip.Prefix {
	p, _ := netip.ParsePrefix(text)
	return p
}

// prefixes makes the image. Which prefixes are in quarantine, the lanes' images say.
func (x *imaging) prefixes(p *Prefixes) prefixesImage {
	p.mu.Lock()
	defer p.mu.Unlock()
	image := prefixesImage{Begun: p.begun, Numbers: p.private.begun, Free: p.private.free}
	for i := range p.series {
		for _, g := range p.series[i].groups {
			image.Series[i] = append(image.Series[i], groupImage{g.group, g.fresh, g.next, g.free})
		}
	}
	for x, q := range p.held {
		if q.back {
			image.Back = append(image.Back, x)
		}
	}
	slices.SortFunc(image.Back, Prefix.compare)
	for group, g := range p.private.taken {
		image.Private = append(image.Private, privateImage{group, textOf(g.from), x.ago(g.released)})
	}
	slices.SortFunc(image.Private, func(a, b privateImage) int { return cmp.Compare(a.Group, b.Group) })
	return image
}

func (x *restoring) prefixes(p *Prefixes, image *prefixesImage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = image.Begun
	for i := range p.series {
		s := series{}
		for _, g := range image.Series[i] {
			s.groups = append(s.groups, &prefixes{group: g.Group, fresh: g.Fresh, next: g.Next, free: g.Free})
			s.free += len(g.Free)
		}
		p.series[i] = s
	}
	own := privateGroups{begun: image.Numbers, free: image.Free}
	if len(image.Private) > 0 {
		own.taken, own.homes = make(map[uint32]*privateGroup), make(map[netip.Prefix]int)
	}
	for _, g := range image.Private {
		from := prefixOf(g.From)
		own.taken[g.Group] = &privateGroup{from: from, released: x.time(g.Released)}
		own.homes[from]++
	}
	p.private = own
}

// returned notes which of the prefixes that are in quarantine nobody has any more. Those whose
// lanes did not come along are free, and so are released groups without a lane.
func (p *Prefixes) returned(list []Prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for group := range p.private.taken {
		p.drop(group)
	}
	for _, x := range list {
		if q := p.held[x]; q.lanes > 0 {
			q.back = true
			p.held[x] = q
		} else {
			p.free(x)
		}
	}
}
