package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"farmproxy/admin"
	"farmproxy/doctor"
	"farmproxy/proxy"
)

// doctor's exit code and its output, for people and for programs.
func TestDoctor(t *testing.T) {
	file := fileOf(t, "[http]\naddress = ''\n[[listener]]\naddress = '127.0.0.1:0'\n[[pool]]\nurl = 'stratum+tcp://127.0.0.1:1'\nuser = 'farm'\n")
	code, out, said := invoke(t, "doctor", "-c", file)
	if code != exitFailed || said != "" || !strings.HasPrefix(out, "problem ") || !strings.Contains(out, "connection refused\n                       correct the host and port in pool[1].url") || !strings.Contains(out, "1 problem") {
		t.Errorf("%d\n%s\n%s", code, out, said)
	}
	code, out, said = invoke(t, "doctor", "-c", file, "-json")
	var findings []doctor.Finding
	if err := json.Unmarshal([]byte(out), &findings); code != exitFailed || said != "" || err != nil || findings[0].State != doctor.Problem {
		t.Errorf("%d, %v\n%s\n%s", code, err, out, said)
	}
	if code, _, said := invoke(t, "doctor", "-c", file+".none"); code != exitFailed || !strings.Contains(said, "does not exist") {
		t.Errorf("%d %s", code, said)
	}
}

// answering is a farmproxy that answers one command, until the test ends.
func answering(t *testing.T, command string, f admin.Func) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "admin.sock")
	s := admin.New(slog.New(slog.DiscardHandler))
	s.Query(command, f)
	l, err := admin.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Shutdown(context.Background()) })
	return socket
}

// A trace's events as lines.
func TestTrace(t *testing.T) {
	s := answering(t, "trace", func(ctx context.Context, c *admin.Call) (any, error) {
		var args proxy.TraceArgs
		if err := c.Args(&args); err != nil {
			return nil, err
		}
		c.Send(proxy.TraceEvent{Remark: "of " + args.Name})
		return nil, c.Send(proxy.TraceEvent{Connection: "10.0.0.1:4711", From: "miner", Line: "{}"})
	})
	for _, q := range []struct {
		args []string
		code int
		out  string
		said string
	}{
		{[]string{"farm.rig", "-socket", s}, exitOK, "# of farm.rig\n10.0.0.1:4711 miner: {}\n", ""},
		{[]string{"-json", "-socket", s, "main"}, exitOK, `{"remark":"of main"}` + "\n" + `{"connection":"10.0.0.1:4711","from":"miner","line":"{}"}` + "\n", ""},
		{[]string{"-socket", s}, exitMisused, "", "expected the name of a worker or of a pool"},
	} {
		code, out, said := invoke(t, append([]string{"trace"}, q.args...)...)
		if code != q.code || !strings.HasPrefix(out, q.out) || !strings.Contains(said, q.said) {
			t.Errorf("%v: %d\n%s\n%s", q.args, code, out, said)
		}
	}
}

// Ctrl-C is how a trace ends, and no failure.
func TestATraceEndsByCtrlC(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	socket := answering(t, "trace", func(life context.Context, c *admin.Call) (any, error) {
		cancel()
		<-life.Done()
		return nil, nil
	})
	var out, said strings.Builder
	if code := dispatch(ctx, []string{"trace", "farm.rig", "-socket", socket}, terminal{out: &out, err: &said}); code != exitOK || out.Len()+said.Len() > 0 {
		t.Errorf("%d\n%s\n%s", code, out.String(), said.String())
	}
}
