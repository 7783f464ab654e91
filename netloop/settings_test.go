package netloop

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"farmproxy/session"
)

// A connected miner continues under new settings, one beyond the limit is turned away,
// and settings that can't be parsed change nothing.
func TestSettingsOfAServerThatRuns(t *testing.T) {
	t.Parallel()
	f := newFarm(t, func(*Options) {})
	f.want("f", `{"id":1,"method":"mining.subscribe","params":[]}`)
	next := f.server.settings.Load().Settings
	next.MaxMiners, next.WorkerName, next.Terms.MalformedLimit = 1, "{ip1}", 3
	if err := f.server.Configure(next); err != nil {
		t.Fatal(err)
	}
	f.want("error", `{"id":2,`)
	f.want("true", `{"id":2,"method":"mining.authorize","params":["farm.rig","x"]}`)
	if name := f.minesFor(); name != "farm.127" {
		t.Errorf("it mines for %s", name)
	}
	conn, err := net.Dial("tcp", f.server.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if said, _ := io.ReadAll(bufio.NewReader(conn)); !strings.Contains(string(said), "full") {
		t.Errorf("one too many is told %q", said)
	}
	next.WorkerName, next.MaxMiners = "{port}", 10
	if err := f.server.Configure(next); err == nil {
		t.Error("a name that can't be read was set")
	}
	if f.server.settings.Load().MaxMiners != 1 {
		t.Error("half of it was set")
	}
	if n := f.book.Loop(0).Closed[session.Full].Load(); n != 1 {
		t.Errorf("%d were turned away", n)
	}
}
