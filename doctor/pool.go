package doctor

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"farmproxy/plain"
)

// Pool is a pool that was asked for a job.
type Pool struct {
	Key     string // pool[1]
	URL     string
	Address string // host:port

	Offer       string    // what it gives, in words
	Err         error     // why it gives nothing; nil: it does
	Refused     bool      // it does not let the account in
	Unreachable bool      // no connection came about
	End         time.Time // when the first certificate of its chain ends; zero: none
	Signer      string    // whose end that is, above its own; "": its own
	Time        time.Time // its clock, by its first job; zero: unknown
}

// soon is how long before its end a pool's certificate is worth a warning.
const soon = 14 * 24 * time.Hour

// fingerprintIn finds the fingerprint that an error about a certificate shows.
var fingerprintIn = regexp.MustCompile(`fingerprint(?: = "| is )([0-9a-f]{64})`)

func (x *examination) pool(p *Pool) {
	if p.Err != nil {
		x.add(p.Key, Problem, fmt.Sprintf("%s sends no job: %v", p.URL, p.Err), x.cureOfPool(p)...)
		return
	}
	x.add(p.Key, OK, p.URL+" "+p.Offer)
	if left := p.End.Sub(x.host.Now()); left > 0 && left < soon {
		whose := "that of " + p.Key
		if p.Signer != "" {
			whose = fmt.Sprintf("%s, which stands behind that of %s,", plain.Text(p.Signer), p.Key)
		}
		x.add("certificate", Warning, fmt.Sprintf("%s is valid until %s", whose, p.End.Format(time.DateOnly)),
			do("ask the pool when it renews it; if tls_fingerprint pins it, set the new one then"))
	}
}

func (x *examination) cureOfPool(p *Pool) []Step {
	fingerprint := fingerprintIn.FindStringSubmatch(p.Err.Error())
	scheme, rest, _ := strings.Cut(p.URL, "://")
	plain, encrypted := strings.CutSuffix(scheme, "+tls")
	if !encrypted {
		plain = strings.TrimSuffix(scheme, "+tcp")
	}
	switch {
	case p.Refused:
		return []Step{do("set %s.user and %s.password to what the pool knows the farm as; at some pools the account must exist first", p.Key, p.Key)}
	case fingerprint != nil:
		return []Step{
			run("date -u"), do("if this is not the time, correct the clock: timedatectl set-ntp true; if it is, ask the pool's operator whether this is its certificate, and then pin it:"),
			set("%s.tls_fingerprint = %q", p.Key, fingerprint[1]),
		}
	case p.Unreachable:
		host, port := cutPort(p.Address)
		return []Step{
			do("correct the host and port in %s.url; if they are right, let this machine connect to %s in the firewall; the pool may also be down:", p.Key, p.Address),
			run("timeout 5 bash -c '</dev/tcp/%s/%s' && echo reachable", host, port),
		}
	case x.host.SpeaksTLS(x.ctx, p.Address) == encrypted:
	case encrypted:
		return []Step{do("the pool speaks no TLS at this port: use its port for TLS, or"), set("%s.url = %q", p.Key, plain+"+tcp://"+rest)}
	default:
		return []Step{do("this is the pool's port for TLS:"), set("%s.url = %q", p.Key, plain+"+tls://"+rest)}
	}
	return []Step{do("correct %s.url: the port, and the scheme (stratum+tcp, stratum+tls, agent+tcp or agent+tls), as the pool's page says", p.Key)}
}

func cutPort(address string) (host, port string) {
	i := strings.LastIndexByte(address, ':')
	if i < 0 {
		return address, ""
	}
	return strings.Trim(address[:i], "[]"), address[i+1:]
}
