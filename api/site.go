package api

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// Loopback and tokens keep strangers out, but not the web pages that a browser on this
// machine shows: they can send requests here, and a page whose name suddenly resolves
// to 127.0.0.1 can also read the answers (DNS rebinding). A browser says which host it
// believes it is talking to (Host) and which page is asking (Sec-Fetch-Site, Origin).
// /healthz and /readyz check neither: load balancers send any Host, and these answers
// reveal nothing.

// knownHost refuses a request addressed to a name that is not this server's. With
// tokens any name will do, because a foreign page has no token.
func (o *Settings) knownHost(ctx *fasthttp.RequestCtx) *httpError {
	if o.Tokens != nil {
		return nil
	}
	// The second one is the host of an absolute request target, if there is one.
	for _, host := range []string{string(ctx.Request.Header.Host()), string(ctx.URI().Host())} {
		if name := hostName(host); !isLoopback(name) && !slices.Contains(o.Hosts, name) {
			return &httpError{
				fasthttp.StatusMisdirectedRequest,
				fmt.Sprintf("this server is not called %s: ask for localhost or 127.0.0.1, "+
					"or name the host in http.hosts if it is that of a reverse proxy on this machine, or set http.token_file", quoted(host)),
			}
		}
	}
	return nil
}

// hostName returns the name in host:port, or in host alone, in lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func isLoopback(name string) bool {
	ip, err := netip.ParseAddr(name)
	return name == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// ownPage refuses requests from pages of other sites. Only following a link from there,
// which changes nothing, is answered. Clients other than browsers send none of these
// headers.
func ownPage(ctx *fasthttp.RequestCtx) *httpError {
	header := &ctx.Request.Header
	switch string(header.Peek("Sec-Fetch-Site")) {
	case "same-origin", "none":
		return nil
	case "":
		origin := string(header.Peek("Origin"))
		if u, err := url.Parse(origin); origin == "" || err == nil && u.Host != "" && u.Host == string(header.Host()) {
			return nil
		}
	default:
		reads := ctx.IsGet() || ctx.IsHead()
		if reads && string(header.Peek("Sec-Fetch-Mode")) == "navigate" && string(header.Peek("Sec-Fetch-Dest")) == "document" {
			return nil
		}
	}
	return &httpError{
		fasthttp.StatusForbidden,
		"a page of another site may not ask for this: send the request without a browser, or follow a link to it; a reverse proxy has to pass Host on",
	}
}
