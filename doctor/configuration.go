package doctor

import (
	"fmt"
	"regexp"
	"strings"

	"farmproxy/config"
)

// configuration takes over what is wrong with the file, and with what it names on this
// machine.
func (x *examination) configuration() {
	for _, p := range x.Problems {
		s := Problem
		if p.Warning {
			s = Warning
		}
		about, cure := "configuration", cureOf(p)
		if strings.Contains(p.Want, "does not resolve") {
			about, s = "dns", Problem // farmproxy can start, but not work
		} else if strings.HasSuffix(p.Key, ".tls") {
			about = "certificate"
		}
		p.Try, p.Warning = "", false
		x.add(about, s, p.String(), cure...)
	}
	if len(x.Problems) == 0 {
		x.add("configuration", OK, x.File)
	}
}

var (
	openToAll  = regexp.MustCompile(`^(\S+?): every user of this machine can read or write it`)
	unresolved = regexp.MustCompile(`^"(?:[a-z+]+://)?\[?([^/:\]"]+)`)
)

// cureOf makes steps of what a problem says to try.
func cureOf(p config.Problem) []Step {
	if m := openToAll.FindStringSubmatch(p.Want); m != nil {
		return []Step{run("chmod 640 %s", m[1])}
	}
	if dir, rest, ok := strings.Cut(strings.TrimPrefix(p.Try, "mkdir -p "), ", "); ok && strings.HasPrefix(p.Try, "mkdir -p ") {
		return []Step{run("mkdir -p %s", dir), do("it must be %s", rest)}
	}
	if m := unresolved.FindStringSubmatch(p.Value); m != nil && strings.Contains(p.Want, "does not resolve") {
		return []Step{do("correct the name in %s; if it is right, this machine's name servers (/etc/resolv.conf) are wrong or not reached:", p.Key), run("getent hosts %s", m[1])}
	}
	if p.Try == "" {
		return []Step{do("correct it")}
	}
	return []Step{do("try %s", p.Try)}
}

// private looks whether secrets in the configuration can be read by everybody.
func (x *examination) private() {
	if x.Config == nil || x.File == "" {
		return
	}
	info, err := x.host.Stat(x.File)
	if err != nil || info.Mode().Perm()&0o004 == 0 {
		return
	}
	secret := ""
	for i, p := range x.Config.Pools {
		if password := string(p.Password); password != "" && password != "x" {
			secret = fmt.Sprintf("pool[%d].password", i+1)
		}
	}
	if strings.Contains(string(x.Config.Store.URL), "@") {
		secret = "store.url"
	}
	for _, u := range x.Config.Proxies.URLs {
		if strings.Contains(string(u), "@") {
			secret = "proxies.urls"
		}
	}
	if secret != "" {
		x.add("configuration", Warning, fmt.Sprintf("every user of this machine can read %s, and %s in it", x.File, secret),
			run("chmod o-rwx %s", x.File), do("farmproxy's user must still be able to read it: chgrp farmproxy %s", x.File))
	}
}
