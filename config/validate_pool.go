package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func (c *Config) pools(ps *Problems) {
	switch n := len(c.Pools); {
	case n == 0 && c.Store.URL == "":
		ps.add("pool", "", "expected at least one pool, or a store of accounts", `[[pool]] with url = "stratum+tcp://host:port" and user = "account" below it, or [store] with url = "sqlite:///var/lib/farmproxy/farmproxy.db"`)
	case n > MaxPools:
		ps.add("pool", "", fmt.Sprintf("expected at most %d pools, found %d", MaxPools, n), "fewer: the first healthy one serves, the others are probed")
	}
	names := make(map[string]int)
	for i := range c.Pools {
		p, key := &c.Pools[i], fmt.Sprintf("pool[%d]", i+1)
		p.validate(ps, key)
		c.user(ps, key, p)
		if agent := slices.IndexFunc(c.Pools, func(q Pool) bool { return q.Agent() }); p.Mode == ModeDirect && agent >= 0 && !p.Agent() {
			ps.add(key+".mode", show(p.Mode), fmt.Sprintf("if one pool is direct, all must be, and pool[%d] is an agent pool, which cannot be direct", agent+1), show(ModeAggregate)+", or pools of one kind only")
		}
		if first := c.Pools[0].Algorithm; p.Algorithm != first && !ps.has(key+".algorithm") {
			ps.add(key+".algorithm", show(p.Algorithm), "expected the algorithm of pool[1], which is "+show(first)+": a miner must be able to work for every pool", "registering pools of other algorithms, and their accounts, in the [store]")
		}
		if other, taken := names[p.Name]; taken && p.Name != "" {
			ps.add(key+".name", show(p.Name), fmt.Sprintf("expected a unique name; pool[%d] has this one", other), strconv.Quote(fmt.Sprintf("%s-%d", p.Name, i+1)))
			continue
		}
		names[p.Name] = i + 1
	}
}

func (p *Pool) validate(ps *Problems, key string) {
	p.checkURL(ps, key+".url")
	p.checkTLS(ps, key)
	p.checkAgent(ps, key)
	plain(ps, key+".user", p.User)
	plain(ps, key+".name", p.Name)
	plain(ps, key+".user_agent", p.UserAgent)
	plain(ps, key+".fixed_worker", p.FixedWorker)
	if len(p.Password) > maxPassword || strings.ContainsFunc(string(p.Password), isControl) {
		ps.add(key+".password", "", fmt.Sprintf("expected at most %d bytes without control characters", maxPassword), `"x", which nearly every pool accepts`)
	}
	oneOf(ps, key+".workers", p.Workers, WorkersAggregate, WorkersPass)
	oneOf(ps, key+".mode", p.Mode, ModeAggregate, ModeDirect)
	within(ps, key+".links", p.Links, 1, MaxLinks, "1: a link carries up to 65,536 miners")
	if p.Mode == ModeDirect && p.Links > 1 {
		ps.add(key+".links", show(p.Links), `expected 1, or no key: with mode = "direct" each miner has its own link`, "1")
	}
	if !algorithmName.MatchString(p.Algorithm) {
		ps.add(key+".algorithm", show(p.Algorithm), fmt.Sprintf("expected up to %d letters, digits and . _ / + -", maxAlgorithm), strconv.Quote(algorithmSHA256d)+`, or "scrypt"`)
	}
	if p.SuggestDifficulty < 0 || p.SuggestDifficulty > maxDifficulty {
		ps.add(key+".suggest_difficulty", show(p.SuggestDifficulty), "expected a difficulty of up to 2^53", "0, which suggests nothing")
	}
}

// user checks the farm's name at the pool: one account, or the miners' own.
func (c *Config) user(ps *Problems, key string, p *Pool) {
	switch {
	case p.User == "" && !c.Accounts.MultiUser:
		ps.add(key+".user", "", "required: the farm's account at the pool", `user = "account", or multi_user = true under [accounts], if miners' logins begin with their account`)
	case p.User != "" && c.Accounts.MultiUser:
		ps.add(key+".user", show(p.User), "not used: with accounts.multi_user each miner's login names its account", "removing the key, or multi_user = false")
	}
}

// checkAgent checks the keys that the agent protocol fixes, and those that make sense
// only if the pool sees every worker.
func (p *Pool) checkAgent(ps *Problems, key string) {
	if !p.Agent() {
		if p.FixedWorker != "" && p.Workers != WorkersPass {
			ps.add(key+".fixed_worker", show(p.FixedWorker), `has no effect with workers = "aggregate": the pool sees only the worker user`, `workers = "pass", or removing the key`)
		}
		return
	}
	const stratum = "a url with stratum+tcp:// or stratum+tls://"
	if p.Mode == ModeDirect {
		ps.add(key+".mode", show(p.Mode), "an agent pool carries all miners on a few links, and gives each its own difficulty there", show(ModeAggregate)+", or "+stratum)
	}
	if p.Workers == WorkersPass {
		ps.add(key+".workers", show(p.Workers), "an agent pool always sees every worker", "removing the key, or "+stratum)
	}
	if p.Algorithm != algorithmSHA256d {
		ps.add(key+".algorithm", show(p.Algorithm), "the agent protocol is for "+algorithmSHA256d+" only", strconv.Quote(algorithmSHA256d)+", or "+stratum)
	}
	if p.SuggestDifficulty != 0 {
		ps.add(key+".suggest_difficulty", show(p.SuggestDifficulty), "an agent pool accepts no suggestion: it gives each worker its own difficulty", "removing the key")
	}
	if outsideNames.MatchString(p.FixedWorker) {
		ps.add(key+".fixed_worker", show(p.FixedWorker), "expected only letters, digits and , = / . - _ : | ^ since an agent pool removes everything else from names", strconv.Quote(outsideNames.ReplaceAllString(p.FixedWorker, "")))
	}
	if p.UserAgent != "" && !strings.HasPrefix(p.UserAgent, AgentPrefix) {
		ps.add(key+".user_agent", show(p.UserAgent), "expected one that begins with "+AgentPrefix+": pools accept no other agents", strconv.Quote(AgentUserAgent)+", which is the default")
	}
}

// outsideNames matches the characters that agent pools strip from workers' names.
var outsideNames = regexp.MustCompile(`[^a-zA-Z0-9,=/.\-_:|^]`)

// algorithmName matches the allowed names of algorithms.
var algorithmName = regexp.MustCompile(`^[a-z0-9][a-z0-9._/+-]{0,` + strconv.Itoa(maxAlgorithm-1) + `}$`)

const wantURL = "expected stratum+tcp://host:port, stratum+tls://host:port, or the same with agent+"

func (p *Pool) checkURL(ps *Problems, key string) {
	if p.URL == "" {
		ps.add(key, "", "required: the pool's address", `url = "stratum+tcp://host:port"`)
		return
	}
	scheme, rest, found := strings.Cut(p.URL, "://")
	if !found {
		scheme, rest = "", p.URL
	}
	endpoint := strings.TrimSuffix(rest, "/")
	if at := strings.LastIndexByte(endpoint, '@'); at >= 0 {
		// The value is not shown: the text before the host may be a password.
		ps.add(key, "", wantURL+", without a user before the host", fmt.Sprintf("url = %q, with user and password as separate keys", suggestScheme(scheme)+"://"+endpoint[at+1:]))
		return
	}
	switch scheme {
	case schemeTCP, schemeTLS, schemeAgentTCP, schemeAgentTLS:
	case "stratum2+tcp", "stratum2+ssl":
		ps.add(key, show(p.URL), "this version does not support Stratum V2; "+wantURL, "the pool's Stratum V1 port")
		return
	default:
		ps.add(key, show(p.URL), wantURL, strconv.Quote(suggestScheme(scheme)+"://"+endpoint))
		return
	}
	u, err := url.Parse(scheme + "://" + endpoint)
	switch {
	case err != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || !validHost(u.Hostname()):
		ps.add(key, show(p.URL), wantURL+", and nothing else", strconv.Quote(scheme+"://pool.example:3333"))
	case u.Port() == "":
		ps.add(key, show(p.URL), wantURL+"; the port is missing", strconv.Quote(scheme+"://"+net.JoinHostPort(u.Hostname(), "3333")))
	default:
		if !validPort(u.Port()) {
			ps.add(key, show(p.URL), "expected a port from 1 to 65535", strconv.Quote(scheme+"://"+net.JoinHostPort(u.Hostname(), "3333")))
		}
	}
}

// suggestScheme returns the scheme that was meant by an unknown or missing one.
func suggestScheme(scheme string) string {
	meant := func(marks ...string) bool {
		return slices.ContainsFunc(marks, func(mark string) bool { return strings.Contains(strings.ToLower(scheme), mark) })
	}
	switch agent, tls := meant("agent"), meant("tls", "ssl", "https"); {
	case agent && tls:
		return schemeAgentTLS
	case agent:
		return schemeAgentTCP
	case tls:
		return schemeTLS
	}
	return schemeTCP
}

func (p *Pool) checkTLS(ps *Problems, key string) {
	if p.TLSFingerprint != "" {
		if _, ok := p.Fingerprint(); !ok {
			ps.add(key+".tls_fingerprint", show(p.TLSFingerprint), "expected the SHA-256 of the pool's certificate, 64 hex digits with or without colons", "openssl x509 -noout -fingerprint -sha256")
		}
	}
	switch {
	case p.has(schemeTCP) || p.has(schemeAgentTCP):
		try := "a url with " + strings.Replace(p.URL[:strings.Index(p.URL, "://")], "tcp", "tls", 1) + "://, or removing the key"
		if p.TLSInsecure {
			ps.add(key+".tls_insecure", "true", "this requires TLS, and the url has none", try)
		}
		if p.TLSFingerprint != "" {
			ps.add(key+".tls_fingerprint", "", "this requires TLS, and the url has none", try)
		}
	case p.TLSInsecure && p.TLSFingerprint != "":
		ps.add(key+".tls_insecure", "true", "tls_fingerprint allows one certificate, but this allows any", "only one of the two keys")
	}
}

// plain checks text that ends up in the pool's JSON, in metric labels and in logs: none
// of it may need escaping in any of them.
func plain(ps *Problems, key, text string) {
	if len(text) > maxText {
		ps.add(key, show(text), fmt.Sprintf("expected at most %d bytes", maxText), "a shorter one")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return isControl(r) || strings.ContainsRune("\"'`\\<>", r) }) {
		ps.add(key, show(text), `expected text without control characters, quotes, backslash, < and >`, "letters, digits, dot, dash and underscore")
	}
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }
