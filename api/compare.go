package api

import (
	"time"

	"github.com/valyala/fasthttp"

	"farmproxy/stats"
	"farmproxy/work"
)

// comparedPool is a pool of the configuration, or of an account in use, and what tells it
// apart from the others.
type comparedPool struct {
	Name   string `json:"name"`
	URL    string `json:"url"`
	Level  int    `json:"level"`
	Up     bool   `json:"up"`
	Active bool   `json:"active"`
	*PoolAudit
}

// PoolAudit is what a pool does for the farm: docs/pools.md explains it.
type PoolAudit struct {
	QuietLink         bool       `json:"quiet_link"`         // one is up
	CertificateEnds   *time.Time `json:"certificate_ends"`   // null: not known, or it does not matter
	CertificateSigner string     `json:"certificate_signer"` // whose end that is, above the pool's own; "": the pool's own
	CertificatePinned bool       `json:"certificate_pinned"` // tls_fingerprint allows this one only
	Difficulty        float64    `json:"difficulty"`         // 0: not known yet
	Disconnects       uint64     `json:"disconnects"`        // of links that served miners
	QuietDisconnects  uint64     `json:"quiet_disconnects"`  // of quiet links
	tally                        // the pool's verdicts
	RejectRate        float64    `json:"reject_rate"`     // 0..1
	Work              float64    `json:"work"`            // accepted, at the pool's difficulty
	ExpectedWork      float64    `json:"expected_work"`   // of all valid shares for its jobs, at the miners' difficulties
	Latency           latency    `json:"latency_seconds"` // of verdicts
	Blocks            struct {
		Told   uint64  `json:"told"`
		First  uint64  `json:"first"`
		Missed uint64  `json:"missed"`
		Lag    latency `json:"lag_seconds"`
		Empty  uint64  `json:"empty"`
		Time   latency `json:"empty_seconds"`
	} `json:"blocks"`
}

func makePoolAudit(c *stats.Comparison) *PoolAudit {
	a := &PoolAudit{
		QuietLink:        c.Quiet.Load(),
		Difficulty:       c.Difficulty.Load(),
		Disconnects:      c.Disconnects.Load(),
		QuietDisconnects: c.QuietDisconnects.Load(),
		tally:            makeTally(&c.Shares),
		RejectRate:       c.RejectRate(),
		Work:             c.Work[work.Accepted],
		ExpectedWork:     c.Expected.Load(),
		Latency:          makeLatency(&c.Latency),
	}
	if x := c.Certificate.Load(); x != nil {
		a.CertificateEnds, a.CertificateSigner, a.CertificatePinned = OrNull(x.Ends), x.Signer, x.Pinned
	}
	b := &a.Blocks
	b.Told, b.First, b.Missed = c.BlocksTold.Load(), c.BlocksFirst.Load(), c.BlocksMissed.Load()
	b.Lag = makeLatency(&c.Lag)
	b.Empty, b.Time = c.EmptyBlocks.Load(), makeLatency(&c.EmptyTime)
	return a
}

func makeLatency(l *stats.Latency) latency {
	return latency{
		P50:  l.Quantile(0.50).Seconds(),
		P99:  l.Quantile(0.99).Seconds(),
		Mean: l.Mean().Seconds(),
	}
}

// compared returns the pools, preferred ones first.
func (s *Server) compared() []comparedPool {
	list := s.options.Book.Compare()
	pools := make([]comparedPool, len(list))
	for i := range list {
		p := list[i].Pool
		pools[i] = comparedPool{p.Name, p.URL, p.Level(), p.Up.Load(), p.Active.Load(), makePoolAudit(&list[i])}
	}
	return pools
}

type blocksAnswer struct {
	Blocks []block `json:"blocks"`
}

// block is a block and which pools have told of it, in that order.
type block struct {
	Hash  string     `json:"hash"` // as block explorers show it
	Time  *time.Time `json:"time"` // when the first pool told
	Pools []telling  `json:"pools"`
}

type telling struct {
	Pool         string   `json:"pool"`
	Lag          float64  `json:"lag_seconds"`
	Empty        bool     `json:"empty"`
	EmptySeconds *float64 `json:"empty_seconds"` // null: it was not empty, is yet, or was until the next block
}

func (s *Server) blocks(ctx *fasthttp.RequestCtx) error {
	a := blocksAnswer{Blocks: []block{}}
	for _, b := range s.options.Book.Blocks() {
		x := block{Hash: b.Hash, Time: OrNull(b.At)}
		for _, t := range b.Tellings {
			y := telling{Pool: t.Pool, Lag: t.Lag.Seconds(), Empty: t.Empty}
			if t.EmptyFor > 0 {
				y.EmptySeconds = new(t.EmptyFor.Seconds())
			}
			x.Pools = append(x.Pools, y)
		}
		a.Blocks = append(a.Blocks, x)
	}
	rows := []blockTelling{}
	for i := range a.Blocks {
		for _, t := range a.Blocks[i].Pools {
			rows = append(rows, blockTelling{a.Blocks[i].Hash, a.Blocks[i].Time, t})
		}
	}
	return writeList(ctx, "blocks", &a, rows)
}

// blockTelling is a row of the blocks' table.
type blockTelling struct {
	Hash string     `json:"hash"`
	Time *time.Time `json:"time"`
	telling
}
