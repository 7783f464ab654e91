package main

import (
	"encoding/json"
	"fmt"
	"io"

	"farmproxy/plain"
	"farmproxy/proxy"
)

const upgradeAbout = `The running farmproxy starts the binary that is now in the place of its own, with the same arguments. The new process reads the configuration, takes over the ports, the miners, the links and all counters, and serves; the old one ends. No miner is disconnected; while the old process stands still they wait, for less than a second unless the machine is overloaded. The older binary takes over just the same: that is a downgrade.

If the new process fails at any step, the old one goes on as if nothing had been, and farmproxy upgrade says why.

What is encrypted can't be handed over. Links over TLS are dialled anew before; their miners get a clean job. Miners over TLS are asked to connect again, one after the other.`

func printUpgrade(w io.Writer, answer json.RawMessage) error {
	var u proxy.Upgraded
	if err := json.Unmarshal(answer, &u); err != nil {
		return fmt.Errorf("the answer is no upgrade's: %w", err)
	}
	_, err := fmt.Fprintf(w, "farmproxy %s serves now, as process %d, with %d miners; they waited for %s\n", u.Version, u.PID, u.Miners, plain.Seconds(u.Frozen))
	return err
}
