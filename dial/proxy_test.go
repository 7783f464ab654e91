package dial

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

// mute is a server that never says anything.
func mute(net.Conn) {}

func TestThroughEveryKindOfProxy(t *testing.T) {
	for _, q := range []struct {
		name, scheme, login string
		tls                 bool // of the proxy
	}{
		{"SOCKS5", "socks5://", "", false},
		{"the name is resolved there in any case", "socks5h://", "", false},
		{"SOCKS4 is taken for SOCKS5", "socks4://", "", false},
		{"capitals", "SOCKS5://", "", false},
		{"SOCKS5 with credentials", "socks5://", "bob:s3cret", false},
		{"HTTP", "http://", "", false},
		{"no scheme is HTTP", "", "", false},
		{"HTTP with credentials", "http://", "bob:s3cret", false},
		{"credentials without a scheme", "", "bob:s3cret", false},
		{"HTTPS", "https://", "", true},
		{"HTTPS with credentials", "https://", "bob:s3cret", true},
	} {
		t.Run(q.name, func(t *testing.T) {
			plain := serveConns(t, greets)
			secured, fingerprint := selfSigned(t)
			for _, pool := range []Target{
				{Address: "pool.invalid:3333"},
				{Address: "pool.invalid:3334", TLS: TLS("pool.invalid", false, fingerprint)},
			} {
				to, asked := plain, make(chan string, 1)
				if pool.TLS != nil {
					to = secured
				}
				serve := (&connectServer{login: q.login, pool: to, asked: asked}).serve
				if strings.HasPrefix(strings.ToLower(q.scheme), "socks") {
					serve = (&socksServer{login: q.login, pool: to, asked: asked}).serve
				}
				if q.tls {
					serve = overTLS(t, serve)
				}
				address := serveConns(t, serve)
				if q.login != "" {
					address = q.login + "@" + address
				}
				conn, err := dialled(t, t.Context(), Proxies{URLs: []string{q.scheme + address}, Direct: DirectNever, TLSInsecure: true}, pool)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "the pool's first line", line(t, bufio.NewReader(conn)), "hello")
				equal(t, "the proxy was asked for", <-asked, "pool.invalid")
				conn.Close()
			}
		})
	}
}

func TestBytesRightBehindTheAnswerAreThePools(t *testing.T) {
	for _, scheme := range []string{"socks5://", "http://"} {
		asked := make(chan string, 1)
		pool := serveConns(t, greets)
		serve := (&connectServer{pool: pool, behind: "first\nsec", asked: asked}).serve
		if scheme == "socks5://" {
			serve = (&socksServer{pool: pool, behind: "first\nsec", asked: asked}).serve
		}
		conn, err := dialled(t, t.Context(), Proxies{URLs: []string{scheme + serveConns(t, serve)}}, Target{Address: "10.0.0.1:1"})
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(iotest.OneByteReader(conn))
		equal(t, "line", line(t, in), "first")
		equal(t, "line", line(t, in), "sechello")
		conn.Close()
	}
}

func TestWhatGoesWrongAtAProxy(t *testing.T) {
	wantsLogin := &socksServer{login: "bob:s3cret"}
	for _, q := range []struct {
		name, scheme string
		serve        func(net.Conn)
		want         []string // in the error
	}{
		{"SOCKS5: no credentials", "socks5://", wantsLogin.serve, []string{"wants credentials", "user:password@"}},
		{"SOCKS5: other credentials", "socks5://bob:hunter2@", wantsLogin.serve, []string{`user "bob"`, "correct them"}},
		{"SOCKS5: refused by its rules", "socks5://", (&socksServer{reply: 2, asked: make(chan string, 1)}).serve, []string{"does not connect to the pool: ", "not allowed by ruleset", "allow that on the proxy"}},
		{"SOCKS5: no way to the pool", "socks5://", (&socksServer{reply: 4, asked: make(chan string, 1)}).serve, []string{"does not connect to the pool: host unreachable"}},
		{"SOCKS5: it is an HTTP proxy", "socks5://", says("HTTP/1.1 400 Bad Request\r\n\r\n"), []string{"does not speak SOCKS5", "http://"}},
		{"SOCKS5: it closes", "socks5://", func(c net.Conn) { c.(*net.TCPConn).CloseWrite() }, []string{"closed the connection before it answered", "SOCKS5"}},
		{"HTTP: no credentials", "http://", (&connectServer{login: "bob:s3cret"}).serve, []string{"wants credentials", "407 Proxy Authentication Required", `Basic realm=\"the farm\"`}},
		{"HTTP: other credentials", "http://bob:hunter2@", (&connectServer{login: "bob:s3cret"}).serve, []string{`user "bob"`, "407"}},
		{"HTTP: 407 that says nothing more", "http://", says("HTTP/1.1 407 No\r\n\r\n"), []string{`wants credentials ("407 No")`}},
		{"HTTP: 401, as tinyproxy says", "http://bob:hunter2@", says("HTTP/1.1 401 Unauthorized\r\n\r\n"), []string{`user "bob"`, "401", "correct them"}},
		{"HTTP: forbidden", "http://", says("HTTP/1.1 403 Forbidden\r\n\r\n"), []string{"does not connect to the pool: ", "403 Forbidden", "allow CONNECT"}},
		{"HTTP: forbidden at length", "http://", says("HTTP/1.1 403 " + strings.Repeat("no", 1000) + "\r\n\r\n"), []string{"403 nono"}},
		{"HTTP: garbage", "http://", says("\x05\xff\x00\n\n"), []string{"does not speak HTTP", "socks5://"}},
		{"HTTP: a garbage status", "http://", says("HTTP/1.1 fine\r\n\r\n"), []string{"does not speak HTTP"}},
		{"HTTP: no end of the header", "http://", says("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*maxConnectAnswer)), []string{"longer than 16384 bytes"}},
		{"HTTP: no end of its lines", "http://", says("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: x\r\n", maxConnectAnswer)), []string{"longer than 16384 bytes"}},
		{"HTTP: half an answer", "http://", func(c net.Conn) {
			says("HTTP/1.1 200 OK\r\nX: ")(c)
			c.(*net.TCPConn).CloseWrite()
		}, []string{"closed the connection before it answered", "HTTP"}},
		{"HTTPS: an unknown certificate", "https://", overTLS(t, mute), []string{"certificate", "tls_insecure"}},
		{"HTTPS: a plain proxy", "https://", says("HTTP/1.1 400 Bad Request\r\n\r\n"), []string{"does not speak TLS", "http://"}},
	} {
		t.Run(q.name, func(t *testing.T) {
			address := serveConns(t, q.serve)
			_, err := dialled(t, t.Context(), Proxies{URLs: []string{q.scheme + address}, Direct: DirectNever}, Target{Address: "pool.invalid:3333"})
			if err == nil {
				t.Fatal("it is through")
			}
			scheme, _, _ := strings.Cut(q.scheme, "://")
			for _, part := range append(q.want, scheme+"://"+address) {
				wantPart(t, "error", err.Error(), part)
			}
			for _, secret := range []string{"hunter2", "s3cret"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error has a password: %v", err)
				}
			}
			if len(err.Error()) > 500 {
				t.Errorf("the error has %d bytes: %v", len(err.Error()), err)
			}
		})
	}
}

func TestAPoolWithAnotherCertificateIsNotReachedThroughAProxyEither(t *testing.T) {
	pool, _ := selfSigned(t)
	serve := (&connectServer{pool: pool, asked: make(chan string, 1)}).serve
	p := Proxies{URLs: []string{"http://" + serveConns(t, serve)}, Direct: DirectNever, TLSInsecure: true}
	_, err := dialled(t, t.Context(), p, Target{Address: "localhost:1", TLS: TLS("localhost", false, nil)})
	if err == nil {
		t.Fatal("it was accepted; tls_insecure of proxies is not for pools")
	}
	wantPart(t, "error", err.Error(), "tls_fingerprint")
}

func TestAProxyThatIsNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	for _, scheme := range []string{"socks5://", "http://", "https://"} {
		_, err := dialled(t, t.Context(), Proxies{URLs: []string{scheme + address}, Direct: DirectNever}, Target{Address: "pool.invalid:1"})
		if err == nil {
			t.Fatal("it is there")
		}
		wantPart(t, "error", err.Error(), scheme+address+": the proxy cannot be reached")
		wantPart(t, "error", err.Error(), "connection refused")
	}
}

func TestAProxyThatDoesNotAnswerIsGivenUpWithTheContext(t *testing.T) {
	for _, scheme := range []string{"socks5://", "http://", "https://"} {
		ctx, cancel := context.WithCancel(t.Context())
		address := serveConns(t, func(c net.Conn) {
			c.Read(make([]byte, 1)) // it was asked
			cancel()
		})
		_, err := dialled(t, ctx, Proxies{URLs: []string{scheme + address}}, Target{Address: "pool.invalid:1"})
		if err == nil {
			t.Fatal("it is through")
		}
		wantPart(t, "error", err.Error(), scheme+address+": the proxy did not answer in time")
	}
}

func TestProxiesOfTheEnvironment(t *testing.T) {
	for i := range systemVariables {
		for j, name := range systemVariables {
			value := "  "
			if j >= i {
				value = "proxy" + name
			}
			t.Setenv(name, value)
		}
		variable, value := proxyOfSystem()
		equal(t, "variable", variable, systemVariables[i])
		equal(t, "value", value, "proxy"+systemVariables[i])
	}
	t.Setenv("http_proxy", "")
	variable, value := proxyOfSystem()
	equal(t, "variable, when none is set", variable, "")
	equal(t, "value, when none is set", value, "")
}

func TestSystemStandsForTheEnvironmentsProxy(t *testing.T) {
	for _, name := range systemVariables {
		t.Setenv(name, "")
	}
	pool := serveConns(t, greets)
	conn, err := dialled(t, t.Context(), Proxies{URLs: []string{"system"}}, Target{Address: pool})
	if err != nil {
		t.Fatalf("nothing is set, and the pool is not dialled directly: %v", err)
	}
	conn.Close()

	asked := make(chan string, 1)
	t.Setenv("ALL_PROXY", "socks5h://"+serveConns(t, (&socksServer{pool: pool, asked: asked}).serve)+"/")
	conn, err = dialled(t, t.Context(), Proxies{URLs: []string{" system"}, Direct: DirectNever}, Target{Address: "10.1.2.3:4"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the proxy was asked for", <-asked, "10.1.2.3")
	conn.Close()

	t.Setenv("ALL_PROXY", "ftp://bob:hunter2@here:1")
	_, err = Through(Proxies{URLs: []string{"system"}}, nil)
	if err == nil {
		t.Fatal("accepted")
	}
	wantPart(t, "error", err.Error(), "proxy 1 of 1 (ALL_PROXY in the environment): it begins with ftp://")
}

func TestProxyURLs(t *testing.T) {
	long := strings.Repeat("s", maxSOCKSText+1)
	for _, q := range []struct{ url, name, want string }{ // want: in the error
		{"socks5://10.0.0.1:1081", "socks5://10.0.0.1:1081", ""},
		{"socks5://proxy", "socks5://proxy:1080", ""},
		{"socks5h://proxy:1", "socks5://proxy:1", ""},
		{"socks://proxy:1", "socks5://proxy:1", ""},
		{"socks4a://proxy:1", "socks5://proxy:1", ""},
		{"http://proxy/", "http://proxy:80", ""},
		{"HTTPS://proxy", "https://proxy:443", ""},
		{" proxy:3128 ", "http://proxy:3128", ""},
		{"http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128", ""},
		{"http://bob:hunter%402%2F@proxy:1", "http://proxy:1", ""},
		{"http://bob@proxy:1", "http://proxy:1", ""},
		{"socks5://@proxy:1", "socks5://proxy:1", ""},
		{"", "", "expected scheme://"},
		{"http://", "", "expected scheme://"},
		{"http://:3128", "", "expected scheme://"},
		{"http://proxy:1/path", "", "expected scheme://"},
		{"http://proxy:1?hunter2", "", "expected scheme://"},
		{"http://proxy:1#hunter2", "", "expected scheme://"},
		{"http://bob:hunter2/x@proxy:1", "", "%2F"},
		{"http://bob:hunter2%@proxy:1", "", "%25"},
		{"http://bob:hunter2", "", "expected scheme://"},
		{"http://proxy:0", "", "1 to 65535"},
		{"http://proxy:65536", "", "1 to 65535"},
		{"ftp://bob:hunter2@proxy:1", "", "it begins with ftp://; expected socks5://, http:// or https://"},
		{"http://bo%3Ab:hunter2@proxy:1", "", "colon"},
		{"socks5://:hunter2@proxy:1", "", "255"},
		{"socks5://bob:hunter2" + long + "@proxy:1", "", "255"},
		{"socks5://" + long + ":hunter2@proxy:1", "", "255"},
	} {
		x, err := newProxy(q.url, false)
		if q.want == "" && err != nil {
			t.Errorf("%s: %v", q.url, err)
			continue
		}
		if q.want == "" {
			equal(t, q.url, x.name, q.name)
			continue
		}
		if err == nil {
			t.Errorf("%s is accepted", q.url)
			continue
		}
		wantPart(t, q.url, err.Error(), q.want)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error has the password: %v", q.url, err)
		}
	}
}

func TestProxiesThatCannotBe(t *testing.T) {
	for _, name := range systemVariables {
		t.Setenv(name, "")
	}
	for _, q := range []struct {
		name string
		Proxies
		want string
	}{
		{"neither proxies nor directly", Proxies{Direct: DirectNever}, "there is no proxy"},
		{"none in the environment, and not directly", Proxies{URLs: []string{"system"}, Direct: DirectNever}, "there is no proxy"},
		{"one of them is wrong", Proxies{URLs: []string{"http://a:1", "gopher://b:1"}}, "proxy 2 of 2: it begins with gopher://"},
		{"too many", Proxies{URLs: make([]string, maxProxies+1)}, "17 proxies; expected at most 16"},
	} {
		_, err := Through(q.Proxies, nil)
		if err == nil {
			t.Errorf("%s: accepted", q.name)
			continue
		}
		wantPart(t, q.name, err.Error(), q.want)
	}
}
