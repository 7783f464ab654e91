package config

import "testing"

func TestPoolsWithoutAQuietLinkAreThere(t *testing.T) {
	f := func(except, want string) {
		t.Helper()
		wantProblem(t, smallest+"[audit]\nexcept = "+except+"\n", "audit.except[1]", want)
	}
	f("[]", "")
	f("['pool.example:3333']", "")
	f("['pool.example']", `no [[pool]] has this name; try "pool.example:3333"`)
	f("['backup']", `no [[pool]] has this name; try "pool.example:3333"`)
}
