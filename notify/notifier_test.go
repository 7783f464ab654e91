package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"farmproxy/alert"
)

// server is a sender in the place of the ones that have servers.
type server struct {
	mu    sync.Mutex
	err   error         // what it says; nil: it takes everything
	hangs chan struct{} // it answers when this is closed; nil: at once
	got   []string      // titles
	asked []time.Time
}

func (s *server) send(ctx context.Context, m *message) error {
	s.mu.Lock()
	hangs := s.hangs
	s.asked = append(s.asked, time.Now())
	s.mu.Unlock()
	if hangs != nil {
		select {
		case <-hangs:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.got = append(s.got, m.Title)
	}
	return s.err
}

func (s *server) reach(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *server) is(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *server) has() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.got, " ")
}

// rig is a notifier whose channels lead to servers, by name.
type rig struct {
	*Notifier
	t       *testing.T
	servers map[string]*server
	log     *strings.Builder
	cancel  context.CancelFunc
}

// newRig runs in a bubble of synctest.
func newRig(t *testing.T, channels ...Channel) *rig {
	r := &rig{t: t, servers: make(map[string]*server), log: new(strings.Builder)}
	for _, c := range channels {
		r.servers[c.Name] = new(server)
	}
	log := slog.New(slog.NewTextHandler(r.log, nil))
	r.Notifier = New(Options{Log: log, senders: func(c Channel) (sender, error) { return r.servers[c.Name], nil }})
	r.Configure(channels)
	r.start()
	return r
}

func (r *rig) start() {
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	go r.Run(ctx)
	r.t.Cleanup(r.cancel)
	synctest.Wait()
}

func all(name string) Channel {
	return Channel{Name: name, Kind: Webhook, Gets: []string{Pages, Tickets, Reports}}
}

func about(title string, severity alert.Severity) alert.Message {
	return alert.Message{
		Kind: alert.Alerts, At: time.Now(), Severity: severity, Title: title,
		Alerts: []alert.Alert{{Rule: "pool_down", State: alert.Firing, Severity: severity}},
	}
}

// pass lets time pass, and all that is to happen happen.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) state(name string) State {
	for _, s := range r.States() {
		if s.Name == name {
			return s
		}
	}
	r.t.Fatalf("no channel %s", name)
	return State{}
}

func (r *rig) want(name, titles string) {
	r.t.Helper()
	synctest.Wait()
	if got := r.servers[name].has(); got != titles {
		r.t.Errorf("%s got %q, want %q", name, got, titles)
	}
}

// Each channel gets what it is for, in order.
func TestWhoGetsWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, all("all"), Channel{Name: "phone", Gets: []string{Pages}}, Channel{Name: "boss", Gets: []string{Reports}})
		r.Send(about("page", alert.Page))
		r.Send(about("ticket", alert.Ticket))
		summary := about("summary", alert.Page)
		summary.Kind = alert.Summary
		r.Send(summary)
		over := about("over", alert.Page)
		over.Severity, over.Alerts[0].State = "", alert.Resolved
		r.Send(over)
		r.Send(alert.Message{Kind: alert.Report, At: time.Now(), Title: "report"})
		r.Send(alert.Message{Kind: alert.Test, At: time.Now(), Title: "test"})
		r.want("all", "page ticket summary over report test")
		r.want("phone", "page summary over test")
		r.want("boss", "report test")
	})
}

// A server that is away gets its messages later, in order, and is asked less and less often;
// others wait for nothing.
func TestServerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, all("a"), all("b"))
		a := r.servers["a"]
		a.is(errors.New("connection refused"))
		r.Send(about("1", alert.Page))
		r.Send(about("2", alert.Page))
		r.want("b", "1 2")
		r.pass(time.Hour)
		if s := r.state("a"); s.Waiting != 2 || s.Sent != 0 || s.Trouble != "connection refused" || time.Since(s.FailingSince) < 59*time.Minute {
			t.Errorf("state %+v", s)
		}
		for i := 1; i < len(a.asked); i++ {
			between := a.asked[i].Sub(a.asked[i-1])
			if least := min(lastPause, firstPause<<(i-1)); between < least || between > least*5/4 {
				t.Errorf("attempt %d came %v after the one before, want %v to %v", i+1, between, least, least*5/4)
			}
		}
		if n := strings.Count(r.log.String(), "connection refused"); n != 1 {
			t.Errorf("the log says it %d times, want once:\n%s", n, r.log)
		}
		a.is(nil)
		r.pass(lastPause * 5 / 4)
		r.want("a", "1 2")
		if s := r.state("a"); s.Waiting != 0 || s.Sent != 2 || s.Failed != uint64(len(a.asked)-2) || s.Trouble != "" || !s.FailingSince.IsZero() {
			t.Errorf("state %+v", s)
		}
	})
}

// What is given up: a message that is refused again and again, one that is too old, one that
// too many wait behind. Each is counted and logged.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, all("a"))
		a := r.servers["a"]
		a.is(&failure{errors.New("403 Forbidden"), true, 0})
		r.Send(about("refused", alert.Page))
		r.pass(time.Minute)
		if s := r.state("a"); s.Lost != 1 || s.Waiting != 0 || len(a.asked) != maxRefusals {
			t.Errorf("refused: state %+v, asked %d times", s, len(a.asked))
		}
		a.is(errors.New("no route to host"))
		r.Send(about("old", alert.Page))
		r.pass(maxAge + 2*lastPause)
		if s := r.state("a"); s.Lost != 2 || s.Waiting != 0 {
			t.Errorf("old: state %+v", s)
		}
		for i := range maxWaiting + 3 {
			r.Send(about(fmt.Sprint(i), alert.Page))
		}
		if s := r.state("a"); s.Lost != 5 || s.Waiting != maxWaiting {
			t.Errorf("too many: state %+v", s)
		}
		a.is(nil)
		r.pass(time.Hour)
		if got := strings.Fields(a.has()); len(got) != maxWaiting || got[0] != "0" || got[1] != "4" {
			t.Errorf("got %v", got)
		}
		if n := strings.Count(r.log.String(), "a message is not delivered"); n != 5 {
			t.Errorf("the log has %d lost messages, want 5", n)
		}
	})
}

// A server that says when it may be asked again is not asked before.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, all("a"))
		a := r.servers["a"]
		a.is(&failure{errors.New("429"), false, 10 * time.Minute})
		r.Send(about("1", alert.Page))
		r.pass(11 * time.Minute)
		if len(a.asked) != 2 || a.asked[1].Sub(a.asked[0]) != 10*time.Minute {
			t.Errorf("asked at %v", a.asked)
		}
	})
}

// A server that says nothing is left after a while.
func TestServerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, all("a"))
		r.servers["a"].hangs = make(chan struct{})
		r.Send(about("1", alert.Page))
		r.pass(attemptTime + time.Second)
		if s := r.state("a"); s.Failed != 1 || !strings.Contains(s.Trouble, "takes longer than 20s") {
			t.Errorf("state %+v", s)
		}
	})
}

// A reload: who stays, stays; what waits goes with a name; what has changed is tried at once.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, all("stays"), all("changes"), all("goes"))
		for _, s := range r.servers {
			s.is(errors.New("away"))
		}
		r.Send(about("1", alert.Page))
		r.pass(30 * time.Minute)
		r.servers["new"], r.servers["changes"] = new(server), new(server)
		changed := all("changes")
		changed.Secret = "another"
		r.Configure([]Channel{all("new"), changed, all("stays")})
		r.want("changes", "1")
		r.want("new", "")
		r.servers["stays"].is(nil)
		r.pass(lastPause * 5 / 4)
		r.want("stays", "1")
		var names []string
		for _, s := range r.States() {
			names = append(names, s.Name)
		}
		if !slices.Equal(names, []string{"new", "changes", "stays"}) {
			t.Errorf("channels %v", names)
		}
		if !strings.Contains(r.log.String(), "channel=goes messages=1") {
			t.Errorf("the log does not say what is lost:\n%s", r.log)
		}
		if asked := len(r.servers["goes"].asked); asked > 0 {
			r.pass(time.Hour)
			if len(r.servers["goes"].asked) != asked {
				t.Error("a channel that is gone is still tried")
			}
		}
	})
}

// A restart, an upgrade: what waits goes on in another process, once.
func TestAnotherProcessGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, all("a"), all("b"))
		r.servers["a"].is(errors.New("away"))
		r.Send(about("1", alert.Page))
		synctest.Wait()
		if err := r.Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.Send(about("2", alert.Page)) // still in this one
		text, err := json.Marshal(r.Waiting())
		if err != nil {
			t.Fatal(err)
		}
		r.servers["a"].is(nil)
		r.pass(time.Hour)
		r.want("a", "") // it is paused
		var list []Waiting
		if err := json.Unmarshal(text, &list); err != nil {
			t.Fatal(err)
		}
		next := newRig(t, all("a"), all("b"))
		next.Restore(list)
		next.want("a", "1 2")
		next.want("b", "2")
		r.Resume() // had the other one failed
		r.want("a", "1 2")
	})
}

// A pause waits for what is being sent, and no longer than it may.
func TestPauseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, all("a"))
		a := r.servers["a"]
		a.hangs = make(chan struct{})
		r.Send(about("1", alert.Page))
		synctest.Wait()
		go func() {
			time.Sleep(time.Second)
			close(a.hangs)
		}()
		if err := r.Pause(t.Context()); err != nil {
			t.Error(err)
		}
		r.want("a", "1")
		r.Resume()
		a.mu.Lock()
		a.hangs = make(chan struct{})
		a.mu.Unlock()
		r.Send(about("2", alert.Page))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Pause(ctx); err == nil {
			t.Error("it waited for a server that hangs")
		}
		if list := r.Waiting(); len(list) != 1 || list[0].Message.Title != "2" {
			t.Errorf("waiting: %+v", list)
		}
	})
}

func TestReachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, all("a"), all("b"))
		if !r.Reachable(t.Context()) {
			t.Error("both servers are there, and none is reachable")
		}
		r.servers["a"].is(errors.New("away"))
		if !r.Reachable(t.Context()) {
			t.Error("one is there")
		}
		r.servers["b"].is(errors.New("away"))
		if r.Reachable(t.Context()) {
			t.Error("none is there")
		}
	})
}

// A test goes past the queue, and says what became of it on each channel.
func TestTestNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, all("a"), all("b"))
		r.servers["a"].is(errors.New("away"))
		r.Send(about("1", alert.Page))
		r.want("b", "1")
		m := alert.Message{Kind: alert.Test, At: time.Now(), Title: "test"}
		results, err := r.TestNow(t.Context(), "", m)
		if err != nil || len(results) != 2 || results[0].Err == nil || results[1].Err != nil || results[1].Channel != "b" {
			t.Errorf("results %+v, error %v", results, err)
		}
		r.want("b", "1 test")
		if _, err := r.TestNow(t.Context(), "c", m); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "a, b") {
			t.Errorf("error %v", err)
		}
		r.Configure(nil)
		if _, err := r.TestNow(t.Context(), "", m); !errors.Is(err, ErrNone) {
			t.Errorf("error %v", err)
		}
		if r.Any() {
			t.Error("there is a channel")
		}
	})
}
