package config

import (
	"bytes"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// BTCAgent's defaults, in all of its versions.
const (
	btcagentPort  = 3333
	btcagentLinks = 5
	btcagentName  = "{1}x{2}x{3}x{4}"
	btcagentRead  = time.Minute // without a byte from the pool
)

// byteOrderMark is what some editors put at the start of a file.
const byteOrderMark = "\uFEFF"

// isBTCAgent reports whether a text is a configuration of BTCAgent: JSON, which begins
// with a brace, as TOML never does.
func isBTCAgent(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, byteOrderMark+" \t\r\n"), []byte("{"))
}

// converter turns a configuration of BTCAgent's into one of farmproxy's: that of the
// C++ version and that of the Go version, which has all keys of the former but
// use_iocp. Each key of the file is taken once, or reported as unknown.
type converter struct {
	settings
	draft
	taken    map[string]bool
	problems Problems
	port     int     // for miners
	insecure setting // advanced.tls_skip_certificate_verify
	unsafe   bool    // its value
	tls      bool    // whether there is a certificate to skip
	byIP     string  // the template for workers' names, if any

	fixed     setting // the setting that gives all workers one name at the pools
	fixedName string  // that name, if any

	idle    []string // keys that need no line of their own
	without []string // keys that have no counterpart, each with what to do instead
}

// convertBTCAgent returns a TOML configuration, with comments, that does what text made
// BTCAgent do, or nil if text is beyond conversion. Keys with a problem have their
// default.
func convertBTCAgent(text []byte) (*draft, Problems) {
	read, problems := readSettings(bytes.TrimPrefix(text, []byte(byteOrderMark)))
	if read.byPath == nil {
		return nil, problems
	}
	c := &converter{settings: read, taken: make(map[string]bool), problems: problems}
	c.origins = make(map[string]setting)
	c.note("Converted from a BTCAgent configuration. The comment after each value names the BTCAgent key it comes from. docs/configuration.md lists all keys, their units and defaults; docs/migrating.md lists the intended differences.")
	c.insecure = c.take("advanced.tls_skip_certificate_verify")
	c.unsafe = c.flag(c.insecure, true)
	c.agentType()
	c.names()
	c.listener()
	c.pools()
	c.miners()
	c.failover()
	c.proxies()
	c.http()
	if !c.unsafe || !c.tls {
		c.needless(c.insecure)
	}
	c.rest()
	return &c.draft, c.problems
}

func (c *converter) agentType() {
	s := c.take("agent_type")
	switch strings.ToLower(c.string(s, "btc")) {
	case "btc":
		c.needless(s)
	case "eth", "etc", "ethw", "etf":
		c.problem(s, "this is an agent for Ethereum pools, which farmproxy does not replace", "keeping BTCAgent for these miners")
	default:
		c.problem(s, "no such agent type", `"btc"`)
	}
}

func (c *converter) listener() {
	ip, port := c.take("agent_listen_ip"), c.take("agent_listen_port")
	host := strings.Trim(c.string(ip, "0.0.0.0"), "[]")
	c.port = c.number(port, btcagentPort, 1, 65535)
	c.open("[[listener]]", "listener[1]")
	c.set("address", net.JoinHostPort(host, strconv.Itoa(c.port)), ip, port)
}

// http moves farmproxy's own port out of the way of the miners' port.
func (c *converter) http() {
	own := Default().HTTP.Address
	host, port, _ := net.SplitHostPort(own)
	if port != strconv.Itoa(c.port) {
		return
	}
	c.open("[http]", "http")
	c.note("farmproxy's default is " + own + ", the port of the miners here.")
	c.set("address", net.JoinHostPort(host, strconv.Itoa(c.port+1)), c.take("agent_listen_port"))
}

// oldVariable is a variable in ip_worker_name_format.
var oldVariable = regexp.MustCompile(`\{[1-4]\}`)

// names reads what the workers are to be called. A fixed name takes precedence; a
// format without a variable is one too.
func (c *converter) names() {
	fixed, use, format := c.take("fixed_worker_name"), c.take("use_ip_as_worker_name"), c.take("ip_worker_name_format")
	name := outsideNames.ReplaceAllString(c.string(fixed, ""), "")
	on, template := c.flag(use, false), c.string(format, btcagentName)
	switch literal := outsideNames.ReplaceAllString(template, ""); {
	case name != "":
		c.fixed, c.fixedName = fixed, name
		c.needless(use, format)
	case on && oldVariable.MatchString(template):
		c.byIP = nameTemplate(template)
		c.needless(fixed)
	case on && literal != "":
		c.fixed, c.fixedName = format, literal
		c.needless(fixed, use)
	default:
		c.needless(fixed, use, format)
	}
}

// nameTemplate is ip_worker_name_format as farmproxy writes it.
func nameTemplate(format string) string {
	var b strings.Builder
	end := 0
	for _, at := range oldVariable.FindAllStringIndex(format, -1) {
		b.WriteString(outsideNames.ReplaceAllString(format[end:at[0]], ""))
		b.WriteString("{ip" + format[at[0]+1:at[1]])
		end = at[1]
	}
	return b.String() + outsideNames.ReplaceAllString(format[end:], "")
}

func (c *converter) miners() {
	c.open("[miners]", "miners")
	answer := c.take("submit_response_from_server")
	if c.flag(answer, false) {
		c.set("answer", AnswerPool, answer)
	} else {
		c.note(`BTCAgent accepted every share at once, whatever the pool said later. "local" also answers at once, with the result of farmproxy's own check; "pool" waits for the pool's verdict.`)
		c.set("answer", AnswerLocal, answer)
	}
	lost := c.take("disconnect_when_lost_asicboost")
	c.set("reconnect_lost_rolling", c.flag(lost, true), lost)
	if c.byIP != "" {
		c.set("worker_name", c.byIP, c.take("ip_worker_name_format"), c.take("use_ip_as_worker_name"))
	}
	beat := c.take("advanced.fake_job_notify_interval_seconds")
	switch pause := c.seconds(beat); {
	case beat.value == nil:
		c.needless(beat)
	case pause < minTimeout || pause > maxTimeout:
		c.lacks(beat, "[miners] keepalive accepts 1s to 1h, so its default is used")
	default:
		c.note("farmproxy sends no fake jobs: while all pools are down, miners get their last job again.")
		c.set("keepalive", pause, beat)
	}
}

func (c *converter) failover() {
	c.open("[failover]", "failover")
	hold := c.take("always_keep_downconn")
	if c.flag(hold, false) {
		c.set("hold", forever, hold)
	} else {
		c.needless(hold)
		c.note("BTCAgent disconnected the miners as soon as it lost their link to the pool. farmproxy keeps them on their last job for 10 minutes, longer than most outages, before it disconnects them so they can try their own backups. To change that:")
		c.note(`hold = "10m"`)
	}
	read := c.take("advanced.pool_connection_read_timeout_seconds")
	switch silence := c.seconds(read); {
	case read.value == nil:
		c.needless(read)
	case silence > btcagentRead:
		c.note("BTCAgent measured the time without any data from the pool; farmproxy measures the time without a job.")
		if silence > maxPause {
			c.note("BTCAgent had " + Short(silence) + "; the most allowed is " + Short(maxPause) + ".")
		}
		c.set("silence", min(silence, maxPause), read)
	default:
		c.lacks(read, "farmproxy leaves a pool that has sent no job for 3 minutes ([failover] silence), since jobs may be a minute apart")
	}
}

// rest lists what was not converted: nothing in the file is dropped silently.
func (c *converter) rest() {
	const queues = "farmproxy's queues need no configuration"
	for _, key := range []struct{ path, instead string }{
		{"http_debug.enable", "it was for profiling; metrics, health and the API are at [http] address, which is " + Default().HTTP.Address + " by default"},
		{"http_debug.listen", "see [http] address"},
		{"advanced.pool_connection_dial_timeout_seconds", "farmproxy chooses the timeout itself, then tries the next pool"},
		{"advanced.message_queue_size.session_manager", queues},
		{"advanced.message_queue_size.pool_session_manager", queues},
		{"advanced.message_queue_size.pool_session", queues},
		{"advanced.message_queue_size.miner_session", queues},
		{"use_iocp", "it was for Windows, where farmproxy does not run"},
	} {
		if s := c.take(key.path); s.given {
			c.lacks(s, key.instead)
		}
	}
	var unknown, twice []string
	for _, path := range c.order {
		if !c.taken[path] {
			unknown = append(unknown, plainKey(c.byPath[path].path))
		}
	}
	for _, path := range c.twice {
		twice = append(twice, plainKey(c.byPath[path].path))
	}
	if len(c.idle) > 0 {
		c.list("Not needed: farmproxy does this by default, or it was switched off or empty.", []string{strings.Join(c.idle, ", ")})
	}
	c.list("No equivalent:", c.without)
	c.list("Not a BTCAgent key, so it never had an effect; check the spelling:", unknown)
	c.list("Given more than once; the last value counted:", twice)
}
