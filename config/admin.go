package config

import (
	"fmt"
	"path/filepath"
)

// adminSocket is the default name of the socket.
const adminSocket = "admin.sock"

// AdminSocket returns the socket for commands: Admin.Socket, or else admin.sock in
// runtimeDir, or else in stateDir. It returns "" if there is none of these: there is no
// socket then.
func (c *Config) AdminSocket(runtimeDir, stateDir string) string {
	switch {
	case c.Admin.Socket != "":
		return c.Admin.Socket
	case runtimeDir != "":
		return filepath.Join(runtimeDir, adminSocket)
	case stateDir != "":
		return filepath.Join(stateDir, adminSocket)
	}
	return ""
}

func (a *Admin) validate(ps *Problems) {
	const key, example = "admin.socket", `"/run/farmproxy/admin.sock"`
	switch {
	case a.Socket == "":
	case !filepath.IsAbs(a.Socket):
		ps.add(key, show(a.Socket), "expected an absolute path: commands come from other directories", example)
	case len(a.Socket) > maxSocket:
		ps.add(key, show(a.Socket), fmt.Sprintf("expected a path of at most %d bytes, as the system does for sockets", maxSocket), example)
	}
}
