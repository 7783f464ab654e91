package api

import (
	"maps"
	"slices"
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/alert"
	"farmproxy/live"
)

// Alerter knows what is wrong. Any goroutine but an event loop's.
type Alerter interface {
	// Alerts returns those that are known: pending, firing, and lately resolved. looked is
	// when it was last looked for trouble; zero: not yet, since the start. cutOff is since
	// when neither a pool nor a channel can be reached; zero: something can.
	Alerts() (list []alert.Alert, looked, cutOff time.Time)

	// Notices takes how the workers are now, and returns what a page says is wrong.
	Notices(workers *alert.Workers) []alert.Notice

	// Off returns the groups whose miners are off on purpose now, "" for all, and until when.
	Off() map[string]time.Time

	// Usual returns the workers' usual hash rates, in H/s, by name. It never changes.
	Usual() map[string]float64
}

// AlertList is what is wrong now, and was until lately.
type AlertList struct {
	Alerts       []alert.Alert `json:"alerts"`
	LookedAt     *time.Time    `json:"looked_at"`     // for trouble; null: not yet, since the start
	CutOffSince  *time.Time    `json:"cut_off_since"` // neither a pool nor a channel can be reached; null: something can
	Curtailments []Curtailment `json:"curtailments"`  // that are ordered
	Channels     []Channel     `json:"channels"`      // on which people are told
}

// AlertList returns what GET /api/v1/alerts answers.
func (s *Server) AlertList() *AlertList {
	list, looked, cutOff := s.options.Alerts.Alerts()
	return &AlertList{list, OrNull(looked), OrNull(cutOff), s.options.Orders.Curtailments(), s.options.Channels.Channels()}
}

func (s *Server) alerts(ctx *fasthttp.RequestCtx) error {
	return writeJSON(ctx, fasthttp.StatusOK, s.AlertList())
}

// wrongs are the sentences of a page about what is wrong, the severe first.
func wrongs(notices []alert.Notice) []live.Wrong {
	list := make([]live.Wrong, 0, min(len(notices), mostWrongs))
	for _, n := range notices[:cap(list)] {
		list = append(list, live.Wrong{Severe: n.Severe, Text: n.Text})
	}
	return list
}

// offs are the groups that are off on purpose, by name.
func offs(groups map[string]time.Time) []live.Off {
	list := make([]live.Off, 0, min(len(groups), mostWrongs))
	for _, name := range slices.Sorted(maps.Keys(groups))[:cap(list)] {
		list = append(list, live.Off{Group: name, Until: Moment(groups[name])})
	}
	return list
}

// mostWrongs bounds what a page lists.
const mostWrongs = 20
