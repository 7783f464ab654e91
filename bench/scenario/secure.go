package scenario

import (
	"context"
	"fmt"

	"farmproxy/bench/cli"
	"farmproxy/bench/record"
	"farmproxy/bench/stand"
)

// secureMiners is how many miners connect over TLS: so many fit behind HAProxy, which
// takes two descriptors for each, as the harness does.
const secureMiners = 5000

// overTLS returns the options for miners over TLS.
func (o Options) overTLS() (Options, error) {
	o = o.behindHAProxy()
	o.Miners = min(o.Miners, secureMiners)
	o.entered = 0
	var err error
	o.secure, err = stand.NewCertificate()
	return o, err
}

// secured measures miners over TLS: their memory, their handshakes, their shares.
func (t *trial) secured(ctx context.Context) error {
	began, err := t.restingAnonymous(ctx)
	if err != nil {
		return err
	}
	before, err := t.stand.Child.CPU()
	if err != nil {
		return err
	}
	if err := t.connect(ctx); err != nil {
		return err
	}
	after, err := t.stand.Child.CPU()
	if err != nil {
		return err
	}
	t.sample(record.KeyTLSConnect, 0, t.fig.ConnectSeconds)
	t.sample(record.KeyTLSHandshake, 0, (after-before).Seconds()/float64(t.o.Miners))
	if err := t.oneJob(ctx); err != nil {
		return err
	}
	ended, err := t.restingAnonymous(ctx)
	if err != nil {
		return err
	}
	t.sample(record.KeyTLSMemory, 0, memoryPer(began, ended, t.o.Miners))
	if err := t.costOfShares(ctx, t.o.Rate, shareKeys{record.KeyTLSShare, record.KeyTLSP50, record.KeyTLSP99, ""}); err != nil {
		return err
	}
	return t.finish()
}

// overTLS measures HAProxy, which ends TLS in front of the pool, and then the proxy.
func (m measurement) overTLS(ctx context.Context, o Options, t cli.Terminal, turn string) error {
	o, err := o.overTLS()
	if err != nil {
		return fmt.Errorf("%s: %w", turn, err)
	}
	if o.HAProxy != "" {
		if err := m.one(ctx, o, t, turn, (*trial).secured, record.SideHAProxy); err != nil {
			return err
		}
	}
	return m.one(ctx, o, t, turn, (*trial).secured, record.SideProxy)
}
