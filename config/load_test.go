package config

import "testing"

func TestSmallestFile(t *testing.T) {
	c, err := Parse([]byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Pools[0]; p.Address() != "pool.example:3333" || p.Host() != "pool.example" || p.TLS() || p.Name != p.Address() {
		t.Fatalf("pool: %+v", p)
	}
}

const smallest = `
[[listener]]
address = "0.0.0.0:3333"

[[pool]]
url  = "stratum+tcp://pool.example:3333"
user = "account"
`
