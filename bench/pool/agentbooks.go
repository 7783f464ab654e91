package pool

import (
	"fmt"
	"maps"
	"slices"

	"farmproxy/bench/figure"
)

// AgentBooks are a pool's counters for one agent's link, or for all.
type AgentBooks struct {
	Link         int            `json:"link"` // which of the pool's connections; 0: the sum of all
	User         string         `json:"user,omitempty"`
	Workers      int            `json:"workers"`      // registered now
	Registered   int            `json:"registered"`   // ever
	Twice        int            `json:"twice"`        // registered although already present, by session or by name
	Unregistered int            `json:"unregistered"` //
	Strangers    int            `json:"strangers"`    // unregistered although not present
	Frames       map[string]int `json:"frames"`       // by type; shares also by length
	Dropped      map[string]int `json:"dropped"`      // frames that pools silently drop, by reason
	Longer       int            `json:"longer"`       // shares in a longer form than they need
	BytesUp      uint64         `json:"bytes_up"`     // frames and lines
}

// Why a frame was dropped.
const (
	droppedSize     = "wrong size"
	droppedCommand  = "unknown command"
	droppedSession  = "session ffff"
	droppedStranger = "share of an unregistered session"
	droppedStall    = "stalls the stream"
)

func newAgentBooks(link int) AgentBooks {
	return AgentBooks{Link: link, Frames: map[string]int{}, Dropped: map[string]int{}}
}

func (b *AgentBooks) add(o AgentBooks) {
	b.Workers += o.Workers
	b.Registered += o.Registered
	b.Twice += o.Twice
	b.Unregistered += o.Unregistered
	b.Strangers += o.Strangers
	b.Longer += o.Longer
	b.BytesUp += o.BytesUp
	for _, both := range [][2]map[string]int{{b.Frames, o.Frames}, {b.Dropped, o.Dropped}} {
		for kind, n := range both[1] {
			both[0][kind] += n
		}
	}
}

// String returns the books on one line.
func (b AgentBooks) String() string {
	return fmt.Sprintf("workers %d registered now, %d ever, %d twice, %d unregistered; frames: %s; dropped: %s; longer than needed: %d; %d bytes",
		b.Workers, b.Registered, b.Twice, b.Unregistered, figure.Counts(b.Frames), figure.Counts(b.Dropped), b.Longer, b.BytesUp)
}

// Agents returns the books of each live agent link, and of the most recently ended
// ones, oldest first.
func (p *Pool) Agents() []AgentBooks {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := slices.Clone(p.agentsGone)
	for l := range p.links {
		if l.agent != nil {
			all = append(all, l.agentBooks())
		}
	}
	slices.SortFunc(all, func(a, b AgentBooks) int { return a.Link - b.Link })
	return all
}

// AgentTotal returns the sum of Agents.
func (p *Pool) AgentTotal() AgentBooks {
	total := newAgentBooks(0)
	for _, b := range p.Agents() {
		total.add(b)
	}
	return total
}

// AgentWorkers returns how often each user.worker is currently registered, over all
// links.
func (p *Pool) AgentWorkers() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]int{}
	for l := range p.links {
		if l.agent == nil {
			continue
		}
		for name, n := range l.agent.names {
			all[name] += n
		}
	}
	return all
}

// agentBooks returns a copy of a live link's books; the caller holds Pool.mu.
func (l *link) agentBooks() AgentBooks {
	b := l.agent.books
	b.Workers, b.BytesUp = len(l.agent.workers), l.received.Load()
	b.Frames, b.Dropped = maps.Clone(b.Frames), maps.Clone(b.Dropped)
	return b
}

// agentGone keeps the books of an ended link; the caller holds p.mu.
func (p *Pool) agentGone(l *link) {
	if l.agent == nil {
		return
	}
	b := l.agentBooks()
	b.Workers = 0
	p.agentsGone = append(p.agentsGone[max(0, len(p.agentsGone)-agentsKept+1):], b)
}
