package codec

import (
	"strings"
	"testing"
	"time"
)

func decode(t testing.TB, line string) (r Request, err error) {
	t.Helper()
	return r, NewDecoder().DecodeRequest([]byte(line), &r)
}

func mustDecode(t testing.TB, line string) *Request {
	t.Helper()
	r, err := decode(t, line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return &r
}

func TestMethods(t *testing.T) {
	f := func(name string, want Method) {
		t.Helper()
		if got := mustDecode(t, `{"id":1,"method":"`+name+`","params":[]}`).Method; got != want {
			t.Errorf("%s is method %d, want %d", name, got, want)
		}
	}
	f("mining.configure", Configure)
	f("mining.subscribe", Subscribe)
	f("mining.authorize", Authorize)
	f("mining.extranonce.subscribe", ExtranonceSubscribe)
	f("mining.suggest_difficulty", SuggestDifficulty)
	f("mining.suggest_target", SuggestTarget)
	f("mining.submit", Submit)
	f("mining.get_transactions", GetTransactions)
	f("mining.multi_version", MultiVersion)
	f("mining.ping", Ping)
	f("mining.capabilities", UnknownMethod)
	f("", UnknownMethod)
}

func TestMalformedLinesSayHow(t *testing.T) {
	f := func(line string, want Kind, fatal bool) {
		t.Helper()
		_, err := decode(t, line)
		e, ok := err.(*Error)
		if !ok || e.Kind != want || e.Fatal() != fatal {
			t.Errorf("%.60q: %v, want kind %d, fatal %v", line, err, want, fatal)
		}
	}
	f("\x16\x03\x01\x02\x00", NotStratum, true)
	f("GET / HTTP/1.1", NotStratum, true)
	f("[1,2]", NotStratum, true)
	f("", NotStratum, true)
	f(`{"id":1,"method":"mining.ping"`, Syntax, false)
	f(`{"id":1,"method":"mining.ping"} x`, Syntax, false)
	f(`{"id":1}`, Syntax, false)
	f(`{"id":1,"method":"mining.authorize","params":["farm.ri\1"]}`, Syntax, false)
	f(`{"id":1,"method":7}`, Syntax, false)
	f(`{"id":{},"method":"mining.ping"}`, Syntax, false)
	f(`{"id":true,"method":"mining.ping"}`, Syntax, false)
	f(`{"id":"`+strings.Repeat("x", MaxID)+`","method":"mining.ping"}`, Syntax, false)
	f(`{"id":1,"method":"mining.ping","params":["a`+"\x01"+`"]}`, Syntax, false)
	f(`{"id":1,"params":`+strings.Repeat("[", MaxDepth)+strings.Repeat("]", MaxDepth)+`,"method":"a"}`, TooDeep, true)
}

// A name that is not UTF-8 is no reason to lose a miner; nor is any other text.
func TestLinesThatAreNotUTF8(t *testing.T) {
	f := func(login, want string) {
		t.Helper()
		r := mustDecode(t, `{"id":1,"method":"mining.authorize","params":["farm.`+login+`","x"]}`)
		if p, ok := r.Authorize(); !ok || CleanName(p.Login) != "farm."+want || string(p.Password) != "x" {
			t.Errorf("%q: %q, %v, want %q", login, p.Login, ok, want)
		}
	}
	f("B\xe4r", "B%C3%A4r")                             // Latin-1, as in UTF-8
	f("Bär", "B%C3%A4r")                                //
	f("\xbf\xf3\xbb\xfa1", "%C2%BF%C3%B3%C2%BB%C3%BA1") // 矿机1 in GBK
	f("\x95\\\x81\\", "%C2%95%5C%C2%81%5C")             // characters of two bytes, the second of which looks like an escape
	f("\xff\xfe\xc3", "%C3%BF%C3%BE%C3%83")
	r := mustDecode(t, "{\"id\":\"\xe4\",\"method\":\"mining.ping\",\"params\":[\"\xff\"]}")
	if got := string(r.ID.Append(nil)); got != `"ä"` {
		t.Errorf("id %s", got)
	}
	if _, err := decode(t, "{\"id\":1,\"method\":\"\xff\"\xff}"); err != errSyntax {
		t.Errorf("bytes that are no JSON in any encoding: %v", err)
	}
}

func TestNestingIsCountedOutsideStringsOnly(t *testing.T) {
	brackets := strings.Repeat("[{", 2*MaxDepth)
	r := mustDecode(t, `{"id":1,"method":"mining.authorize","params":["`+brackets+`"]}`)
	if p, _ := r.Authorize(); string(p.Login) != brackets {
		t.Errorf("login %q", p.Login)
	}
	siblings := strings.Repeat("[],", 2*MaxDepth) + "[]"
	mustDecode(t, `{"id":1,"method":"x","params":[`+siblings+`]}`)
}

func TestIDsAreEchoedAsTheyCame(t *testing.T) {
	f := func(id, want string) {
		t.Helper()
		r := mustDecode(t, `{"id":`+id+`,"method":"mining.ping","params":[]}`)
		if got := string(r.ID.Append(nil)); got != want {
			t.Errorf("id %s is echoed as %s", id, got)
		}
	}
	f(`1`, `1`)
	f(`0`, `0`)
	f(`-1`, `-1`)
	f(`1.0`, `1.0`)
	f(`18446744073709551616`, `18446744073709551616`)
	f(`"7"`, `"7"`)
	f(`""`, `""`)
	f(`"a\"b"`, `"a\"b"`)
	f(`null`, `null`)
	f(`"6ba7b810-9dad-11d1-80b4-00c04fd430c8"`, `"6ba7b810-9dad-11d1-80b4-00c04fd430c8"`)
	if got := string((&mustDecode(t, `{"method":"mining.ping"}`).ID).Append(nil)); got != "null" {
		t.Errorf("a missing id is echoed as %s", got)
	}
}

// Every form of mining.subscribe seen in the field.
func TestSubscribe(t *testing.T) {
	f := func(params, agent, session string) {
		t.Helper()
		p := mustDecode(t, `{"id":1,"method":"mining.subscribe","params":`+params+`}`).Subscribe()
		if string(p.Agent) != agent || string(p.Session) != session {
			t.Errorf("%s: agent %q, session %q", params, p.Agent, p.Session)
		}
	}
	f(`[]`, "", "")
	f(`["bitaxe BM1397"]`, "bitaxe BM1397", "")
	f(`["whatsminer/v1.0","703d5a17"]`, "whatsminer/v1.0", "703d5a17")
	f(`["bosminer",null]`, "bosminer", "")
	f(`["bosminer",null,"host:3333",null]`, "bosminer", "")
	f(`["NiceHash/1.0.0","1700000000","ab12"]`, "NiceHash/1.0.0", "1700000000")
	f(`null`, "", "")
	f(`{}`, "", "")
	f(`[7]`, "", "")
	f(`["quote \"x\""]`, `quote "x"`, "")
}

func TestAuthorize(t *testing.T) {
	f := func(params, login, password string, wantOK bool) {
		t.Helper()
		p, ok := mustDecode(t, `{"id":1,"method":"mining.authorize","params":`+params+`,"ttl":2}`).Authorize()
		if ok != wantOK || string(p.Login) != login || string(p.Password) != password {
			t.Errorf("%s: %q %q %v", params, p.Login, p.Password, ok)
		}
	}
	f(`["farm.rig1","x"]`, "farm.rig1", "x", true)
	f(`["farm.rig1",""]`, "farm.rig1", "", true)
	f(`["farm.rig1"]`, "farm.rig1", "", true)
	f(`["farm.rig1",null]`, "farm.rig1", "", true)
	f(`[]`, "", "", false)
	f(`[1,"x"]`, "", "x", false)
}

func TestSubmit(t *testing.T) {
	f := func(params string, want SubmitParams, wantOK bool) {
		t.Helper()
		p, ok := mustDecode(t, `{"id":1,"method":"mining.submit","params":`+params+`}`).Submit()
		if ok != wantOK {
			t.Errorf("%s: ok %v", params, ok)
		}
		if ok && (string(p.Worker) != string(want.Worker) || string(p.Job) != string(want.Job) || string(p.Extranonce2) != string(want.Extranonce2) ||
			p.NTime != want.NTime || p.Nonce != want.Nonce || p.VersionBits != want.VersionBits || p.HasVersion != want.HasVersion) {
			t.Errorf("%s: %+v", params, p)
		}
	}
	f(`["u.w","1f","f50e0000","65df9900","0fd587d0","00002000"]`,
		SubmitParams{[]byte("u.w"), []byte("1f"), []byte("f50e0000"), 0x65df9900, 0x0fd587d0, 0x2000, true}, true)
	f(`["u.w","1f","f50e0000","65DF9900","0FD587D0"]`,
		SubmitParams{[]byte("u.w"), []byte("1f"), []byte("f50e0000"), 0x65df9900, 0x0fd587d0, 0, false}, true)
	f(`["u.w","1f","f50e0000","65df9900","0fd587d0",null]`,
		SubmitParams{[]byte("u.w"), []byte("1f"), []byte("f50e0000"), 0x65df9900, 0x0fd587d0, 0, false}, true)
	f(`["u.w","1f","f50e0000","65df9900","0fd587d0",""]`,
		SubmitParams{[]byte("u.w"), []byte("1f"), []byte("f50e0000"), 0x65df9900, 0x0fd587d0, 0, false}, true)
	f(`["u.w","1f","f50e0000","65df9900","0fd587d0"," "]`, SubmitParams{}, false)
	f(`["u.w","1f","f50e0000","65df9900"]`, SubmitParams{}, false)
	f(`["u.w","1f","f50e0000","65df9900","0fd587d0ff"]`, SubmitParams{}, false)
	f(`["u.w","1f","f50e0000","65df9900","0fd58zd0"]`, SubmitParams{}, false)
	f(`["u.w","1f","f50e0000",1709153536,"0fd587d0"]`, SubmitParams{}, false)
	f(`["u.w","1f","f50e0000","65df9900","0fd587d0",8192]`, SubmitParams{}, false)
	f(`[]`, SubmitParams{}, false)
}

// The answer contains what was asked for and nothing else.
func TestConfigureAnswersExactlyWhatWasAsked(t *testing.T) {
	f := func(params string, mask uint32, want string) {
		t.Helper()
		r := mustDecode(t, `{"id":1,"method":"mining.configure","params":`+params+`}`)
		p, ok := r.Configure()
		if !ok {
			t.Fatalf("%s: not understood", params)
		}
		want = `{"id":1,"result":` + want + `,"error":null}` + "\n"
		if got := string(AppendConfigured(nil, &r.ID, &p, p.Mask&mask)); got != want {
			t.Errorf("%s\n got %swant %s", params, got, want)
		}
	}
	const wide = 0x1fffe000
	f(`[["version-rolling"],{"version-rolling.mask":"1fffe000"}]`, wide, `{"version-rolling":true,"version-rolling.mask":"1fffe000"}`)
	f(`[["version-rolling"],{"version-rolling.mask":"ffffffff","version-rolling.min-bit-count":"16"}]`, wide, `{"version-rolling":true,"version-rolling.mask":"1fffe000"}`)
	f(`[["version-rolling"],{"version-rolling.mask":"00c00000","version-rolling.min-bit-count":2}]`, wide, `{"version-rolling":true,"version-rolling.mask":"00c00000"}`)
	f(`[["version-rolling"],{}]`, wide, `{"version-rolling":true,"version-rolling.mask":"1fffe000"}`)
	f(`[["version-rolling"]]`, wide, `{"version-rolling":true,"version-rolling.mask":"1fffe000"}`)
	f(`[["version-rolling"],{"version-rolling.mask":"1fffe000"}]`, 0, `{"version-rolling":false}`)
	f(`[["minimum-difficulty","version-rolling"],{"minimum-difficulty.value":2048,"version-rolling.mask":"1fffe000"}]`, wide,
		`{"minimum-difficulty":true,"version-rolling":true,"version-rolling.mask":"1fffe000"}`)
	f(`[["subscribe-extranonce","info"],{"info.hw-version":"S21"}]`, wide, `{"subscribe-extranonce":true,"info":true}`)
	f(`[["something-new"],{}]`, wide, `{"something-new":false}`)
	f(`[[],{}]`, wide, `{}`)
	if _, ok := mustDecode(t, `{"id":1,"method":"mining.configure","params":["version-rolling"]}`).Configure(); ok {
		t.Error("a list of codes is a must")
	}
}

// A reused Request must not contain anything of the previous line.
func TestARequestForgetsTheLineBefore(t *testing.T) {
	d := NewDecoder()
	var r Request
	if err := d.DecodeRequest([]byte(`{"id":9,"method":"mining.submit","params":["a","b","c"]}`), &r); err != nil {
		t.Fatal(err)
	}
	if err := d.DecodeRequest([]byte(`{"method":"mining.authorize"}`), &r); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.Authorize(); ok || r.N != 0 || string(r.ID.Append(nil)) != "null" {
		t.Errorf("left over: %+v", r)
	}
}

func TestNames(t *testing.T) {
	f := func(login, want string) {
		t.Helper()
		if got := CleanName([]byte(login)); got != want {
			t.Errorf("CleanName(%q) = %q, want %q", login, got, want)
		}
	}
	f("farm.rig-1_a~b", "farm.rig-1_a~b")
	f("bc1qxyz.rig%251", "bc1qxyz.rig%251")
	f("bc1qxyz.rig%2E7", "bc1qxyz.rig%2E7") // allowed bytes are never encoded
	f(`a"b\c`, "a%22b%5Cc")
	f(" rig 1\t\x00", "rig%201")
	f("rig%201", "rig%25201")
	f("rig%25201", "rig%2525201")
	f("rig% 1", "rig%%201")
	f("<script>", "%3Cscript%3E")
	f("räuber", "r%C3%A4uber")
	f("矿", "%E7%9F%BF")
	f("", "")
	f(" \x00\t", "")
	f(strings.Repeat("a", MaxName), strings.Repeat("a", MaxName))
	f(strings.Repeat("a", MaxName+5), strings.Repeat("a", MaxName-13)+"~cd12133b24a8")
}

// Different names stay different, however long they are and whatever they contain.
func TestNamesThatDifferStayDifferent(t *testing.T) {
	seen := make(map[string]string)
	long := strings.Repeat("acct.", 30)
	for _, name := range []string{
		"rig 8", "rig8", "rig%208", "rig%25208", "rig%2520 8", "rig% 8", "rig%%208", "rig\"8", "rig'8", "räg", "rög", "rg", "r\xe4g", "矿机", "机矿",
		long + "1", long + "2", long + " 1", long, strings.Repeat(" ", 1) + "矿" + long + "1", "矿" + long + "2", strings.Repeat("矿", 14), strings.Repeat("矿", 15), strings.Repeat("矿", 16),
	} {
		clean := CleanName([]byte(name))
		if other, twice := seen[clean]; twice {
			t.Errorf("%q and %q are both %q", name, other, clean)
		}
		if len(clean) > MaxName || CleanText([]byte(clean), MaxName) != clean {
			t.Errorf("%q becomes %q", name, clean)
		}
		seen[clean] = name
	}
}

func TestTheWorkersOfAnAccount(t *testing.T) {
	f := func(account, worker, want string) {
		t.Helper()
		if got := JoinName(account, []byte(worker)); got != want {
			t.Errorf("%q of %q is %q, want %q", worker, account, got, want)
		}
	}
	f("farm", "rig 1", "farm.rig%201")
	f("r%C3%A4g", "räg", "r%C3%A4g.r%C3%A4g")
	long := strings.Repeat("a", 120)
	f(long, "b", long+".b")
	if one, two := JoinName(long, []byte("rig-number1")), JoinName(long, []byte("rig-number2")); one == two || len(one) != MaxName {
		t.Errorf("%q and %q", one, two)
	}
}

func TestSpellings(t *testing.T) {
	f := func(name, login string, want bool) {
		t.Helper()
		if got := IsSpelling(name, []byte(login)); got != want {
			t.Errorf("%q for %q: %v, want %v", login, name, got, want)
		}
	}
	f("15abc.Nerdminer1", "15abc.Nerdminer1", true)
	f("15abc.Nerdminer1", "15ABC.nerdminer1", true)
	f("15abc.Nerdminer1", "15abc_nerdminer1", true)
	f("15abc.Nerdminer1", "15abc", true)
	f("15abc.Nerdminer1", "15abc.", true)
	f("15abc.Nerdminer1", "", true)
	f("15abc.Nerdminer1", "15abc.Nerdminer1.x", true)
	f("15abc", "15abc.Nerdminer1", true)
	f("15abc.Nerdminer1", "15abc.Nerdminer2", false)
	f("15abc.Nerdminer1", "15abc.Nerdminer", false)
	f("15abc.Nerdminer1", "15abd", false)
	f("15abc.Nerdminer1", "15ab", false)
	f("15abc.Nerdminer1", "Nerdminer1", false)
	f("15abc.Nerdminer1", "räg", false)
	f("15abc", "15abcd.rig", false)
	f("15abc", "...15.abc...x", true)
	f("15abc", "...15.ab", false)
	f("---", ".", true)
	f("---", "-.a", true)
	f("---", "a.", false)
}

// A login of thousands of dots was read once for each of them: 7 ms on an event loop, for
// each share of a miner that sends such names.
func TestALoginIsReadOnceWhateverItsDots(t *testing.T) {
	took := func(dots int) time.Duration {
		login, least := []byte(strings.Repeat(".", dots)+"x.y"), time.Hour
		for range 20 {
			begin := time.Now()
			if !IsSpelling("x", login) {
				t.Fatalf("%d dots and x.y are no spelling of x", dots)
			}
			least = min(least, time.Since(begin))
		}
		return least
	}
	if few, many := took(MaxMinerLine/16), took(MaxMinerLine); many > 64*few {
		t.Errorf("16 times the dots take %v instead of %v", many, few)
	}
}

func TestRawNumbers(t *testing.T) {
	f := func(raw string, want float64, wantOK bool) {
		t.Helper()
		if got, ok := Raw(raw).Float(); ok != wantOK || got != want {
			t.Errorf("%s: %v, %v", raw, got, ok)
		}
	}
	f(`1000`, 1000, true)
	f(`"1000"`, 1000, true)
	f(`0.5`, 0.5, true)
	f(`-1`, -1, true)
	f(`1e3`, 1000, true)
	f(`null`, 0, false)
	f(`"abc"`, 0, false)
	f(`"nan"`, 0, false)
	f(`true`, 0, false)
	f(`[1]`, 0, false)
}
