package api

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/history"
)

// kinds are the series that the history has, the default first.
var kinds = []history.Kind{history.Farm, history.Worker, history.Pool, history.Group}

// readSpan reads those of a query's parameters that it may have.
func readSpan(ctx *fasthttp.RequestCtx, may ...string) (q span, err error) {
	events := slices.Contains(may, "subject")
	q.limit, q.to = defaultEvents, time.Now()
	if !events {
		q.kind = history.Farm
		if !slices.Contains(may, "name") {
			q.kind = history.Worker
		}
	}
	given := map[string]string{}
	for k, v := range ctx.QueryArgs().All() {
		key := string(k)
		if !slices.Contains(may, key) {
			return q, badRequest("%s: no such parameter; want %s", quoted(key), strings.Join(may, ", "))
		}
		if len(v) > maxText {
			return q, badRequest("%s: want up to %d bytes, got %d", key, maxText, len(v))
		}
		given[key] = string(v)
	}
	for key, v := range given {
		switch key {
		case "kind":
			switch q.kind = history.Kind(v); {
			case events && !slices.Contains(history.EventKinds, v):
				return q, badRequest("kind: want one of %s, got %s", strings.Join(history.EventKinds, ", "), quoted(v))
			case !events && !slices.Contains(kinds, q.kind):
				return q, badRequest("kind: want farm, worker, pool or group, got %s", quoted(v))
			}
		case "name":
			q.name = v
		case "subject":
			q.subject = v
		case "to":
			q.to, err = readTime(key, v)
		case "from":
			q.from, err = readTime(key, v)
		case "step":
			q.step, err = readStep(v)
		case "limit":
			q.limit, err = whole(key, v, maxEvents)
		case formatKey:
			q.csv, err = isCSV(v)
		}
		if err != nil {
			return q, err
		}
	}
	if q.from.IsZero() {
		q.from = q.to.Add(-defaultSpan)
	}
	if !q.from.Before(q.to) {
		return q, badRequest("from: want a time before to, which is %s, got %s", q.to.Format(time.RFC3339), q.from.Format(time.RFC3339))
	}
	return q, nil
}

// readTime reads a time, or how long ago it is.
func readTime(key, v string) (time.Time, error) {
	if t, err := parseTime(v); err == nil && t.Year() >= 1970 {
		return t, nil
	}
	if ago, ok := strings.CutPrefix(v, "-"); ok {
		if d, err := time.ParseDuration(ago); err == nil {
			return time.Now().Add(-d), nil
		}
	}
	return time.Time{}, badRequest("%s: want a time such as 2026-11-26T08:00:00Z, with + as %%2B, or how long ago, such as -24h; got %s", key, quoted(v))
}

func readStep(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if err != nil || d < time.Minute || d > 366*24*time.Hour {
		return 0, badRequest("step: want a duration from 1m to a year, such as 5m or 24h, got %s", quoted(v))
	}
	return d, nil
}

func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
