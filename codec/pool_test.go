package codec

import (
	"encoding/hex"
	"strings"
	"testing"

	"farmproxy/work"
)

func TestSubscription(t *testing.T) {
	f := func(result, session, extranonce1 string, size int, wantOK bool) {
		t.Helper()
		s, err := Raw(result).Subscription()
		if (err == nil) != wantOK {
			t.Errorf("%s: %v", result, err)
		} else if wantOK && (s.Session != session || hex.EncodeToString(s.Extranonce1) != extranonce1 || s.Extranonce2Size != size) {
			t.Errorf("%s: %+v", result, s)
		}
	}
	f(`[[["mining.set_difficulty","b4b6"],["mining.notify","ae68"]],"08000002",4]`, "ae68", "08000002", 4, true)
	f(`[[["mining.notify","703d5a17"]],"703d5a17",4]`, "703d5a17", "703d5a17", 4, true)
	f(`[[],"",8]`, "", "", 8, true)
	f(`[null,"08",4]`, "", "08", 4, true)
	f(`[[["mining.notify",null]],"08",4]`, "", "08", 4, true)
	f(`[[["mining.notify","a\"b"]],"08","4"]`, "", "08", 4, true)
	f(`[[],"0",4]`, "", "", 0, false)
	f(`[[],"zz",4]`, "", "", 0, false)
	f(`[[],"08",-1]`, "", "", 0, false)
	f(`[[],"08",33]`, "", "", 0, false)
	f(`[[],"08"]`, "", "", 0, false)
	f(`null`, "", "", 0, false)
}

func TestVersionMask(t *testing.T) {
	f := func(result string, want uint32) {
		t.Helper()
		if got := Raw(result).VersionMask(); got != want {
			t.Errorf("%s: %08x, want %08x", result, got, want)
		}
	}
	f(`{"version-rolling":true,"version-rolling.mask":"1fffe000"}`, 0x1fffe000)
	f(`{"version-rolling.mask":"1fffe000","version-rolling":true}`, 0x1fffe000)
	f(`{"version-rolling":false,"version-rolling.mask":"1fffe000"}`, 0)
	f(`{"version-rolling":"not supported"}`, 0)
	f(`null`, 0)
	f(``, 0)
}

func TestPoolError(t *testing.T) {
	f := func(raw string, code int, text string, isError bool) {
		t.Helper()
		e, ok := Raw(raw).PoolError()
		if ok != isError || e.Code != code || e.Text != text {
			t.Errorf("%s: %+v, %v", raw, e, ok)
		}
	}
	f(`null`, 0, "", false)
	f(``, 0, "", false)
	f(`[21,"Job not found",null]`, 21, "Job not found", true)
	f(`[23,"Low \"diff\"","Traceback (most recent call last)"]`, 23, "Low diff", true)
	f(`{"code":-1,"message":"Low difficulty"}`, -1, "Low difficulty", true)
	f(`"Stale"`, 0, "Stale", true)
	f(`["24","x"]`, 24, "x", true)
	f(`[21]`, 21, "", true)
	f(`true`, 0, "", true)
	f(`["x"]`, 0, "", true)
	for _, none := range []string{`[]`, `[ ]`, `{}`, `""`, `false`, `0`, `[0,"",null]`, `{"code":0,"message":""}`} {
		f(none, 0, "", false)
	}
}

func TestRequestID(t *testing.T) {
	f := func(raw string, want uint64, wantOK bool) {
		t.Helper()
		if got, ok := Raw(raw).RequestID(); ok != wantOK || got != want {
			t.Errorf("%s: %d, %v", raw, got, ok)
		}
	}
	f(`7`, 7, true)
	f(`"7"`, 7, true)
	f(`null`, 0, false)
	f(`-7`, 0, false)
	f(`7.5`, 0, false)
	f(`"caps"`, 0, false)
	f(`99999999999999999999`, 0, false)
}

func TestReconnect(t *testing.T) {
	f := func(params, host string, port, wait int) {
		t.Helper()
		if h, p, w := Raw(params).Reconnect(); h != host || p != port || w != wait {
			t.Errorf("%s: %q %d %d", params, h, p, w)
		}
	}
	f(`[]`, "", 0, 0)
	f(`["eu.pool.example",3334,5]`, "eu.pool.example", 3334, 5)
	f(`["eu.pool.example","3334"]`, "eu.pool.example", 3334, 0)
	f(`["a\"b",1]`, "", 1, 0)
}

// A notify goes to miners unchanged, with the pool's extranonce1 folded in.
func TestNotifyLine(t *testing.T) {
	const params = `["e6ea06","3204a2ea032aaf8354021061c384673ad0f13fd5000232170000000000000000","0200aa","ffffbb",["` +
		`f2de1cd0000000000000000000000000000000000000000000000000000000ff"],"20000000","170371b1","65df9900",false]`
	n, err := Raw(params).Notify()
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(n.PrevHash[:4]); got != "eaa20432" {
		t.Errorf("prevhash begins with %s in the header", got)
	}
	line := NewNotifyLine(0x1f, &n.Template, []byte{0x70, 0x3d})
	want := `{"id":null,"method":"mining.notify","params":["1f","3204a2ea032aaf8354021061c384673ad0f13fd5000232170000000000000000",` +
		`"0200aa703d","0000ffffbb",["f2de1cd0000000000000000000000000000000000000000000000000000000ff"],"20000000","170371b1","65df9919",true]}` + "\n"
	if got := string(AppendNotify(nil, &line, 2, n.NTime+0x19, true)); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestNotifySaysWhatIsWrong(t *testing.T) {
	const hash = `"0000000000000000000000000000000000000000000000000000000000000000"`
	f := func(params, want string) {
		t.Helper()
		if _, err := Raw(params).Notify(); err == nil || err.Error() != "mining.notify: "+want {
			t.Errorf("%s: %v", params, err)
		}
	}
	f(`["1"]`, "fewer than 8 params")
	f(`["`+strings.Repeat("x", MaxJobID-1)+`",`+hash+`,"","",[],"2","1","6",true]`, "the job id is longer than 512 bytes")
	f(`["1","00","","",[],"2","1","6",true]`, "prevhash is not 64 hex digits")
	f(`["1",`+hash+`,"0","",[],"2","1","6",true]`, "coinb1 or coinb2 is not hex")
	f(`["1",`+hash+`,"","",["00"],"2","1","6",true]`, "merkle branches are not a list of at most 24 times 64 hex digits")
	f(`["1",`+hash+`,"","",{},"2","1","6",true]`, "merkle branches are not a list of at most 24 times 64 hex digits")
	f(`["1",`+hash+`,"","",[],"2","1",6,true]`, "version, nbits or ntime is not what it must be")
}

// Job ids of any type are sent back unchanged; clean_jobs is read for its meaning.
func TestNotifyAsPoolsWriteIt(t *testing.T) {
	const hash = `"0000000000000000000000000000000000000000000000000000000000000000"`
	f := func(id, clean string, want bool) {
		t.Helper()
		n, err := Raw(`[` + id + `,` + hash + `,"","",[],"2","1","6"` + clean + `]`).Notify()
		if err != nil || n.JobID != id || n.Clean != want {
			t.Errorf("job id %s, clean_jobs %q: %+v, %v, want %v", id, clean, n, err, want)
		}
		if err == nil {
			submit := string(AppendPoolSubmit(nil, 9, &PoolShare{User: "u", Job: &work.Job{PoolID: n.JobID, Layout: work.Layout{Prefix: 2}}, Solution: new(work.Solution)}))
			if !strings.Contains(submit, `["u",`+id+`,"0000"`) {
				t.Errorf("job id %s goes back in %s", id, submit)
			}
		}
	}
	f(`"1"`, `,true`, true)
	f(`"1"`, `,false`, false)
	f(`77`, `,1`, true)
	f(`7.50`, `,0`, false)
	f(`"q\"uote\\"`, `,"true"`, true)
	f(`"Ünï\u00fc"`, `,"1"`, true)
	f(`""`, `,"0"`, false)
	f(`null`, ``, false)
	f(`{"a":[1]}`, `,null`, false)
	f(`true`, `,[true]`, false)
	f(`"`+strings.Repeat("x", 200)+`"`, `,true,"extra"`, true)
}

func TestYes(t *testing.T) {
	for _, yes := range []string{`true`, `1`, `"true"`, `"True"`, `"1"`, `"OK"`, `{"status":"OK"}`, `{"x":1,"status":"ok"}`} {
		if !Raw(yes).Yes() {
			t.Errorf("%s is no", yes)
		}
	}
	for _, no := range []string{``, `null`, `false`, `0`, `""`, `"false"`, `[]`, `[true]`, `{}`, `{"status":"ERROR"}`, `{"status":true}`, `"no"`} {
		if Raw(no).Yes() {
			t.Errorf("%s is yes", no)
		}
	}
}

func TestSetExtranonce(t *testing.T) {
	f := func(params, extranonce1 string, size int, wantOK bool) {
		t.Helper()
		got, n, ok := Raw(params).Extranonce(8)
		if ok != wantOK || ok && (hex.EncodeToString(got) != extranonce1 || n != size) {
			t.Errorf("%s: %x, %d, %v", params, got, n, ok)
		}
	}
	f(`["0a0b",4]`, "0a0b", 4, true)
	f(`["0a0b"]`, "0a0b", 8, true)
	f(`["0a0b",null]`, "0a0b", 8, true)
	f(`["0a0b","x"]`, "", 0, false)
	f(`["zz"]`, "", 0, false)
	f(`[4]`, "", 0, false)
	f(`[]`, "", 0, false)
}

func TestWhatAPoolIsTold(t *testing.T) {
	f := func(got []byte, want string) {
		t.Helper()
		if string(got) != want+"\n" {
			t.Errorf("\n got %swant %s", got, want)
		}
	}
	f(AppendPoolConfigure(nil, 1), `{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff","version-rolling.min-bit-count":0}]}`)
	f(AppendPoolSubscribe(nil, 2, "farmproxy/1", ""), `{"id":2,"method":"mining.subscribe","params":["farmproxy/1"]}`)
	f(AppendPoolSubscribe(nil, 2, "farmproxy/1", "ae68"), `{"id":2,"method":"mining.subscribe","params":["farmproxy/1","ae68"]}`)
	f(AppendPoolAuthorize(nil, 3, "farm", `p"w\`), `{"id":3,"method":"mining.authorize","params":["farm","p\"w\\"]}`)
	f(AppendPoolSuggestDifficulty(nil, 4, 65536), `{"id":4,"method":"mining.suggest_difficulty","params":[65536]}`)
	f(AppendPoolExtranonceSubscribe(nil, 5), `{"id":5,"method":"mining.extranonce.subscribe","params":[]}`)
	layout, _ := work.NewLayout(4, 2)
	share := PoolShare{
		User: "farm.rig1", Job: &work.Job{PoolID: `"e6ea06"`, Layout: layout}, VersionBits: 0x2000, HasVersion: true,
		Solution: &work.Solution{Prefix: 0xf50e, Size: 2, NTime: 0x65df9900, Nonce: 0x0fd587d0},
	}
	f(AppendPoolSubmit(nil, 6, &share), `{"id":6,"method":"mining.submit","params":["farm.rig1","e6ea06","f50e0000","65df9900","0fd587d0","00002000"]}`)
	share.HasVersion = false
	f(AppendPoolSubmit(nil, 6, &share), `{"id":6,"method":"mining.submit","params":["farm.rig1","e6ea06","f50e0000","65df9900","0fd587d0"]}`)

	// The store has accounts whose user needs escapes: the account proxy registers them.
	f(AppendPoolAuthorize(nil, 3, `fa"r\m`, "x"), `{"id":3,"method":"mining.authorize","params":["fa\"r\\m","x"]}`)
	share.User = `fa"r\m.rig1`
	f(AppendPoolSubmit(nil, 6, &share), `{"id":6,"method":"mining.submit","params":["fa\"r\\m.rig1","e6ea06","f50e0000","65df9900","0fd587d0"]}`)
}

func TestWhatAMinerIsTold(t *testing.T) {
	id, _ := MakeID(Raw(`"x1"`))
	f := func(got []byte, want string) {
		t.Helper()
		if string(got) != want+"\n" {
			t.Errorf("\n got %swant %s", got, want)
		}
	}
	f(AppendTrue(nil, &id), `{"id":"x1","result":true,"error":null}`)
	f(AppendError(nil, &id, 21, "Job not found"), `{"id":"x1","result":null,"error":[21,"Job not found",null]}`)
	f(AppendPong(nil, &id), `{"id":"x1","result":"pong","error":null}`)
	f(AppendSubscribed(nil, &id, 0x1234, []byte{0xf5, 0x0e}, 4),
		`{"id":"x1","result":[[["mining.set_difficulty","0000000000001234"],["mining.notify","0000000000001234"]],"f50e",4],"error":null}`)
	f(AppendSetDifficulty(nil, 1<<40), `{"id":null,"method":"mining.set_difficulty","params":[1099511627776]}`)
	f(AppendSetDifficulty(nil, 0.25), `{"id":null,"method":"mining.set_difficulty","params":[0.25]}`)
	f(AppendSetDifficulty(nil, 1.0/(1<<24)), `{"id":null,"method":"mining.set_difficulty","params":[0.00000005960464477539063]}`)
	f(AppendSetVersionMask(nil, 0x1fffe000), `{"id":null,"method":"mining.set_version_mask","params":["1fffe000"]}`)
	f(AppendSetExtranonce(nil, []byte{0xf5, 0x0e}, 2), `{"id":null,"method":"mining.set_extranonce","params":["f50e",2]}`)
	f(AppendShowMessage(nil, "full"), `{"id":null,"method":"client.show_message","params":["full"]}`)
}

func TestJobIDsReadBackAsTheyWereWritten(t *testing.T) {
	for _, id := range []uint32{1, 0xf, 0x10, 0xfff, 0x1000, 1<<32 - 1} {
		text := AppendJobID(nil, id)
		if got, ok := HexUint32(text); !ok || got != id || text[0] == '0' {
			t.Errorf("%d is written %s and read %d", id, text, got)
		}
	}
}

func TestSessionsReadBackAsTheyWereWritten(t *testing.T) {
	const id = 0xfedcba9876543210
	if got, ok := ParseSession(AppendSession(nil, id)); !ok || got != id {
		t.Errorf("%x", got)
	}
	for _, other := range []string{"", "703d5a17", "1700000000", "zzzzzzzzzzzzzzzz"} {
		if _, ok := ParseSession([]byte(other)); ok {
			t.Errorf("%q is not a session of ours", other)
		}
	}
}
