package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"farmproxy/api"
	"farmproxy/plain"
)

const poolsAbout = `All pools that are known, the preferred ones first: those of the configuration, and those of the accounts in use. A pool is active when a link to it has miners' work, up when it could have, and else down, drained or disabled. ACCEPTED and REJ % are its verdicts on the shares that it was sent. Below the table stands why, who ordered it, when the certificate ends that the pool shows, its difficulty, after how long half of its verdicts come, and what it has told of new blocks.`

// printPools prints pools for people.
func printPools(w io.Writer, width int, answer json.RawMessage) error {
	var a api.PoolStates
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("the answer is no list of pools: %w", err)
	}
	t := table{columns: []column{{title: "POOL", least: 12}, {title: "STATE"}, {title: "MINERS", right: true}, {title: "HASH RATE", right: true}, {title: "ACCEPTED", right: true}, {title: "REJ %", right: true}, {title: "EXTRANONCE2", right: true}}}
	var remarks []string
	for i := range a.Pools {
		p := &a.Pools[i]
		var accepted, rejected uint64
		if p.Audit != nil {
			accepted, rejected = p.Audit.Accepted, sum(p.Audit.Rejected)
		}
		t.add(printable(p.Name), poolWord(p), plain.Count(p.Miners), plain.HashRate(p.HashRate), plain.Count(accepted), percent(rejected, accepted+rejected), sizeWord(p.Extranonce2))
		remarks = append(remarks, poolRemarks(p)...)
	}
	if err := t.print(w, width); err != nil {
		return err
	}
	return printLines(w, remarks)
}

// poolRemarks say what a pool's row has no room for.
func poolRemarks(p *api.PoolState) (list []string) {
	if p.Order != nil {
		list = append(list, fmt.Sprintf("%s: %s %s", p.Name, p.State, p.Order))
	}
	if p.LastError != "" && p.State != "disabled" { // that is why it is down
		list = append(list, p.Name+": "+p.LastError)
	}
	a := p.Audit
	if a == nil {
		return list
	}
	if a.CertificateEnds != nil {
		whose, pinned := "its certificate", ""
		if a.CertificateSigner != "" {
			whose = "the certificate " + plain.Text(a.CertificateSigner) + " behind its own"
		}
		if a.CertificatePinned {
			pinned = "; tls_fingerprint refuses a renewed one"
		}
		list = append(list, fmt.Sprintf("%s: %s ends on %s%s", p.Name, whose, a.CertificateEnds.Local().Format(time.DateOnly), pinned))
	}
	if a.Difficulty > 0 {
		list = append(list, fmt.Sprintf("%s: difficulty %s, verdict p50 %s", p.Name, plain.Difficulty(a.Difficulty), tookWord(a.Latency.P50, a.Latency.P99)))
	}
	if b := &a.Blocks; b.Told > 0 {
		list = append(list, fmt.Sprintf("%s: %s of %s blocks told first, mean lag %s, %s missed, %s empty", p.Name, plain.Count(b.First), plain.Count(b.Told), tookWord(b.Lag.Mean, b.Lag.P99), plain.Count(b.Missed), plain.Count(b.Empty)))
	}
	return list
}

// poolWord is a pool's state in one word.
func poolWord(p *api.PoolState) string {
	switch {
	case p.Order != nil:
		return p.State
	case p.Active:
		return "active"
	case p.Up:
		return "up"
	}
	return "down"
}

// tookWord is a time of several: the p99 of none is 0.
func tookWord(seconds, p99 float64) string {
	if p99 == 0 {
		return plain.Unknown
	}
	return plain.Seconds(seconds)
}

// sizeWord says how many bytes of extranonce2 a pool leaves.
func sizeWord(n uint32) string {
	if n == 0 {
		return "?"
	}
	return strconv.FormatUint(uint64(n), 10) + " bytes"
}
