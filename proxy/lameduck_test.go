package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"farmproxy/admin"
	"farmproxy/config"
	"farmproxy/session"
)

// commanded lets a proxy be asked over a socket, by ask.
func commanded(t *testing.T) (change func(*config.Config), ask func(command, args string) (string, error)) {
	socket := filepath.Join(t.TempDir(), "admin.sock")
	change = func(c *config.Config) {
		unchecked(c)
		c.Miners.Loops = 1
		c.Admin.Socket = socket
	}
	ask = func(command, args string) (string, error) {
		answer, err := admin.Do(context.Background(), socket, command, json.RawMessage(args), nil)
		return string(answer), err
	}
	return change, ask
}

// A lame duck takes nobody, lets everybody go that waits for nothing, serves the others
// until they have their verdicts, and ends.
func TestALameDuck(t *testing.T) {
	pool, came, release := heldPool(t)
	change, ask := commanded(t)
	var log bytes.Buffer // slog writes one line at a time
	p, stop := launch(t, &log, change, nil, pool)
	p.drain = patience
	linked(t, p)
	address := p.server.Addresses()[0]
	idle, waits := connect(t, address), connect(t, address)
	idle.work("farm.idle")
	_, job := waits.work("farm.waits")
	waits.send(`{"id":7,"method":"mining.submit","params":["farm.waits",%s,"00000001","65000000","00000001"]}`, job.Params[0])
	<-came

	type outcome struct {
		answer string
		err    error
	}
	left := make(chan outcome, 1)
	go func() {
		answer, err := ask("lame-duck", `{"over":"0s"}`)
		left <- outcome{answer, err}
	}()
	idle.wantClosed()
	if conn, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a newcomer: %v, %v", conn, err)
	}
	if code, body := p.ready(t); code != 503 || !strings.Contains(body, "farmproxy is a lame duck: it takes no miners") {
		t.Errorf("/readyz: %d %s", code, body)
	}
	if answer, err := ask("lame-duck", "{}"); err == nil || err.Error() != "farmproxy is a lame duck already, with 1 miners left" {
		t.Errorf("asked again: %s, %v", answer, err)
	}
	waits.wantAlive()
	waits.send(`{"id":8,"method":"mining.submit","params":["farm.waits",%s,"00000002","65000000","00000002"]}`, job.Params[0])
	release()
	waits.answer(7)
	waits.answer(8)
	waits.wantClosed()
	if o := <-left; o.err != nil || !strings.HasPrefix(o.answer, `{"miners":0,`) {
		t.Errorf("the command: %s, %v", o.answer, o.err)
	}
	<-p.duck.ended
	stop()
	if n := p.closed(session.LameDuck); n != 2 {
		t.Errorf("%d miners are counted as let go, want 2", n)
	}
	if !strings.Contains(log.String(), "no miner is left") {
		t.Errorf("the log does not say why farmproxy ended:\n%s", log.String())
	}
}

// A new process takes miners again: whoever wanted them to leave has to say so to that one.
func TestALameDuckDuringAnUpgrade(t *testing.T) {
	change, ask := commanded(t)
	p, stop := launch(t, testLog{t}, change, nil, startPool(t, nil))
	defer stop()
	m := connect(t, p.server.Addresses()[0])
	m.work("farm.rig")
	p.successor.mu.Lock()
	if answer, err := ask("lame-duck", `{"over":"0s"}`); err == nil || err.Error() != errUpgrading.Error() {
		t.Errorf("during an upgrade: %s, %v", answer, err)
	}
	p.successor.mu.Unlock()
	m.wantAlive()
	if code, body := p.ready(t); code != 200 {
		t.Errorf("/readyz: %d %s", code, body)
	}
}

// With stay it goes on without miners, to be looked at, until it is stopped.
func TestALameDuckThatStays(t *testing.T) {
	change, ask := commanded(t)
	p, stop := launch(t, testLog{t}, change, nil, startPool(t, nil))
	m := connect(t, p.server.Addresses()[0])
	m.work("farm.rig")
	answer, err := ask("lame-duck", `{"over":"0s","stay":true}`)
	if err != nil || !strings.HasPrefix(answer, `{"miners":0,`) {
		t.Errorf("the command: %s, %v", answer, err)
	}
	m.wantClosed()
	if code, body := p.ready(t); code != 503 || !strings.Contains(body, "all miners have left") {
		t.Errorf("/readyz: %d %s", code, body)
	}
	select {
	case <-p.duck.ended:
		t.Error("it ends")
	default:
	}
	stop()
}

// Miners leave as their part grows, no sooner.
func TestALameDuckLetsMinersGoInTurn(t *testing.T) {
	change, _ := commanded(t)
	p, stop := launch(t, testLog{t}, change, nil, startPool(t, nil))
	defer stop()
	const all = 8
	var miners []*miner
	for range all {
		m := connect(t, p.server.Addresses()[0])
		m.work("farm.rig")
		miners = append(miners, m)
	}
	p.server.Refuse()
	for _, step := range []struct {
		part float64
		left int
	}{{0, 8}, {0.5, 4}, {0.5, 4}, {0.7, 2}, {1, 0}} {
		p.server.LetGo(step.part)
		eventually(t, "so many have left", func() bool { return p.server.Connected() <= step.left })
		if err := p.server.Alive(context.Background()); err != nil { // whatever was on its way is done
			t.Fatal(err)
		}
		if n := p.server.Connected(); n != step.left {
			t.Fatalf("%d miners are left when %v have gone, want %d", n, step.part, step.left)
		}
		for _, m := range miners[all-step.left:] {
			m.wantAlive()
		}
	}
}

func TestALameDuckIsToldHowLong(t *testing.T) {
	change, ask := commanded(t)
	p, stop := launch(t, testLog{t}, change, nil, startPool(t, nil))
	defer stop()
	for args, want := range map[string]string{
		`{"over":"soon"}`: `over = "soon": want a duration from 0s to 24h0m0s, such as 2m`,
		`{"over":"-1s"}`:  `over = "-1s": want a duration from 0s to 24h0m0s, such as 2m`,
		`{"over":"25h"}`:  `over = "25h": want a duration from 0s to 24h0m0s, such as 2m`,
		`{"under":"1h"}`:  "the arguments of lame-duck",
	} {
		if answer, err := ask("lame-duck", args); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %s, %v, want %s", args, answer, err, want)
		}
	}
	connect(t, p.server.Addresses()[0]).work("farm.rig") // nothing has changed
}
