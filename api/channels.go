package api

import (
	"context"
	"slices"
	"time"

	"github.com/valyala/fasthttp"
)

// Channels are the ways on which alerts and reports reach people. Any goroutine but an event
// loop's.
type Channels interface {
	// Channels returns all of them, in the order of the configuration.
	Channels() []Channel

	// Test tries to deliver something on one channel or on all, and takes up to half a
	// minute.
	Test(ctx context.Context, by string, o TestOrder) (*Tests, error)
}

// Channel is the state of one.
type Channel struct {
	Name         string     `json:"name"`
	Kind         string     `json:"kind"` // webhook, email, telegram, slack or ntfy
	Gets         []string   `json:"gets"` // page, ticket, report
	Waiting      int        `json:"waiting"`
	Sent         uint64     `json:"sent"`          // messages since farmproxy started
	Failed       uint64     `json:"failed"`        // attempts
	Lost         uint64     `json:"lost"`          // messages that were given up
	LastSent     *time.Time `json:"last_sent"`     // null: nothing was yet
	FailingSince *time.Time `json:"failing_since"` // null: the last attempt did not fail
	Error        string     `json:"error"`         // of the last attempt; "": it did not fail
}

// TestOrder says what is tried.
type TestOrder struct {
	Channel string `json:"channel,omitempty"` // "": all
	Report  string `json:"report,omitempty"`  // daily or weekly: the last one of these is sent; "": a test message
}

// Tests are what became of it.
type Tests struct {
	Results []TestResult `json:"results"`
}

// TestResult is what became of it on one channel.
type TestResult struct {
	Channel string  `json:"channel"`
	Kind    string  `json:"kind"`
	Sent    bool    `json:"sent"`
	Error   string  `json:"error"` // "" if it was sent
	Seconds float64 `json:"seconds"`
}

// testTime bounds a test: a channel's attempt, and the reading of a report. It is shorter than
// writeTimeout.
const testTime = 28 * time.Second

// testPath is where a test is asked for.
const testPath = "/api/v1/alerts/test"

// maxTests bounds tests at a time: each tries every channel.
const maxTests = 1

func (s *Server) testChannels(ctx *fasthttp.RequestCtx) error {
	var order TestOrder
	if err := readJSON(ctx, &order, true); err != nil {
		return err
	}
	if !slices.Contains([]string{"", "daily", "weekly"}, order.Report) {
		return badRequest("report: want \"daily\" or \"weekly\", got %s", quoted(order.Report))
	}
	if err := s.tests.enter(); err != nil {
		return err
	}
	defer s.tests.leave()
	life, cancel := context.WithTimeout(context.Background(), testTime)
	defer cancel()
	tests, err := s.options.Channels.Test(life, askedBy(ctx), order)
	if err != nil {
		return withCode(fasthttp.StatusServiceUnavailable, err) // without one, there is no report
	}
	s.audit(ctx, "alerts tested", "channel", order.Channel, "report", order.Report)
	return writeJSON(ctx, fasthttp.StatusOK, tests)
}
