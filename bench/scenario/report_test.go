package scenario

import (
	"encoding/json"
	"testing"
)

func TestReportRoundTrips(t *testing.T) {
	r := Report{Scenario: "floor", Breaches: []string{"x"}, Ratios: map[string]float64{"connect": 1.5}}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, string(text), `"scenario":"floor"`, `"ratios":{"connect":1.5}`, `"breaches":["x"]`)
}
