package scenario

import (
	"context"
	"fmt"
	"net"
	"time"

	"farmproxy/bench/fleet"
	"farmproxy/bench/judge"
	"farmproxy/bench/wait"
)

// trouble is what a fleet suffers when its proxy is killed.
type trouble struct{ Disconnects, Failures int }

func (t *trouble) add(before, after fleet.Total) {
	t.Disconnects += after.Disconnects - before.Disconnects
	t.Failures += after.Failures - before.Failures
}

// orphan kills the old process when the new one has just begun: the new one must not
// serve alone, with half of what it needs. What happens then is what happens after any
// crash: the service is started again, and the miners come back.
func (t *trial) orphan(ctx context.Context, breach func(string, ...any)) error {
	before, start := t.fleet.Books().Total(), time.Now()
	t.cuts = append(t.cuts, cut{start, judge.ExcuseKilled})
	if err := t.stand.InstallScript(fmt.Sprintf(`kill -9 $PPID; exec '%s' "$@"`, t.o.Exe)); err != nil {
		return err
	}
	old := t.stand.Child
	if _, err := t.stand.Upgrade(ctx); err == nil {
		breach("farmproxy upgrade succeeded")
	}
	if !wait.Until(ctx, t.o.Patience, func() bool { return closed(old.Exited) }) {
		return fmt.Errorf("process %d was not killed", old.PID())
	}
	if !wait.Until(ctx, t.o.Patience, func() bool { return t.fleet.Connected() == 0 && !listens(t.stand.Addr) }) {
		breach("the new process serves alone: %d miners are connected %v after the old one was killed", t.fleet.Connected(), t.o.Patience)
	}
	if err := t.stand.Reinstall(); err != nil {
		return err
	}
	if err := t.stand.Launch(ctx); err != nil {
		return err
	}
	if !wait.Until(ctx, t.o.Patience, func() bool { return t.fleet.Ready() == t.o.Miners }) {
		breach("only %d of %d miners are back at work %v after the restart; the last trouble: %s", t.fleet.Ready(), t.o.Miners, t.o.Patience, t.fleet.Books().LastTrouble())
	}
	t.fig.RestartSeconds = time.Since(start).Seconds()
	t.suffered.add(before, t.fleet.Books().Total())
	return ctx.Err()
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// listens reports whether somebody takes connections.
func listens(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		conn.Close()
	}
	return err == nil
}
