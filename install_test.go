package farmproxy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compiler is a go command that builds what SOURCE says, and fails with WRONG.
const compiler = `#!/bin/sh
[ -z "$WRONG" ] || exit 1
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\n# %s\necho "$@"\n' "$SOURCE" >"$2"
chmod +x "$2"
`

// What is installed is built from the current source, not a binary from before a pull.
func TestInstallBuilds(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("there is no make")
	}
	top, dir := mustGetwd(t), t.TempDir()
	for _, name := range []string{"Makefile", "systemd", "monitoring", "docs", "VERSION", "CHANGELOG.md", "LICENSE"} {
		if err := os.Symlink(filepath.Join(top, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	goTool := filepath.Join(dir, "go.sh")
	if err := os.WriteFile(goTool, []byte(compiler), 0o755); err != nil {
		t.Fatal(err)
	}
	f := func(source, wrong, want string) {
		t.Helper()
		cmd := exec.Command("make", "install", "GO="+goTool, "DESTDIR="+filepath.Join(dir, "root"))
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "SUDO_USER=", "MAKEFLAGS=", "SOURCE="+source, "WRONG="+wrong)
		said, err := cmd.CombinedOutput()
		if (err != nil) != (wrong != "") {
			t.Fatalf("%v\n%s", err, said)
		}
		got, err := os.ReadFile(filepath.Join(dir, "root/usr/local/bin/farmproxy"))
		if err != nil || !strings.Contains(string(got), "\n# "+want+"\n") {
			t.Errorf("of %q %q was installed, want %q: %v\n%s", source, got, want, err, said)
		}
	}
	f("old", "", "old")
	f("new", "", "new")
	f("newest", "does not compile", "new")
	if info, err := os.Stat(filepath.Join(dir, "root/etc/farmproxy/farmproxy.toml")); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("the configuration: %v, %v; it has passwords, so not everybody may read it", info, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "root/usr/local/share/man/man8/farmproxy.8")); err != nil || string(text) != "man\n" {
		t.Errorf("the manual is %q: %v, want what farmproxy man prints", text, err)
	}
}

func mustGetwd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
