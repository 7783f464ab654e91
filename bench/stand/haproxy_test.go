package stand

import (
	"strings"
	"testing"
)

func TestHAProxyPassesBytesOnInOneThread(t *testing.T) {
	config := haproxyConfig("127.0.0.1:1", "127.0.0.1:2", 316, "")
	for _, line := range []string{"nbthread 1", "maxconn 316", "mode tcp", "bind 127.0.0.1:1", "server pool 127.0.0.1:2"} {
		if !strings.Contains(config, "    "+line+"\n") {
			t.Errorf("no %q in:\n%s", line, config)
		}
	}
}
