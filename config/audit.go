package config

import "fmt"

// audit checks that the pools that get no quiet link are there.
func (c *Config) audit(ps *Problems) {
	for i, name := range c.Audit.Except {
		if c.Pool(name) == nil {
			ps.add(fmt.Sprintf("audit.except[%d]", i+1), show(name), "no [[pool]] has this name", suggested(name, poolNames(c.Pools)))
		}
	}
}
