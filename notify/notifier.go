package notify

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"farmproxy/alert"
)

const (
	// reachTime bounds the question whether a server is there.
	reachTime = 5 * time.Second

	// endTime is how long the end waits for a server's answer: a message that was taken
	// should not come again with the next start.
	endTime = 2 * time.Second
)

// Options say what a Notifier works with.
type Options struct {
	Version string       // farmproxy's
	Log     *slog.Logger // nil: slog.Default()

	// Changed is called when what Waiting returns has changed, from any goroutine; it must
	// return at once. nil: nobody wants to know.
	Changed func()

	senders func(Channel) (sender, error) // newSender, but in tests
}

// Notifier delivers messages on channels. Its methods may be called from any goroutine.
type Notifier struct {
	o Options

	mu     sync.Mutex
	queues []*queue // in the order of the configuration
	runs   bool
	paused bool // nothing is sent now
}

// New returns a Notifier without channels.
func New(o Options) *Notifier {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	if o.senders == nil {
		o.senders = func(c Channel) (sender, error) { return newSender(c, "farmproxy/"+o.Version, nil) }
	}
	return &Notifier{o: o}
}

// Check returns what is wrong with a channel, as far as that can be said without its server.
func Check(c Channel) error {
	_, err := newSender(c, "", nil)
	return err
}

// Configure has it deliver so from now on. A channel that stays keeps what waits for it; one
// that has changed tries again at once. Channels must have been checked.
func (n *Notifier) Configure(channels []Channel) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.queues
	n.queues = nil
	for _, c := range channels {
		at := slices.IndexFunc(before, func(q *queue) bool { return q.channel.Name == c.Name })
		if at >= 0 && reflect.DeepEqual(before[at].channel, c) {
			n.queues = append(n.queues, before[at])
			continue
		}
		q := n.newQueue(c)
		if at >= 0 {
			old := before[at]
			q.waiting, q.sent, q.failed, q.lost, q.lastSent = old.waiting, old.sent, old.failed, old.lost, old.lastSent
		}
		n.queues = append(n.queues, q)
	}
	for _, q := range before {
		if slices.Contains(n.queues, q) {
			continue
		}
		q.end()
		if n.queueOf(q.channel.Name) == nil && len(q.waiting) > 0 {
			n.o.Log.Warn("messages are not delivered: their channel is gone", "channel", q.channel.Name, "messages", len(q.waiting))
			n.o.Changed()
		}
	}
	n.startAll()
}

// newQueue returns one without a goroutine.
func (n *Notifier) newQueue(c Channel) *queue {
	s, err := n.o.senders(c)
	if err != nil {
		n.o.Log.Error("nobody can be told of alerts on a channel", "channel", c.Name, "error", err)
		s = broken{err}
	}
	return &queue{channel: c, sender: s, wake: make(chan struct{}, 1)}
}

// queueOf returns that of a channel; nil: there is none. The caller has mu.
func (n *Notifier) queueOf(name string) *queue {
	for _, q := range n.queues {
		if q.channel.Name == name {
			return q
		}
	}
	return nil
}

// Run delivers until ctx ends, and a little longer what is being sent then. What waits after
// that is what Waiting returns.
func (n *Notifier) Run(ctx context.Context) {
	n.mu.Lock()
	n.runs = true
	n.startAll()
	n.mu.Unlock()
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	_ = n.Pause(last) // what is not out by then is sent again
}

// startAll starts the goroutines that are missing. The caller has mu.
func (n *Notifier) startAll() {
	if !n.runs || n.paused {
		return
	}
	for _, q := range n.queues {
		if q.done == nil {
			var ctx context.Context
			ctx, q.stop = context.WithCancel(context.Background())
			q.done = make(chan struct{})
			go n.deliver(ctx, q, q.done)
		}
	}
}

// end has the goroutine end.
func (q *queue) end() {
	if q.stop != nil {
		q.stop()
	}
}

// Pause has nothing more sent until Resume: what is being sent, is, unless ctx ends before.
func (n *Notifier) Pause(ctx context.Context) error {
	n.mu.Lock()
	n.paused = true
	working := make(map[*queue]chan struct{})
	for _, q := range n.queues {
		if q.done != nil {
			working[q] = q.done
			q.ring()
		}
	}
	n.mu.Unlock()
	for q, done := range working {
		select {
		case <-done:
		case <-ctx.Done():
			q.stop()
			<-done
		}
		n.mu.Lock()
		q.done = nil
		n.mu.Unlock()
	}
	return ctx.Err()
}

// Resume has it send again.
func (n *Notifier) Resume() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.paused = false
	n.startAll()
}

// Any reports whether there is a channel.
func (n *Notifier) Any() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.queues) > 0
}

// Send has a message delivered on all channels that get such messages. It never blocks.
func (n *Notifier) Send(m alert.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := &message{rand.Text(), m}
	for _, q := range n.queues {
		if !q.channel.gets(&m) {
			continue
		}
		if len(q.waiting) >= maxWaiting {
			// The first may be with its server already.
			n.lose(q, q.waiting[1], "too many wait")
			q.waiting = slices.Delete(q.waiting, 1, 2)
		}
		q.waiting = append(q.waiting, out)
		q.ring()
	}
	n.o.Changed()
}

// lose notes a message that nobody gets. The caller has mu.
func (n *Notifier) lose(q *queue, m *message, why string) {
	q.lost++
	n.o.Log.Error("a message is not delivered", "channel", q.channel.Name, "title", m.Title, "of", m.At, "why", why, "error", q.trouble)
}

// deliver sends what waits for a channel, until ctx ends or nothing is to be sent.
func (n *Notifier) deliver(ctx context.Context, q *queue, done chan struct{}) {
	defer close(done)
	for {
		m, wait := n.due(q)
		switch {
		case m != nil:
			err := attempt(ctx, q.sender, m)
			if ctx.Err() != nil && err != nil {
				return // that is why, and no fault of the channel
			}
			n.settle(q, err)
		case wait == 0:
			return
		default:
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-q.wake:
				timer.Stop()
			case <-ctx.Done():
				timer.Stop()
				return
			}
		}
	}
}

// forever is how long a goroutine waits for a message: something rings it.
const forever = 24 * time.Hour

// due returns the message to be sent now, or how long to wait; neither: nothing is sent any
// more.
func (n *Notifier) due(q *queue) (*message, time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.paused:
		return nil, 0
	case len(q.waiting) == 0:
		return nil, forever
	}
	if wait := time.Until(q.next); wait > 0 {
		return nil, wait
	}
	return q.waiting[0], 0
}

// attempt tries once.
func attempt(ctx context.Context, s sender, m *message) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	err := s.send(ctx, m)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.Is(err, errSilent) {
		return fmt.Errorf("the server takes longer than %v", attemptTime)
	}
	return err
}

// settle notes what became of the first message.
func (n *Notifier) settle(q *queue, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	m := q.waiting[0]
	if err == nil {
		if !q.failing.IsZero() {
			n.o.Log.Info("messages are delivered again", "channel", q.channel.Name)
		}
		q.drop()
		q.sent++
		q.lastSent, q.failing, q.trouble = now, time.Time{}, ""
		n.o.Changed()
		return
	}
	if q.trouble != err.Error() {
		n.o.Log.Warn("a message could not be delivered: it is tried again", "channel", q.channel.Name, "title", m.Title, "error", err)
	}
	if over := q.fails(err, now); over != "" {
		n.lose(q, m, over)
		q.drop()
		n.o.Changed()
	}
}

// Reachable reports whether any channel's server can be connected to now; a few seconds.
func (n *Notifier) Reachable(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	n.mu.Lock()
	senders := make([]sender, len(n.queues))
	for i, q := range n.queues {
		senders[i] = q.sender
	}
	n.mu.Unlock()
	answers := make(chan bool, len(senders))
	for _, s := range senders {
		go func() { answers <- s.reach(ctx) == nil }()
	}
	for range senders {
		if <-answers {
			return true
		}
	}
	return false
}
