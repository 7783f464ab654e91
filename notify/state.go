package notify

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"farmproxy/alert"
)

// State is what is known of a channel.
type State struct {
	Name         string
	Kind         Kind
	Gets         []string
	Waiting      int       // messages
	Sent         uint64    // since the start, as the next two
	Failed       uint64    // attempts
	Lost         uint64    // messages that nobody got
	LastSent     time.Time // zero: nothing was yet
	FailingSince time.Time // all attempts have failed since; zero: the last one did not
	Trouble      string    // of the last attempt; "": none
}

// States returns all channels, in the order of the configuration.
func (n *Notifier) States() []State {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := make([]State, len(n.queues))
	for i, q := range n.queues {
		list[i] = State{
			Name: q.channel.Name, Kind: q.channel.Kind, Gets: slices.Clone(q.channel.Gets), Waiting: len(q.waiting),
			Sent: q.sent, Failed: q.failed, Lost: q.lost, LastSent: q.lastSent, FailingSince: q.failing, Trouble: q.trouble,
		}
	}
	return list
}

// Waiting is a message that has not been delivered on a channel. Its JSON is kept in a file
// and handed over to a newer farmproxy: fields are only added.
type Waiting struct {
	Channel string
	ID      string
	Message alert.Message
}

// Waiting returns what waits, by channel and in order.
func (n *Notifier) Waiting() []Waiting {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []Waiting
	for _, q := range n.queues {
		for _, m := range q.waiting {
			list = append(list, Waiting{q.channel.Name, m.ID, m.Message})
		}
	}
	return list
}

// Restore has what waited in another process wait here, before anything that waits already.
// What was for a channel that is not there is forgotten.
func (n *Notifier) Restore(list []Waiting) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, q := range n.queues {
		var before []*message
		for _, w := range list {
			if w.Channel == q.channel.Name {
				before = append(before, &message{w.ID, w.Message})
			}
		}
		q.waiting = append(before, q.waiting...)
		if over := len(q.waiting) - maxWaiting; over > 0 {
			q.waiting = q.waiting[over:]
		}
		q.ring()
	}
}

// Errors of TestNow.
var (
	ErrNone    = errors.New("there is no channel: add an [[alerts.channel]] to the configuration, and reload it")
	ErrUnknown = errors.New("there is no such channel")
)

// Result is what became of a test on a channel.
type Result struct {
	Channel string
	Kind    Kind
	Took    time.Duration
	Err     error // nil: the server has taken the message
}

// TestNow tries to deliver a message at once, past the queue: on the channel of that name, or
// for "" on each.
func (n *Notifier) TestNow(ctx context.Context, name string, m alert.Message) ([]Result, error) {
	n.mu.Lock()
	var channels []Channel
	var names []string
	for _, q := range n.queues {
		names = append(names, q.channel.Name)
		if name == "" || name == q.channel.Name {
			channels = append(channels, q.channel)
		}
	}
	n.mu.Unlock()
	switch {
	case len(names) == 0:
		return nil, ErrNone
	case len(channels) == 0:
		return nil, fmt.Errorf("%w as %q: there is %s", ErrUnknown, name, strings.Join(names, ", "))
	}
	out := &message{rand.Text(), m}
	answers := make(chan Result, len(channels))
	for _, c := range channels {
		go func() {
			begin := time.Now()
			s, err := n.o.senders(c) // one of its own: the queue's is at work
			if err == nil {
				err = attempt(ctx, s, out)
			}
			answers <- Result{c.Name, c.Kind, time.Since(begin), err}
		}()
	}
	results := make([]Result, len(channels))
	for range results {
		r := <-answers
		results[slices.IndexFunc(channels, func(c Channel) bool { return c.Name == r.Channel })] = r
	}
	return results, nil
}
