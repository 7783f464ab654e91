package proxy

import (
	"reflect"
	"slices"

	"farmproxy/netloop"
)

// apply has every part work by other settings from now on. It is the one place that
// they come from, at the start and whenever the configuration changes. It fails, and
// then has changed nothing, where the proxies or a name can't be understood, or a port
// can't be opened.
func (p *proxy) apply(s *settings) error {
	before := p.settings.Load()
	if before != nil && reflect.DeepEqual(before.proxies, s.proxies) {
		s.links.Dial = before.links.Dial // it knows which way is fast
	} else {
		dial, err := dialer(s.proxies, p.log)
		if err != nil {
			return err
		}
		s.links.Dial = dial
	}
	web, sameWeb, err := p.webPort.prepare(s.webAt.address)
	if err != nil {
		return err
	}
	if err := p.server.Configure(s.miners); err != nil {
		if web != nil {
			web.Close()
		}
		return err
	}
	p.files.Stand(s.standing)
	p.files.Keep(s.linkFiles)
	p.directory.Configure(s.links)
	p.book.Configure(s.books)
	p.book.SetMinersMax(s.miners.MaxMiners)
	p.book.SetNeedsLink(s.needsLink)
	p.book.SetOnlyAccounts(s.onlyAccounts)
	p.web.Configure(s.web)
	p.web.Secure(s.webAt.secure)
	if !sameWeb {
		p.webPort.replace(web, s.webAt.address)
	}
	p.shares.Configure(s.shares)
	p.book.SetForget(s.remember)
	p.remember.configure(&s.history)
	p.alerts.configure(s.alerts)
	p.notify.configure(&s.notify)
	if p.queue != nil {
		p.queue.Configure(s.log)
	}
	p.settings.Store(s)
	p.tables.change(func(t *table) { t.others = s.others })
	if before != nil && !slices.EqualFunc(before.miners.Listeners, s.miners.Listeners, sameRoute) {
		p.directory.LoginAgain() // those of a listener with another route belong there now
	}
	return nil
}

func sameRoute(a, b netloop.Listener) bool { return a.Address == b.Address && a.Route == b.Route }
