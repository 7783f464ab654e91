package main

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// farmproxy cert makes what a listener takes, once.
func TestCert(t *testing.T) {
	dir := t.TempDir()
	f := func(line string, code int, stdout, stderr string) {
		t.Helper()
		var out, err strings.Builder
		got := dispatch(context.Background(), strings.Fields(line), terminal{out: &out, err: &err})
		if got != code || !strings.Contains(out.String(), stdout) || !strings.Contains(err.String(), stderr) {
			t.Errorf("farmproxy %s: %d, want %d\n%s\nwant %s\n%s\nwant %s", line, got, code, out.String(), stdout, err.String(), stderr)
		}
	}
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	f("cert -o "+dir+" -days 3651", exitMisused, "", "want 1 to 3650")
	f("cert -o "+dir+" edge.farm 10.0.0.1", exitOK, `tls = { cert = "`+cert+`", key = "`+key+`" }`, "")
	f("cert -o "+dir, exitFailed, "", "move it away")
	f("cert -o "+filepath.Join(dir, "none"), exitFailed, "", "no such file or directory")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"edge.farm", "10.0.0.1"} {
		if err := pair.Leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("others may read the key: %v, %v", info.Mode(), err)
	}
}
