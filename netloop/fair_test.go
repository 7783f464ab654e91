package netloop

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// The loop is blocked while one miner sends a flood and another one line. When it
// continues, the line is read after a small part of the flood: the rest waits.
func TestAFloodHoldsUpNobody(t *testing.T) {
	f := newFarm(t, func(*Options) {})
	flooder, err := net.Dial("tcp", f.server.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer flooder.Close()
	const ping = `{"id":1,"method":"mining.ping","params":[]}` + "\n"
	fmt.Fprint(flooder, ping)
	fmt.Fprint(f.conn, ping)
	f.line()
	if _, err := flooder.Read(make([]byte, 100)); err != nil { // both are on the loop
		t.Fatal(err)
	}
	l := (*f.server.loops.Load())[0]
	still, goOn := make(chan bool), make(chan bool)
	l.mailbox.call(func() { close(still); <-goOn })
	<-still
	fmt.Fprint(flooder, strings.Repeat(ping, 1000)) // 44 kB: fits into the kernel's buffer
	fmt.Fprint(f.conn, ping)
	before, after := l.counts.Messages.Load(), make(chan uint64, 1)
	l.mailbox.call(func() { after <- l.counts.Messages.Load() }) // called after both
	close(goOn)
	f.line()
	select {
	case n := <-after:
		if n -= before; n > (8<<10)/uint64(len(ping))+2 {
			t.Errorf("%d lines of the flood were read before the other miner's one", n)
		}
	case <-time.After(patience):
		t.Fatal("the loop does not go on")
	}
}
