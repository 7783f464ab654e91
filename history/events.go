package history

import (
	"context"
	"time"
	"unicode/utf8"
)

// EventKinds are the kinds of events; docs/history.md says what each is about.
var EventKinds = []string{
	"worker_new", "worker_up", "worker_down", "pool_up", "pool_down", "pool_change", "move", "ban", "start", "stop", "upgrade",
	"configuration", "configuration_refused", "order", "order_ended", "alert", "alert_resolved",
}

// Event is something that happened.
type Event struct {
	At      time.Time // by the wall clock
	Kind    string    // one of EventKinds
	Subject string    // which worker, pool, route or group; "": farmproxy itself
	Text    string    // more of it, for people, up to maxEventText bytes; may be empty
}

// maxEvents bounds the events that are kept, whatever their age: some 50 MB. A farm of
// 10,000 that loses power each day writes 1.8 million in 90 days; the last weeks are what
// anyone looks at.
const maxEvents = 500_000

// maxEventText bounds an event's text, in bytes: more is in the log.
const maxEventText = 1024

// cut returns at most the first bytes of a text, without half a character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

func (w *writing) events(events []Event) error {
	if len(events) == 0 {
		return nil
	}
	stmt, err := w.t.Prepare("INSERT INTO events (at, minute, kind, subject, text) VALUES (?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer stmt.Close()
	for i := range events {
		e := &events[i]
		if _, err := stmt.Exec(e.At.Unix(), w.minute, e.Kind, e.Subject, cut(e.Text, maxEventText)); err != nil {
			return err
		}
	}
	return nil
}

// EventQuery says which events to return.
type EventQuery struct {
	From, To time.Time // To is not included
	Kind     string    // "" for all
	Subject  string    // "" for all
	Limit    int       // most to return, the newest
}

// Events returns the events that match the query, the newest first.
func (s *Store) Events(ctx context.Context, q EventQuery) ([]Event, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT at, kind, subject, text FROM events
		WHERE at >= ? AND at < ? AND (? = '' OR kind = ?) AND (? = '' OR subject = ?) ORDER BY at DESC, id DESC LIMIT ?`,
		q.From.Unix(), q.To.Unix(), q.Kind, q.Kind, q.Subject, q.Subject, q.Limit)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var list []Event
	for rows.Next() {
		var e Event
		var at int64
		if err := rows.Scan(&at, &e.Kind, &e.Subject, &e.Text); err != nil {
			return nil, s.explain(err)
		}
		e.At = time.Unix(at, 0)
		list = append(list, e)
	}
	if err := rows.Err(); err != nil {
		return nil, s.explain(err)
	}
	return list, nil
}

// Counts returns how often each kind of event happened between two times; to is not included.
func (s *Store) Counts(ctx context.Context, from, to time.Time) (map[string]int, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT kind, count(*) FROM events WHERE at >= ? AND at < ? GROUP BY kind", from.Unix(), to.Unix())
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	counts := make(map[string]int)
	for rows.Next() {
		var kind string
		var n int
		if err := rows.Scan(&kind, &n); err != nil {
			return nil, s.explain(err)
		}
		counts[kind] = n
	}
	if err := rows.Err(); err != nil {
		return nil, s.explain(err)
	}
	return counts, nil
}
