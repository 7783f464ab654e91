package admin

import (
	"log/slog"
	"os/user"
	"strconv"
)

// Peer is the process at the other end of a connection, as the kernel knows it. Under
// systemd's PrivateUsers= every user but root and farmproxy's own appears as nobody.
type Peer struct {
	PID      int
	UID, GID int
	Known    bool // false: this system does not say
}

// attributes are what the log says of it.
func (p Peer) attributes() []any {
	if !p.Known {
		return nil
	}
	return []any{slog.String("user", p.name()), slog.Int("uid", p.UID), slog.Int("pid", p.PID)}
}

// name is that of the user, or the number of one without.
func (p Peer) name() string {
	name := strconv.Itoa(p.UID)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return name
}

// String names the user, for those who wonder later who it was.
func (p Peer) String() string {
	if !p.Known {
		return "somebody on this machine"
	}
	return "user " + p.name()
}
