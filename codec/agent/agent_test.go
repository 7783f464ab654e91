package agent

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"farmproxy/codec"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// frame returns data, which must be exactly one frame.
func frame(t *testing.T, data []byte) Frame {
	t.Helper()
	f, n, err := NextFrame(data)
	if err != nil || n != len(data) {
		t.Fatalf("%x: %d bytes of %d, %v", data, n, len(data), err)
	}
	return f
}

// vectors are the frames of btcagent_exmessages in the recorded vectors. They were
// recomputed from what BTCAgent and btcpool write and read; btcpool drops the bytes of
// three of AGENT.md's own examples.
var vectors = map[string]string{
	"register_worker":            "7f011400221163676d696e657200733130393900",
	"unregister_worker":          "7f0406002211",
	"submit_share":               "7f020f00a9221144332211ddccbbaa",
	"submit_share_with_time":     "7f031300a9221144332211ddccbbaad02abd57",
	"submit_share_with_ver":      "7f121300a9221144332211ddccbbaa00001200",
	"submit_share_with_time_ver": "7f131700a9221144332211ddccbbaad02abd5700001200",
	"mining_set_diff":            "7f050b000d020022114433",
}

func TestAgentVectorsAreTheRecordedOnes(t *testing.T) {
	data, err := os.ReadFile("../../work/testdata/stratum.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Messages map[string]json.RawMessage `json:"btcagent_exmessages"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for name, want := range vectors {
		var message struct{ Hex string }
		if err := json.Unmarshal(file.Messages[name], &message); err != nil || message.Hex != want {
			t.Errorf("%s: recorded is %q, %v", name, message.Hex, err)
		}
	}
	for name, raw := range file.Messages {
		if _, known := vectors[name]; !known && raw[0] == '{' {
			t.Errorf("%s is recorded and not tested", name)
		}
	}
}

func TestAgentSubmitIsByteForByteWhatAPoolTakes(t *testing.T) {
	f := func(name string, s Share) {
		t.Helper()
		want := vectors[name]
		if got := hex.EncodeToString(AppendSubmit(nil, &s)); got != want {
			t.Errorf("%s: wrote %s, want %s", name, got, want)
		}
		if got, ok := frame(t, unhex(t, want)).Submit(); !ok || got != s {
			t.Errorf("%s: read %+v, %v", name, got, ok)
		}
	}
	share := Share{Job: 169, SID: 0x1122, Extranonce2: 0x11223344, Nonce: 0xaabbccdd}
	f("submit_share", share)
	share.HasVersion, share.VersionMask = true, 0x120000
	f("submit_share_with_ver", share)
	share.HasTime, share.NTime = true, 1472015056
	f("submit_share_with_time_ver", share)
	share.HasVersion, share.VersionMask = false, 0
	f("submit_share_with_time", share)
}

func TestAgentRegisterIsByteForByteWhatAPoolTakes(t *testing.T) {
	want := vectors["register_worker"]
	if got := hex.EncodeToString(AppendRegister(nil, 0x1122, "cgminer", "s1099")); got != want {
		t.Errorf("wrote %s, want %s", got, want)
	}
	if sid, agent, worker, ok := frame(t, unhex(t, want)).Register(); !ok || sid != 0x1122 || string(agent) != "cgminer" || string(worker) != "s1099" {
		t.Errorf("read %x %q %q %v", sid, agent, worker, ok)
	}
}

func TestAgentUnregisterIsByteForByteWhatAPoolTakes(t *testing.T) {
	want := vectors["unregister_worker"]
	if got := hex.EncodeToString(AppendUnregister(nil, 0x1122)); got != want {
		t.Errorf("wrote %s, want %s", got, want)
	}
	if sid, ok := frame(t, unhex(t, want)).Unregister(); !ok || sid != 0x1122 {
		t.Errorf("read %x %v", sid, ok)
	}
}

func TestAgentSetDifficultyIsByteForByteWhatAPoolSends(t *testing.T) {
	want := vectors["mining_set_diff"]
	if got := hex.EncodeToString(AppendSetDifficulty(nil, 13, []uint16{0x1122, 0x3344})); got != want {
		t.Errorf("wrote %s, want %s", got, want)
	}
	exponent, sids, ok := frame(t, unhex(t, want)).SetDifficulty([]uint16{7})
	if !ok || exponent != 13 || len(sids) != 3 || sids[0] != 7 || sids[1] != 0x1122 || sids[2] != 0x3344 {
		t.Errorf("read %d %x %v", exponent, sids, ok)
	}
}

// The response is not documented: index u16, status u32.
func TestAgentSubmitResponse(t *testing.T) {
	const want = "7f100a00221187962c6b"
	if got := hex.EncodeToString(AppendSubmitResponse(nil, 0x1122, Accept)); got != want {
		t.Errorf("wrote %s, want %s", got, want)
	}
	if index, status, ok := frame(t, unhex(t, want)).SubmitResponse(); !ok || index != 0x1122 || status != Accept {
		t.Errorf("read %d %d %v", index, status, ok)
	}
}

func TestAgentFramesAreCutOutOfTheStream(t *testing.T) {
	f := func(data string, wantN int, wantErr bool) {
		t.Helper()
		got, n, err := NextFrame(unhex(t, data))
		if n != wantN || len(got) != wantN || (err != nil) != wantErr {
			t.Errorf("%s: %x, %d, %v", data, []byte(got), n, err)
		}
		if e, ok := err.(*codec.Error); err != nil && (!ok || !e.Fatal()) {
			t.Errorf("%s: the connection could be kept", data)
		}
	}
	f("", 0, false)
	f("7f", 0, false)
	f("7f04", 0, false)
	f("7f0406", 0, false)
	f("7f040600", 0, false)
	f("7f04060022", 0, false)
	f("7f0406002211", 6, false)
	f("7f04060022117f04", 6, false)
	f("7f0406002211"+`7b7d0a`, 6, false)
	f("7fee0400", 4, false)
	f("7f02ffff", 0, false)
	f("7f040000", 0, true)
	f("7f040300221100", 0, true)
}

// What a frame is read as: its command's name, or "" if it is unknown or invalid.
func TestAgentFramesOfAWrongLengthAreRefused(t *testing.T) {
	f := func(data, want string) {
		t.Helper()
		x := frame(t, unhex(t, data))
		var got []string
		read := func(name string, ok bool) {
			if ok {
				got = append(got, name)
			}
		}
		_, _, _, ok := x.Register()
		read("register", ok)
		_, ok = x.Unregister()
		read("unregister", ok)
		_, ok = x.Submit()
		read("submit", ok)
		_, sids, ok := x.SetDifficulty(nil)
		read("difficulty", ok)
		if !ok && len(sids) > 0 {
			t.Errorf("%s: sessions of a refused frame: %x", data, sids)
		}
		_, _, ok = x.SubmitResponse()
		read("response", ok)
		if strings.Join(got, " ") != want {
			t.Errorf("%s is read as %q, want %q", data, got, want)
		}
	}
	// AGENT.md's own examples with a version, length and mask as printed: the frame
	// ends 4 bytes early.
	f("7f120f00a9221144332211ddccbbaa", "")
	f("7f131300a9221144332211ddccbbaad02abd57", "")

	f("7f010400", "")
	f("7f0107002211"+"00", "")
	f("7f0108002211"+"0000", "register")
	f("7f0109002211"+"610000", "register")
	f("7f0109002211"+"006100", "register")
	f("7f0108002211"+"6100", "")
	f("7f0108002211"+"0061", "")
	f("7f0109002211"+"000000", "")
	f("7f010a002211"+"61006200", "register")
	f("7f010b002211"+"6100620000", "")
	f("7f010800feff"+"0000", "register")
	f("7f010800ffff"+"0000", "")

	f("7f020e00a9221144332211ddccbb", "")
	f("7f021000a9221144332211ddccbbaa00", "")
	f("7f021300a9221144332211ddccbbaad02abd57", "")
	f("7f030f00a9221144332211ddccbbaa", "")
	f("7f031700a9221144332211ddccbbaad02abd5700001200", "")
	f("7f121700a9221144332211ddccbbaad02abd5700001200", "")
	f("7f131600a9221144332211ddccbbaad02abd57000012", "")
	f("7f020f00a9feff44332211ddccbbaa", "submit")
	f("7f020f00a9ffff44332211ddccbbaa", "")

	f("7f040400", "")
	f("7f04050022", "")
	f("7f040600feff", "unregister")
	f("7f040600ffff", "")
	f("7f040700221100", "")

	f("7f050400", "")
	f("7f0506000d02", "")
	f("7f0507000d0000", "difficulty")
	f("7f0507000d0100", "")
	f("7f0509000d01002211", "difficulty")
	f("7f0509000d00002211", "")
	f("7f0508000d010022", "")
	f("7f050b000d010022114433", "")
	f("7f0509000dffff2211", "")
	f("7f0509003f01002211", "difficulty")
	f("7f0509004001002211", "")

	f("7f100400", "")
	f("7f1009000000870000", "")
	f("7f100a00000087962c6b", "response")
	f("7f100b00000087962c6b00", "")

	f("7f000600ffff", "")
	f("7f140f00a9221144332211ddccbbaa", "")
	f("7f220a002211deadbeef", "")
	f("7fff0400", "")
}

func TestAgentRegisterIsCutTo100Bytes(t *testing.T) {
	a, w := strings.Repeat("a", 200), strings.Repeat("w", 200)
	f := func(agent, worker, wantAgent, wantWorker string) {
		t.Helper()
		data := AppendRegister([]byte("before"), 0xfffe, agent, worker)[len("before"):]
		if len(data) > MaxRegister {
			t.Errorf("%d bytes", len(data))
		}
		sid, gotAgent, gotWorker, ok := frame(t, data).Register()
		if !ok || sid != 0xfffe || string(gotAgent) != wantAgent || string(gotWorker) != wantWorker {
			t.Errorf("%q %q: %x %q %q %v", agent, worker, sid, gotAgent, gotWorker, ok)
		}
	}
	f("", "", "", "")
	f(a[:40], w[:52], a[:40], w[:52])
	f(a[:41], w[:52], a[:40], w[:52])
	f(a, w[:52], a[:40], w[:52])
	f(a, "", a[:92], "")
	f(a, w[:91], "a", w[:91])
	f(a, w[:92], "", w[:92])
	f(a, w, "", w[:92])
	f("", w, "", w[:92])
	f(a, " "+w[:52]+" ", a[:40], w[:52]) // dropped first, then truncated
	f("\x00"+a, "w\x00\x00w", a[:90], "ww")
}

// A name ends with a 0 byte, so it can't contain one; apart from that, the worker's
// keeps what BTCAgent keeps, and the agent's what is printable.
func TestAgentRegisterLeavesOutWhatANameMustNotHave(t *testing.T) {
	for c := range 256 {
		data := AppendRegister(nil, 1, "a"+string([]byte{byte(c)})+"b", "c"+string([]byte{byte(c)})+"d")
		_, agent, worker, ok := frame(t, data).Register()
		wantAgent, wantWorker := "ab", "cd"
		if c >= ' ' && c <= '~' {
			wantAgent = "a" + string(rune(c)) + "b"
		}
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,=/.-_:|^", rune(c)) {
			wantWorker = "c" + string(rune(c)) + "d"
		}
		if c == '%' {
			wantWorker = "c^d" // of an encoded byte
		}
		if !ok || string(agent) != wantAgent || string(worker) != wantWorker {
			t.Errorf("%#x: %q %q %v", c, agent, worker, ok)
		}
	}
}

func TestAgentNames(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		if got := Name(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	f("", "")
	f("farm.rig-1_a/b:c|d^e,f=g", "farm.rig-1_a/b:c|d^e,f=g")
	f("rig 1", "rig1")
	f("rig%201", "rig^201")
	f("rig~1", "rig1")
	f("räuber", "ruber")
	f("\x00rig\x00", "rig")
	f("矿机", "")
}

func TestAgentSetDifficultyForMoreSessionsThanAFrameHolds(t *testing.T) {
	f := func(n int, want ...int) {
		t.Helper()
		all := make([]uint16, n)
		for i := range all {
			all[i] = uint16(i)
		}
		data := AppendSetDifficulty(nil, 20, all)
		var got []uint16
		var batches []int
		for len(data) > 0 {
			x, n, err := NextFrame(data)
			if err != nil || n == 0 {
				t.Fatalf("%d: %v", n, err)
			}
			before := len(got)
			exponent, sids, ok := x.SetDifficulty(got)
			if !ok || exponent != 20 {
				t.Fatalf("exponent %d, %v", exponent, ok)
			}
			got, data = sids, data[n:]
			batches = append(batches, len(got)-before)
		}
		if len(batches) != len(want) || len(got) != n {
			t.Fatalf("%d sessions in frames of %v, want %v", n, batches, want)
		}
		for i, sid := range got {
			if int(sid) != i {
				t.Fatalf("session %d is %d", i, sid)
			}
		}
		for i := range want {
			if batches[i] != want[i] {
				t.Errorf("%d sessions in frames of %v, want %v", n, batches, want)
			}
		}
	}
	f(0)
	f(1, 1)
	f(32764, 32764)
	f(32765, 32764, 1)
	f(MaxSID+1, 32764, 32764, 7)
}

func TestAgentStatus(t *testing.T) {
	f := func(s Status, code int, text string) {
		t.Helper()
		if s.Accepted() != (code == 0) || s.Code() != code || s.Text() != text {
			t.Errorf("%d: %v %d %q", s, s.Accepted(), s.Code(), s.Text())
		}
	}
	f(1798084231, 0, "")
	f(950395421, 0, "")
	f(1422486894, 0, "")
	f(1713984938, 0, "")
	f(0, 20, "Rejected by the pool")
	f(21, 21, "Stale or unknown job")
	f(22, 22, "Duplicate share")
	f(23, 23, "Low difficulty share")
	f(24, 24, "Unauthorized worker")
	f(25, 25, "Not subscribed")
	f(31, 20, "Time too old")
	f(32, 20, "Time too new")
	f(33, 20, "Version bits outside the mask")
	f(36, 21, "Job not found")
	f(37, 21, "Stale share")
	f(38, 20, "NiceHash not supported")
	f(1, 20, "Rejected by the pool")
	f(20, 20, "Rejected by the pool")
	f(39, 20, "Rejected by the pool")
	f(400, 20, "Rejected by the pool")
	f(1<<31-1, 20, "Rejected by the pool")
	f(1<<32-1, 20, "Rejected by the pool")
	for s := Status(21); s <= 38; s++ {
		if s.Text() == Reject.Text() {
			t.Errorf("%d has no text of its own", s)
		}
	}
}
