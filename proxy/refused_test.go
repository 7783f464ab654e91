package proxy

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"farmproxy/bench/fleet"
	benchpool "farmproxy/bench/pool"
	"farmproxy/config"
	"farmproxy/session"
)

// unchecked gives all pools an algorithm whose shares can't be checked.
func unchecked(c *config.Config) {
	for i := range c.Pools {
		c.Pools[i].Algorithm = "x11"
	}
}

// workingFleet returns a fleet of honest miners with shares that the pool has accepted.
func workingFleet(t *testing.T, address string, pool *benchpool.Pool) *fleet.Fleet {
	t.Helper()
	o := fleet.DefaultOptions(address)
	o.Miners, o.Rate = 12, 100
	f := connectFleet(t, o)
	eventually(t, "the pool accepts shares", func() bool { return pool.Books().Total().Accepted > 50 })
	return f
}

// junk submits shares that meet no difficulty, several at a time and for the newest job,
// until it is closed, and returns what it was told. When it has sent so many for one job that
// they are not forwarded any more, the pool has another.
func junk(t *testing.T, address, login string, pool *benchpool.Pool) string {
	m := connect(t, address)
	_, job := m.work(login)
	var told strings.Builder
	last, n, full := "", 0, false
	for begin := time.Now(); time.Since(begin) < patience; {
		const some = 40
		var shares strings.Builder
		for range some {
			n++
			fmt.Fprintf(&shares, `{"id":%d,"method":"mining.submit","params":[%q,%s,"%08x","65000000","%08x"]}`+"\n", n, login, job.Params[0], n, n)
		}
		m.conn.Write([]byte(shares.String())) // reading shows when it is closed
		m.conn.SetReadDeadline(time.Now().Add(patience))
		for answers := 0; answers < some; {
			line, err := m.in.ReadString('\n')
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Fatalf("%s is not answered", login)
			}
			if err != nil {
				return told.String()
			}
			var said message
			if json.Unmarshal([]byte(line), &said); said.Method == "mining.notify" {
				job, full = said, false
			}
			if !full && strings.Contains(line, "Too many shares for one job") {
				full = true
				pool.Job(false)
			}
			if strings.Contains(line, `"error":[`) {
				told.WriteString(line)
				last = line
				answers++
			}
		}
	}
	t.Fatalf("%s stays connected after %d shares, and was told at last: %s", login, n, last)
	return ""
}

// judged waits until the pool has judged all that was forwarded so far: it answers a link
// in order. It refuses one share more.
func judged(t *testing.T, address string) {
	t.Helper()
	m := connect(t, address)
	_, job := m.work("farm.last")
	m.send(`{"id":50,"method":"mining.submit","params":["farm.last",%s,"00000000","65000000","00000000"]}`, job.Params[0])
	m.answer(50)
}

// One rig whose shares the pool refuses, of an algorithm that can't be checked, is
// slowed and closed; when it returns it is allowed little. Nobody else notices, and the
// pool is not abandoned because of it.
func TestARigWhoseSharesAreRefused(t *testing.T) {
	t.Parallel()
	pool, backup := startPool(t, nil), startPool(t, nil)
	p, address := startProxy(t, unchecked, nil, pool, backup)
	fleet := workingFleet(t, address, pool)

	refused := func() (n int) {
		for _, times := range pool.Books().Total().Refused {
			n += times
		}
		return n
	}
	junk(t, address, "farm.broken", pool)
	eventually(t, "it is counted", func() bool { return p.closed(session.SharesRefused) == 1 })
	judged(t, address)
	first := refused()
	if said := junk(t, address, "farm.broken", pool); !strings.Contains(said, "few of them are forwarded") {
		t.Errorf("the rig was told %s", said)
	}
	eventually(t, "both are counted", func() bool { return p.closed(session.SharesRefused) == 2 })
	judged(t, address)
	const few = 10 // four refusals, and what is forwarded before the last of them arrives
	if again := refused() - first - 1; again < 1 || again > few {
		t.Errorf("it had %d shares refused at first, and %d when it came back", first, again)
	}
	if total := fleet.Books().Total(); total.Disconnects > 0 || total.Refused > 0 {
		t.Errorf("the others: %d disconnected, %d shares refused: %v", total.Disconnects, total.Refused, total.Reasons)
	}
	if n := backup.Books().Total().Accepted; n > 0 {
		t.Errorf("the backup got %d shares", n)
	}
}
