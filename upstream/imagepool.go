package upstream

import (
	"cmp"
	"slices"
)

// Images of what is known of pools, and of which pool it is.

// poolImage is a pool of a goal.
type poolImage struct {
	poolIdentity
	Since       ago          `json:"since,omitempty"`
	Attempted   ago          `json:"attempted,omitempty"`
	User        backoffImage `json:"user_backoff"`
	Cool        ago          `json:"cool,omitempty"`
	Reason      string       `json:"reason,omitempty"`
	NamesLogged bool         `json:"names_logged,omitempty"`
	NamesYes    bool         `json:"names_yes,omitempty"`
	NamesNo     int          `json:"names_no,omitempty"`
	NamesAfter  ago          `json:"names_after,omitempty"`
	Difficulty  float64      `json:"difficulty,omitempty"`
	MuteLogged  bool         `json:"mute_logged,omitempty"`

	// Of its endpoint:
	Reach      backoffImage `json:"reach_backoff"`
	LeftOut    optional     `json:"left_out,omitempty"`
	Told       optional     `json:"left_out_told,omitempty"`
	Trial      ago          `json:"trial,omitempty"`
	Unanswered bool         `json:"configure_unanswered,omitempty"`
	BitsLogged ago          `json:"bits_logged,omitempty"`
}

// poolIdentity is what must be the same for a link to go on.
type poolIdentity struct {
	Name        string  `json:"name"`
	URL         string  `json:"url"`
	User        string  `json:"user"`
	Password    string  `json:"password"`
	Dialect     Dialect `json:"dialect,omitempty"`
	PassWorkers bool    `json:"pass_workers,omitempty"`
	FixedWorker string  `json:"fixed_worker,omitempty"`
	Algorithm   string  `json:"algorithm,omitempty"`
	Divider     float64 `json:"divider,omitempty"`
}

func (p *Pool) identity() poolIdentity {
	return poolIdentity{
		p.Name, p.URL, p.User, p.Password, p.Dialect, p.PassWorkers, p.FixedWorker, p.Algorithm.Name, p.Algorithm.Divider,
	}
}

type backoffImage struct {
	Down     bool `json:"down,omitempty"`
	Failed   ago  `json:"failed,omitempty"`
	Failures int  `json:"failures,omitempty"`
	Next     ago  `json:"next,omitempty"`
}

func (x *imaging) backoff(b *backoff) backoffImage {
	return backoffImage{b.down, x.ago(b.failed), b.failures, x.ago(b.next)}
}

func (x *restoring) backoff(i *backoffImage) backoff {
	return backoff{down: i.Down, failed: x.time(i.Failed), failures: i.Failures, next: x.time(i.Next)}
}

func (x *imaging) pool(p *pool) poolImage {
	p.mu.Lock()
	defer p.mu.Unlock()
	return poolImage{
		poolIdentity: p.identity(),
		Since:        x.ago(p.since), Attempted: x.ago(p.attempted), User: x.backoff(&p.user), Cool: x.ago(p.cool), Reason: p.reason,
		NamesLogged: p.namesLogged, NamesYes: p.namesYes, NamesNo: p.namesNo, NamesAfter: x.ago(p.namesAfter),
		Difficulty: p.difficulty, MuteLogged: p.muteLogged,
		Reach: x.backoff(&p.reach), LeftOut: p.leftOut.requests, Told: p.leftOut.told, Trial: x.ago(p.leftOut.trial),
		Unanswered: p.leftOut.unanswered, BitsLogged: x.ago(p.bitsLogged),
	}
}

// pool gives a pool what was known of it. Where this process has tried it already, that is
// newer.
func (x *restoring) pool(p *pool, i *poolImage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.attempted.IsZero() {
		p.attempted, p.since, p.reason = x.time(i.Attempted), x.time(i.Since), i.Reason
		p.user, p.reach = x.backoff(&i.User), x.backoff(&i.Reach)
		p.difficulty = i.Difficulty
		if i.Reason != "" {
			p.book.LastError.Store(&i.Reason)
		}
	} else if since := x.time(i.Since); !p.since.IsZero() && !since.IsZero() {
		p.since = since
	}
	p.cool = x.time(i.Cool)
	p.namesLogged, p.namesYes, p.namesNo, p.namesAfter = i.NamesLogged, i.NamesYes, i.NamesNo, x.time(i.NamesAfter)
	p.muteLogged = i.MuteLogged
	p.leftOut = leftOut{i.LeftOut, i.Told, x.time(i.Trial), i.Unanswered}
	p.bitsLogged = x.time(i.BitsLogged)
}

// took notes that a link of the process before leads to the pool.
func (p *pool) took() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempts++
}

// placesImage is who may have a link: see newcomers.
type placesImage struct {
	Homes   []homeImage    `json:"homes,omitempty"`
	Vouched map[string]ago `json:"vouched,omitempty"`
}

type homeImage struct {
	From    string          `json:"from"`
	Proven  []placeImage    `json:"proven,omitempty"`
	Fresh   []placeImage    `json:"fresh,omitempty"`   // the oldest first
	Waiting []placeImage    `json:"waiting,omitempty"` // the next first
	Held    []ago           `json:"held,omitempty"`
	Left    []departedImage `json:"left,omitempty"`
}

type placeImage struct {
	Lane   uint32 `json:"lane"`
	Since  ago    `json:"since,omitempty"`
	Who    string `json:"who,omitempty"`
	Proven bool   `json:"proven,omitempty"`
	Back   bool   `json:"back,omitempty"`
	Passed bool   `json:"passed,omitempty"`
}

type departedImage struct {
	Who string `json:"who"`
	At  ago    `json:"at"`
}

func (x *imaging) places(n *newcomers) (image placesImage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at := make(map[*home]int)
	for _, h := range n.homes {
		i := homeImage{From: textOf(h.from)}
		for _, l := range h.fresh {
			i.Fresh = append(i.Fresh, x.place(l, n.places[l]))
		}
		for _, l := range h.waiting {
			i.Waiting = append(i.Waiting, x.place(l, n.places[l]))
		}
		for _, since := range h.held {
			i.Held = append(i.Held, x.ago(since))
		}
		for _, d := range h.left {
			i.Left = append(i.Left, departedImage{d.who, x.ago(d.at)})
		}
		at[h] = len(image.Homes)
		image.Homes = append(image.Homes, i)
	}
	for l, p := range n.places {
		if i, ok := at[p.home]; ok && p.proven && !p.since.IsZero() {
			image.Homes[i].Proven = append(image.Homes[i].Proven, x.place(l, p))
		}
	}
	for i := range image.Homes {
		slices.SortFunc(image.Homes[i].Proven, func(a, b placeImage) int { return cmp.Compare(a.Lane, b.Lane) })
	}
	slices.SortFunc(image.Homes, func(a, b homeImage) int { return cmp.Compare(a.From, b.From) })
	for worker, last := range n.vouched {
		if image.Vouched == nil {
			image.Vouched = make(map[string]ago)
		}
		image.Vouched[worker] = x.ago(last)
	}
	return image
}

func (x *imaging) place(l *Lane, p *place) placeImage {
	return placeImage{Lane: l.id, Since: x.ago(p.since), Who: p.who, Proven: p.proven, Back: p.back, Passed: p.passed}
}

// placesOf gives lanes the places that they had. A lane that is not there any more has none.
func (x *restoring) placesOf(n *newcomers, image *placesImage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for worker, last := range image.Vouched {
		n.vouched[worker] = x.time(last)
	}
	for i := range image.Homes {
		x.home(n, &image.Homes[i])
	}
}

func (x *restoring) home(n *newcomers, i *homeImage) {
	from := prefixOf(i.From)
	h := &home{from: from}
	put := func(list []placeImage, take func(l *Lane, p *place)) {
		for _, i := range list {
			if l := x.d.heir.lanes[i.Lane]; l != nil {
				p := &place{home: h, since: x.time(i.Since), who: i.Who, proven: i.Proven, back: i.Back, passed: i.Passed}
				n.places[l] = p
				take(l, p)
			}
		}
	}
	put(i.Proven, func(*Lane, *place) { h.proven++ })
	put(i.Fresh, func(l *Lane, _ *place) {
		h.fresh = append(h.fresh, l)
		n.resize(len(h.fresh)-1, h)
	})
	put(i.Waiting, func(l *Lane, _ *place) { h.waiting = append(h.waiting, l) })
	for _, since := range i.Held {
		h.held = append(h.held, x.time(since))
	}
	for _, d := range i.Left {
		h.left = append(h.left, departed{d.Who, x.time(d.At)})
	}
	n.proven += h.proven
	n.fresh += len(h.fresh)
	n.waiting += len(h.waiting)
	n.homes[from] = h
	n.tidy(h)
}

// standing reports whether a lane is known, and whether it has its place.
func (n *newcomers) standing(l *Lane) (known, seated bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.places[l]
	return p != nil, p != nil && !p.since.IsZero()
}
