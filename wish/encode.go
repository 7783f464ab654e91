package wish

import (
	"encoding/json"
	"errors"
	"fmt"
)

// version is that of the format. A reader of the same version ignores fields that it does
// not know, so it changes only with a meaning.
const version = 1

// ErrNewer means that a newer farmproxy wrote the orders.
var ErrNewer = errors.New("the orders were written by a newer farmproxy")

// written is what Encode writes.
type written struct {
	Version int                     `json:"version"`
	Weights map[string]RouteWeights `json:"weights,omitempty"`
	Pins    map[string]Pin          `json:"pins,omitempty"`
	Pools   map[string]PoolOrder    `json:"pools,omitempty"`

	Curtailments map[string]Curtailment `json:"curtailments,omitempty"`
}

// Encode returns all orders as text for Decode.
func (o *Orders) Encode() []byte {
	text, err := json.MarshalIndent(written{version, o.weights, o.pins, o.pools, o.curtailments}, "", "\t")
	if err != nil {
		panic("wish: " + err.Error()) // CheckWeight and api.Term keep out the weights and times that JSON has no form for
	}
	return append(text, '\n')
}

// Decode reads what Encode wrote; an error may be ErrNewer. An order without a meaning is an
// error too: half of an operator's orders would be worse than none.
func Decode(text []byte) (*Orders, error) {
	var w written
	err := json.Unmarshal(text, &w)
	if w.Version > version {
		return nil, fmt.Errorf("%w: version %d, this one knows %d", ErrNewer, w.Version, version)
	}
	if err != nil {
		return nil, err
	}
	for route, order := range w.Weights {
		for goal, weight := range order.Weights {
			if err := CheckWeight(weight); err != nil {
				return nil, fmt.Errorf("weights of route %q, goal %q: %w", route, goal, err)
			}
		}
	}
	for pool, order := range w.Pools {
		if order.State == 0 {
			return nil, fmt.Errorf("pool %q: no state", pool)
		}
	}
	for group, order := range w.Curtailments {
		if order.Until.IsZero() {
			return nil, fmt.Errorf("curtailment of %q: no end", group)
		}
	}
	if len(w.Weights) > MaxWeights || len(w.Pins) > MaxPins || len(w.Pools) > MaxPools || len(w.Curtailments) > MaxCurtailments {
		return nil, errTooMany
	}
	return &Orders{w.Weights, w.Pins, w.Pools, w.Curtailments}, nil
}
