package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"farmproxy/alert"
	"farmproxy/live"
)

// calm is an Alerter on whose farm a pool is down, and which knows what one worker usually
// does.
type calm struct{}

func (calm) Alerts() (list []alert.Alert, looked, cutOff time.Time) {
	return []alert.Alert{{Rule: "pool_down", Subject: "main", State: alert.Firing, Severity: alert.Ticket, Since: ordered, Text: "Pool main is down", Do: "Look."}}, ordered.Add(time.Hour), time.Time{}
}

func (calm) Off() map[string]time.Time { return nil }

func (calm) Notices(*alert.Workers) (list []alert.Notice) {
	for i := range 2 * mostWrongs {
		list = append(list, alert.Notice{Severe: i == 0, Text: fmt.Sprint("trouble ", i)})
	}
	return list
}

func (calm) Usual() map[string]float64 { return map[string]float64{"farm.b": 5e12} }

// What is wrong is listed, and what is planned; a page says the first of it.
func TestAlerts(t *testing.T) {
	s := newSite(t)
	_, body := s.ask(t, "GET", "/api/v1/alerts")
	for _, part := range []string{
		`"rule":"pool_down","subject":"main","state":"firing","severity":"ticket","since":"2026-01-02T03:04:05`,
		`"until":null,"text":"Pool main is down","do":"Look."}`, `"looked_at":"2026-01-02T04:04:05`, `"cut_off_since":null`, `"group":"hall-1"`,
	} {
		if !strings.Contains(string(body), part) {
			t.Errorf("%s is not in %s", part, body)
		}
	}
	if list := wrongs(calm{}.Notices(nil)); len(list) != mostWrongs || !list[0].Severe || list[1].Text != "trouble 1" {
		t.Errorf("%v", list)
	}
	at := time.Date(2026, 11, 26, 12, 0, 0, 123456789, time.UTC)
	if list := offs(map[string]time.Time{"hall-1": at, "": at}); len(list) != 2 || list[0].Group != "" || list[1] != (live.Off{Group: "hall-1", Until: at.Truncate(time.Millisecond)}) {
		t.Errorf("off: %v", list)
	}
}

// A curtailment begins now or later, and has an end.
func TestCurtailmentsThatAreRefused(t *testing.T) {
	s := newSite(t)
	for body, want := range map[string]string{
		`{}`:                             `until and for: give one of them, for example \"for\": \"3h\": a curtailment needs an end`,
		`{"for":"3h","from":"tomorrow"}`: `from: want a time such as \"2026-01-31T18:00:00+01:00\", got \"tomorrow\"`,
		`{"for":"3h","from":"2025-12-31T12:00:00Z"}`:                     "from: the curtailment is over already; it is 2026-01-02T03:04:05Z now",
		`{"from":"2026-01-03T12:00:00Z","until":"2026-01-03T11:00:00Z"}`: "until: want a time after from, which is 2026-01-03T12:00:00Z",
		`{"for":1}`:                      `"error":"\"for\": want a string, got number"`,
		`{"for":"1000000h"}`:             `"error":"until and for: want ten years at most"`,
		`{"group":"nowhere","for":"3h"}`: `there is no group \"nowhere\"`,
		`{"for":"3h","gruop":"x"}`:       "gruop",
	} {
		resp, text := s.send(t, "POST", curtailmentsPath, body)
		if resp.StatusCode < 400 || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %s, want %s", body, resp.StatusCode, text, want)
		}
	}
}
