package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The schemes of Proxies.URLs.
var proxySchemes = []string{"socks5", "socks5h", "http", "https"}

const wantProxy = `expected socks5://, socks5h://, http:// or https:// with host:port, and user:password@ before the host if the proxy requires it; or "` + ProxySystem + `"`

func (x *Proxies) validate(ps *Problems) {
	if n := len(x.URLs); n > MaxProxies {
		ps.add("proxies.urls", "", fmt.Sprintf("expected at most %d proxies, found %d: all are dialled at once", MaxProxies, n), "the fastest ones")
	}
	secure := false
	for i, u := range x.URLs {
		checkProxy(ps, fmt.Sprintf("proxies.urls[%d]", i+1), string(u))
		secure = secure || proxyHasTLS(string(u))
	}
	oneOf(ps, "proxies.direct", x.Direct, DirectAfter, DirectBeside, DirectFirst, DirectNever)
	if len(x.URLs) == 0 && x.Direct != DirectAfter && !ps.has("proxies.direct") {
		ps.add("proxies.direct", show(x.Direct), "has no effect without proxies.urls: all links are direct", `urls = ["socks5://proxy.example:1080"], or removing the key`)
	}
	if x.TLSInsecure && !secure {
		ps.add("proxies.tls_insecure", "true", "this requires an https:// proxy, and there is none", "removing the key")
	}
}

// checkProxy quotes only the parts of a URL that can't be its password.
func checkProxy(ps *Problems, key, text string) {
	if text == ProxySystem {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		ps.add(key, "", wantProxy+"; this is not a URL", "%40 for an @ in the password, and %2F for a /")
	case !slices.Contains(proxySchemes, u.Scheme):
		ps.add(key, "", wantProxy, `"socks5://proxy.example:1080"`)
	case !validHost(u.Hostname()) || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		ps.add(key, "", wantProxy+", and nothing else", strconv.Quote(u.Scheme+"://proxy.example:1080")+"; %2F for a / in the password, %3F for a ?, %23 for a #")
	case !validPort(u.Port()):
		ps.add(key, "", wantProxy+"; the port is missing, or not 1 to 65535", strconv.Quote(u.Scheme+"://proxy.example:"+proxyPort(u.Scheme)))
	default:
		checkProxyUser(ps, key, u)
	}
}

// checkProxyUser rejects what the protocols have no room for.
func checkProxyUser(ps *Problems, key string, u *url.URL) {
	user := u.User.Username()
	password, _ := u.User.Password()
	switch {
	case user == "" && password != "":
		ps.add(key, "", wantProxy+"; it has a password but no user", strconv.Quote(u.Scheme+"://user:password@"+u.Host))
	case max(len(user), len(password)) > maxProxyUser:
		ps.add(key, "", fmt.Sprintf("%s; user and password may have at most %d bytes each", wantProxy, maxProxyUser), "shorter ones")
	case strings.HasPrefix(u.Scheme, "http") && strings.Contains(user, ":"):
		ps.add(key, "", wantProxy+"; with this scheme the user cannot contain a colon", "another user, or socks5://")
	}
}

// proxyHasTLS reports whether a proxy has, or may have, a certificate.
func proxyHasTLS(text string) bool {
	return text == ProxySystem || strings.HasPrefix(text, "https://")
}

// proxyPort returns the usual port of proxies of a scheme.
func proxyPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return "1080"
}

// validPort reports whether port is a number that can be connected to.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
