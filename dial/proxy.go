package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// systemProxy in Proxies.URLs stands for the environment's proxy.
const systemProxy = "system"

// systemVariables name the environment's proxy; the first one set counts.
var systemVariables = []string{"ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}

// proxyOfSystem returns the environment's proxy and the variable that names it.
func proxyOfSystem() (variable, value string) {
	for _, variable := range systemVariables {
		if value := strings.TrimSpace(os.Getenv(variable)); value != "" {
			return variable, value
		}
	}
	return "", ""
}

// maxSOCKSText is the longest user name and password in SOCKS5 (RFC 1929), in bytes.
const maxSOCKSText = 255

// viaProxy is the way through one proxy.
type viaProxy struct {
	name    string // scheme://host:port
	address string // host:port
	login   *login // nil: none
	tls     *tls.Config
	open    func(ctx context.Context, address string) (net.Conn, error)
}

// login is our credentials at a proxy.
type login struct{ user, password string }

// newProxy returns the proxy of a URL as in Proxies. Errors quote nothing of the URL
// but its scheme: in a malformed URL anything can be the password.
func newProxy(raw string, insecure bool) (*viaProxy, error) {
	raw = strings.TrimSpace(raw)
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("it is not a proxy URL; expected scheme://user:password@host:port; write / ? # @ : % of a user name or password as %2F %3F %23 %40 %3A %25")
	}
	x := &viaProxy{}
	port := ""
	switch u.Scheme {
	case "socks5", "socks5h", "socks", "socks4", "socks4a":
		u.Scheme, port, x.open = "socks5", "1080", x.socks
	case "http":
		port, x.open = "80", x.connect
	case "https":
		port, x.open = "443", x.connect
		x.tls = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure}
	default:
		return nil, fmt.Errorf("it begins with %s://; expected socks5://, http:// or https://", u.Scheme)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return nil, errors.New("its port is invalid; expected 1 to 65535")
	}
	x.address = net.JoinHostPort(u.Hostname(), port)
	x.name = u.Scheme + "://" + x.address
	if x.login, err = loginOf(u); err != nil {
		return nil, err
	}
	return x, nil
}

// loginOf returns the credentials in a proxy's URL, if any.
func loginOf(u *url.URL) (*login, error) {
	var l login
	l.user = u.User.Username()
	l.password, _ = u.User.Password()
	socks := u.Scheme == "socks5"
	switch {
	case l == login{}:
		return nil, nil
	case socks && (l.user == "" || len(l.user) > maxSOCKSText || len(l.password) > maxSOCKSText):
		return nil, fmt.Errorf("its user name or password is too long, or only the password is set; SOCKS5 allows up to %d bytes each", maxSOCKSText)
	case !socks && strings.Contains(l.user, ":"):
		return nil, errors.New("its user name contains a colon, which HTTP does not allow")
	}
	return &l, nil
}

// unreachable says that a proxy took no connection.
func unreachable(err error) error {
	return fmt.Errorf("the proxy cannot be reached: %w; is it running, and are its host and port right?", err)
}

// unheard says what a proxy that hung up or did not answer in time might be.
func unheard(ctx context.Context, err error, kind string) error {
	if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the proxy did not answer in time: it cannot reach the pool, is overloaded, or is not a %s proxy; try it by hand", kind)
	}
	return fmt.Errorf("the proxy closed the connection before it answered: %w; is it a %s proxy, and does it allow farmproxy?", Bare(err), kind)
}

// notLetIn says that a proxy wants credentials, or different ones; answer is the
// proxy's own wording.
func (x *viaProxy) notLetIn(answer string) error {
	if x.login == nil {
		return fmt.Errorf("the proxy wants credentials (%s); put user:password@ before its host", answer)
	}
	return fmt.Errorf("the proxy does not accept the credentials of user %q (%s); correct them in its URL", x.login.user, answer)
}
