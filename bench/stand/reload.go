package stand

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Reloaded is what farmproxy reload answers.
type Reloaded struct {
	Changes  []string `json:"changes"`
	Problems []string `json:"problems"`
}

// Options are those that the proxy was started with.
func (s *Stand) Options() ProxyOptions { return s.options }

// Reload gives the proxy another configuration, with more text at its end, and has it
// read that. The error is what farmproxy said why not.
func (s *Stand) Reload(ctx context.Context, o ProxyOptions, more string) (r Reloaded, err error) {
	file := filepath.Join(s.dir, configFile)
	text := proxyConfig(o, s.Addr, filepath.Join(s.dir, "state")) + more
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, s.exe, "reload", "-c", file, "-json")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	failed := cmd.Run()
	if err := json.Unmarshal(out.Bytes(), &r); err != nil && failed == nil {
		return r, fmt.Errorf("farmproxy reload: want an answer with the changes, got %q", out.String())
	}
	if failed != nil {
		return r, fmt.Errorf("%w: %s", failed, strings.TrimSpace(said.String()))
	}
	return r, nil
}
