package stats

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// predecessor returns the series of the account proxy, without HELP and TYPE.
func predecessor(b *Book, now time.Time) string {
	var out bytes.Buffer
	e := newExposition(&out)
	b.writePredecessor(e, now)
	e.w.Flush()
	var series strings.Builder
	for line := range strings.Lines(out.String()) {
		if line[0] != '#' {
			series.WriteString(line)
		}
	}
	return series.String()
}

func newPredecessor() *Book {
	return newBook(Options{Settings: Settings{Predecessor: true, Proxy: "127.0.0.1:3434"}})
}

// The worker with 185 accepted shares of difficulty 0.001 that the account proxy was
// observed with. It was connected for ten minutes; its shares came in the last five.
func TestPredecessorSeries(t *testing.T) {
	b := newPredecessor()
	p := b.Pool("first", "stratum+tcp://127.0.0.1:5000", 0)
	p.Up.Store(true)
	m := b.OpenMiner("127.0.0.1:47060", "7469e04c648902e5", "sha256d", "first")
	m.SetDifficulty(0.001)
	now := epoch.Add(10 * time.Minute)
	for range 185 {
		m.Sent(0.001)
		m.Accepted(0.001)
		m.Mined(now, 0.001)
	}
	const want = `proxy_pool_divider{hash="sha256",pool="127.0.0.1:5000",proxy="127.0.0.1:3434"} 1
proxy_pool_up{hash="sha256",pool="127.0.0.1:5000",proxy="127.0.0.1:3434"} 1
proxy_worker_accepted{hash="sha256",pool="127.0.0.1:5000",proxy="127.0.0.1:3434",user="7469e04c648902e5",worker="127.0.0.1:47060"} 185
proxy_worker_difficulty{hash="sha256",pool="127.0.0.1:5000",proxy="127.0.0.1:3434",user="7469e04c648902e5",worker="127.0.0.1:47060"} 0.001
proxy_worker_one_accepted{hash="sha256",pool="127.0.0.1:5000",proxy="127.0.0.1:3434",user="7469e04c648902e5",worker="127.0.0.1:47060"} 0.18500000000000014
proxy_worker_one_sended{hash="sha256",pool="127.0.0.1:5000",proxy="127.0.0.1:3434",user="7469e04c648902e5",worker="127.0.0.1:47060"} 0.18500000000000014
proxy_worker_sended{hash="sha256",pool="127.0.0.1:5000",proxy="127.0.0.1:3434",user="7469e04c648902e5",worker="127.0.0.1:47060"} 185
proxy_worker_speed{hash="sha256",pool="127.0.0.1:5000",proxy="127.0.0.1:3434",user="7469e04c648902e5",worker="127.0.0.1:47060"} SPEED
proxy_worker_up{proxy="127.0.0.1:3434",user="7469e04c648902e5",worker="127.0.0.1:47060"} 1
`
	got := predecessor(b, now)
	i := strings.Index(got, "proxy_worker_speed{")
	value := i + strings.Index(got[i:], "} ") + 2
	end := value + strings.IndexByte(got[value:], '\n')
	if speed := got[value:end]; !strings.HasPrefix(speed, "2.6") || !strings.HasSuffix(speed, "e+06") {
		t.Errorf("speed %s, want 0.185 x 2^32 / 300 s, about 2.65e+06", speed)
	}
	if got = got[:value] + "SPEED" + got[end:]; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPredecessorHelpAndTypes(t *testing.T) {
	b := newPredecessor()
	var out bytes.Buffer
	e := newExposition(&out)
	b.writePredecessor(e, epoch)
	e.w.Flush()
	const want = `# HELP proxy_pool_divider Divider of algorithm of pool.
# TYPE proxy_pool_divider gauge
# HELP proxy_pool_up Status of pool.
# TYPE proxy_pool_up gauge
# HELP proxy_worker_accepted Number of shares of worker accepted by the pool.
# TYPE proxy_worker_accepted counter
# HELP proxy_worker_difficulty Value of difficulty of the worker.
# TYPE proxy_worker_difficulty gauge
# HELP proxy_worker_one_accepted Number of 1-difficulty shares of worker accepted by the pool.
# TYPE proxy_worker_one_accepted counter
# HELP proxy_worker_one_sended Number of 1-difficulty shares of worker sent to the pool.
# TYPE proxy_worker_one_sended counter
# HELP proxy_worker_sended Number of shares of worker sent to the pool.
# TYPE proxy_worker_sended counter
# HELP proxy_worker_speed Speed of worker in hashes/s.
# TYPE proxy_worker_speed gauge
# HELP proxy_worker_up Status of worker.
# TYPE proxy_worker_up gauge
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// The account proxy divided by five minutes from the first second on.
func TestPredecessorSpeedIsRightFromTheStart(t *testing.T) {
	b := newPredecessor()
	m := b.OpenMiner("a:1", "u", "sha256d", "p:1")
	m.Accepted(60)
	m.Mined(at(60), 60)
	if got := predecessor(b, at(60)); !strings.Contains(got, `proxy_worker_speed{hash="sha256",pool="p:1",proxy="127.0.0.1:3434",user="u",worker="a:1"} 4294967296`+"\n") {
		t.Errorf("%s\nwant 2^32 H/s: 60 shares of difficulty 1 in the first minute", got)
	}
}

func TestPredecessorSeriesComeAndGo(t *testing.T) {
	b := newPredecessor()
	b.Pool("p:1", "stratum+tcp://p:1", 0)
	f := func(what string, now time.Time, worker, up string) {
		t.Helper()
		got := predecessor(b, now)
		if has := strings.Contains(got, "proxy_worker_sended{"); has != (worker != "") {
			t.Errorf("%s: has series: %v\n%s", what, has, got)
		}
		if up != "" && !strings.Contains(got, `worker="a:1"} `+up+"\n") {
			t.Errorf("%s: not up %s:\n%s", what, up, got)
		}
		if !strings.Contains(got, "proxy_pool_up{") || !strings.Contains(got, "proxy_pool_divider{") {
			t.Errorf("%s: the pool vanished:\n%s", what, got)
		}
	}
	const there, gone = "there", ""
	f("before", epoch, gone, "")
	m := b.OpenMiner("a:1", "u", "scrypt", "p:1")
	f("connected", epoch, there, "1")
	m.Close(at(100))
	f("just left", at(100), there, "0")
	f("59 s after it left", at(159), there, "0")
	f("60 s after it left", at(160), gone, "")
	b.now = func() time.Time { return at(200) }
	m = b.OpenMiner("a:1", "u", "scrypt", "p:1")
	m.Close(at(210))
	b.OpenMiner("a:1", "u", "scrypt", "p:1")
	f("back within the minute", at(300), there, "1")
}

// proxy_worker_up has no pool label: it must not appear twice.
func TestPredecessorMinerThatMoves(t *testing.T) {
	b := newPredecessor()
	f := func(what string, now time.Time, series, up int, value string) {
		t.Helper()
		got := predecessor(b, now)
		if n := strings.Count(got, "proxy_worker_sended{"); n != series {
			t.Errorf("%s: %d series of shares, want %d\n%s", what, n, series, got)
		}
		if n := strings.Count(got, "proxy_worker_up{"); n != up || !strings.HasSuffix(got, `worker="a:1"} `+value+"\n") {
			t.Errorf("%s: %d series of up, want %d with %s\n%s", what, n, up, value, got)
		}
	}
	one := b.OpenMiner("a:1", "u", "scrypt", "one:1")
	one.Close(at(10))
	two := b.OpenMiner("a:1", "u", "x11", "two:1")
	f("to another pool", at(10), 2, 1, "1")
	one.Accepted(1) // a verdict that was pending
	f("a minute later", at(70), 1, 1, "1")
	two.Close(at(80))
	one = b.OpenMiner("a:1", "u", "scrypt", "one:1")
	f("and back", at(80), 2, 1, "1")
	one.Close(at(90))
	f("and gone", at(90), 2, 1, "0")
}

func TestPredecessorPools(t *testing.T) {
	b := newPredecessor()
	f := func(what, want string) {
		t.Helper()
		if got := predecessor(b, epoch); got != strings.ReplaceAll(want, "PROXY", `proxy="127.0.0.1:3434"`) {
			t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
		}
	}
	a := b.Pool("main", "stratum+tls://pool.example:3333/", 0)
	a.SetAlgorithm("scrypt", 65536)
	f("a pool", `proxy_pool_divider{hash="scrypt",pool="pool.example:3333",PROXY} 65536
proxy_pool_up{hash="scrypt",pool="pool.example:3333",PROXY} 0
`)
	same := b.Pool("main-2", "stratum+tls://pool.example:3333", 1)
	same.SetAlgorithm("scrypt", 65536)
	same.Up.Store(true)
	f("another user there", `proxy_pool_divider{hash="scrypt",pool="pool.example:3333",PROXY} 65536
proxy_pool_up{hash="scrypt",pool="pool.example:3333",PROXY} 1
`)
	b.ForgetPool("main")
	b.ForgetPool("main-2")
	f("forgotten", "")
	if b.Pool("main-2", "stratum+tls://pool.example:3333", 1) != same {
		t.Error("its books are not the same when it is known again")
	}
	f("known again", `proxy_pool_divider{hash="scrypt",pool="pool.example:3333",PROXY} 65536
proxy_pool_up{hash="scrypt",pool="pool.example:3333",PROXY} 1
`)
}

func TestNoPredecessorUnlessAskedFor(t *testing.T) {
	b := newBook(Options{})
	m := b.OpenMiner("a:1", "u", "scrypt", "p:1")
	if m != nil {
		t.Fatal("there are books of a miner")
	}
	m.Sent(1)
	m.Accepted(1)
	m.SetDifficulty(1)
	m.Close(epoch)
	var out bytes.Buffer
	if err := b.WriteMetrics(&out, true); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "\nproxy_") {
		t.Error("there are series of the account proxy")
	}
}

// The series of the account proxy may be turned on, and off, while miners are
// connected.
func TestThePredecessorsSeriesWhileMinersAreThere(t *testing.T) {
	b := newBook(Options{})
	if b.OpenMiner("192.0.2.1:1", "farm", "sha256d", "p") != nil {
		t.Error("there are books that nobody asked for")
	}
	f := func(s Settings, want bool) {
		t.Helper()
		b.Configure(s)
		b.OpenMiner("192.0.2.1:2", "farm", "sha256d", "p").Sent(1)
		var text strings.Builder
		if err := b.WriteMetrics(&text, false); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(text.String(), `proxy="`+s.Proxy+`",user="farm",worker="192.0.2.1:2"} 1`); got != want {
			t.Errorf("%+v: the series are there: %v, want %v", s, got, want)
		}
	}
	f(Settings{Predecessor: true, Proxy: "one"}, true)
	f(Settings{Predecessor: true, Proxy: "two"}, true)
	f(Settings{Proxy: "two"}, false)
}
