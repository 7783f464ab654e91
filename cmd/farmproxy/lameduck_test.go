package main

import (
	"context"
	"path/filepath"
	"testing"

	"farmproxy/admin"
)

// The operator sees how many miners are left while they leave.
func TestLameDuck(t *testing.T) {
	dir := t.TempDir()
	args := make(map[string]any)
	listening(t, dir, "lame-duck", func(_ context.Context, c *admin.Call) (any, error) {
		type left struct {
			Miners  int     `json:"miners"`
			Seconds float64 `json:"seconds"`
		}
		err := c.Args(&args)
		c.Send(left{12, 1.2})
		return left{0, 30.4}, err
	})
	code, out, said := invoke(t, "lame-duck", "-over", "30s", "-stay", "-socket", filepath.Join(dir, "admin.sock"))
	if want := "   1 s: 12 miners are left\n  30 s: 0 miners are left\n"; code != exitOK || out != want || said != "" {
		t.Errorf("%d\n%s\n%s", code, out, said)
	}
	if args["over"] != "30s" || args["stay"] != true {
		t.Errorf("farmproxy was told %v", args)
	}
}
