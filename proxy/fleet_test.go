package proxy

import (
	"testing"

	"farmproxy/bench/fleet"
)

// connectFleet has miners work until the test ends, or closes them.
func connectFleet(t *testing.T, o fleet.Options) *fleet.Fleet {
	t.Helper()
	f, err := fleet.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	if err := f.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

// startFleet has miners work at an address.
func startFleet(t *testing.T, address, account string, miners int) *fleet.Fleet {
	t.Helper()
	o := fleet.DefaultOptions(address)
	o.Miners, o.Rate, o.Account, o.Seed = miners, 200, account, uint64(len(account))
	return connectFleet(t, o)
}
