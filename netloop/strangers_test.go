package netloop

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"farmproxy/upstream"
)

// A new user is told that there are too many, not that it must register. It is
// counted.
func TestOneUserTooMany(t *testing.T) {
	t.Parallel()
	f := newFarmOf(t, upstream.Kind{PerUser: true}, func(*Options) {})
	f.want("f", `{"id":1,"method":"mining.subscribe","params":[]}`)
	f.want("Unknown account", `{"id":2,"method":"mining.authorize","params":[".rig","x"]}`)
	from := netip.MustParseAddr("127.0.0.1")
	bring := func(from netip.Addr) error {
		login := fmt.Sprint("user", f.users)
		g, _, err := f.directory.LoginFrom(upstream.Caller{Login: login, Address: from})
		if err == nil {
			f.users++
			g.Join(upstream.Member{Prefix: upstream.Prefix{Len: 2}, Login: login, Address: from})
		}
		return err
	}
	for bring(from) == nil {
	}
	f.want("Too many new users from your address", `{"id":2,"method":"mining.authorize","params":["ann.rig","x"]}`)
	f.want("true", `{"id":3,"method":"mining.authorize","params":["user0.rig","x"]}`)
	for from := netip.MustParseAddr("10.0.0.1"); ; from = from.Next() {
		for bring(from) == nil {
		}
		if bring(from) == upstream.ErrTooManyUsers {
			break
		}
	}
	if err := bring(netip.Addr{}); err != upstream.ErrTooManyUsers {
		t.Errorf("one more user from anywhere: %v", err)
	}
	l, told := (*f.server.loops.Load())[0], make(chan string, 1)
	l.mailbox.call(func() { told <- l.nowhere(upstream.ErrTooManyUsers) })
	if got, want := <-told, "Too many new users: try again in a minute"; got != want {
		t.Errorf("it is told %s, want %s", got, want)
	}
	var metrics strings.Builder
	if err := f.book.WriteMetrics(&metrics, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{reason="all_addresses"} 1`, `{reason="one_address"} 1`} {
		if want = "\nfarmproxy_users_refused_total" + want + "\n"; !strings.Contains(metrics.String(), want) {
			t.Errorf("the metrics have no %q", want)
		}
	}
}

// A miner counted under a name does not prevent itself from being recognised.
func TestAMinerIsConnectedAsItsWorkers(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(*Options) {})
	f.want("true", `{"id":1,"method":"mining.authorize","params":["farm.rig","x"]}`)
	f.want("true", `{"id":2,"method":"mining.authorize","params":["farm.spare","x"]}`)
	l, got := (*f.server.loops.Load())[0], make(chan string, 1)
	l.mailbox.call(func() {
		p := l.slots[0].peer
		got <- fmt.Sprint(p.connectedAs("farm.rig"), p.connectedAs("farm.spare"), p.connectedAs("farm.other"))
	})
	if n, want := <-got, "1 0 0"; n != want { // a further name counts from its first share on
		t.Errorf("it is connected as rig, spare and other %s times, want %s", n, want)
	}
}
