package check

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// OwnPort is the warning about a port that the running farmproxy has: a mistake before a
// start, and as it should be otherwise.
const OwnPort = "the running farmproxy has this port"

// Overlap is the error of an address that the running farmproxy, whose configuration is to
// be replaced by this one, has a part of: both can't be open at once.
type Overlap struct {
	Open string // the address that it listens on
}

func (o *Overlap) Error() string {
	return fmt.Sprintf("this farmproxy has the port open as %q, and can't open it a second time before it closes it", o.Open)
}

func listenerKey(i int) string { return fmt.Sprintf("listener[%d].address", i+1) }

// listener checks that an address can be listened on.
func (k *checker) listener(key, address string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || k.known.Has(key) {
		return
	}
	value, everywhere := strconv.Quote(address), strconv.Quote(net.JoinHostPort("0.0.0.0", port))
	if key == "http.address" {
		everywhere = strconv.Quote(net.JoinHostPort("127.0.0.1", port))
	}
	if host != "" {
		if err := k.hosts[host].err; err != nil {
			k.passing(key, value, fmt.Sprintf("this name does not resolve: %v", err), everywhere+", or another address of this machine")
			return
		}
	}
	var overlap *Overlap
	switch err := k.machine.Bind(address); {
	case err == nil:
	case errors.As(err, &overlap):
		k.passing(key, value, overlap.Error(), strconv.Quote(overlap.Open)+" as before, or another port; or farmproxy upgrade, which has the new one")
	case errors.Is(err, syscall.EADDRINUSE) && k.isRunning():
		k.warning(key, value, OwnPort, "farmproxy reload, or stopping it before another one starts")
	case errors.Is(err, syscall.EADDRINUSE):
		k.passing(key, value, "another program has this port", fmt.Sprintf("another port, or ss -ltnp 'sport = :%s'", port))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		k.passing(key, value, "this machine does not have this address", everywhere)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		k.warning(key, value, "this user may not listen there", "a port of 1024 or above, or the capability named in the unit's comment")
	default:
		k.passing(key, value, fmt.Sprintf("cannot listen here: %v", err), everywhere)
	}
}

// isRunning reports whether it is a farmproxy that holds the ports.
func (k *checker) isRunning() bool {
	if k.running == nil {
		yes := k.config.HTTP.Address != "" && k.machine.Farmproxy(k.ctx, k.config.HTTP.Address)
		k.running = &yes
	}
	return *k.running
}

// binding is an address on which farmproxy itself will listen.
type binding struct {
	key  string
	port string
	at   []netip.Addr // nil: every address of the machine
}

// bindings returns all of them, as far as they are known.
func (k *checker) bindings() (list []binding) {
	add := func(key, address string) {
		host, port, err := net.SplitHostPort(address)
		if err != nil || port == "0" || k.known.Has(key) {
			return
		}
		b := binding{key: key, port: port}
		if ip, err := netip.ParseAddr(host); host != "" && !(err == nil && ip.IsUnspecified()) {
			r := k.hosts[host]
			if b.at = r.addresses; r.err != nil {
				return
			}
		}
		list = append(list, b)
	}
	for i, l := range k.config.Listeners {
		add(listenerKey(i), l.Address)
	}
	add("http.address", k.config.HTTP.Address)
	return list
}
