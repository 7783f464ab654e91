package agent

import (
	"bytes"
	"encoding/json"
	"testing"

	"farmproxy/codec"
)

// mustBeJSON fails if what we write is not one line of JSON.
func mustBeJSON(t *testing.T, line []byte) {
	t.Helper()
	if !json.Valid(line) || bytes.IndexByte(line, '\n') != len(line)-1 {
		t.Fatalf("we would write %q", line)
	}
}

// What BTCAgent writes, byte for byte.
func TestAgentHandshake(t *testing.T) {
	f := func(got []byte, want string) {
		t.Helper()
		if string(got) != want+"\n" {
			t.Errorf("\n got %swant %s", got, want)
		}
		mustBeJSON(t, got)
	}
	f(AppendGetCapabilities(nil, "caps"), `{"id":"caps","method":"agent.get_capabilities","params":[["verrol","subres"]]}`)
	f(AppendConfigure(nil, "conf"), `{"id":"conf","method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff","version-rolling.min-bit-count":0}]}`)
	f(AppendSubscribe(nil, "sub", "btccom-agent/2.0.0-mu"), `{"id":"sub","method":"mining.subscribe","params":["btccom-agent/2.0.0-mu"]}`)
	f(AppendAuthorize(nil, "auth", "farm"), `{"id":"auth","method":"mining.authorize","params":["farm",""]}`)
	f(AppendGetCapabilities(nil, "caps_again"), `{"id":"caps_again","method":"agent.get_capabilities","params":[["verrol","subres"]]}`)
}

func TestAgentCapabilitiesReplies(t *testing.T) {
	f := func(c Capabilities, want string) {
		t.Helper()
		id, _ := codec.MakeID(codec.Raw(`"caps"`))
		got := AppendCapabilitiesReply(nil, &id, c)
		if string(got) != `{"id":"caps","result":{"capabilities":`+want+"}}\n" {
			t.Errorf("wrote %s", got)
		}
		var m codec.Message
		if err := codec.NewDecoder().Decode(got[:len(got)-1], &m); err != nil || m.Method != nil || CapabilitiesOf(m.Result) != c {
			t.Errorf("%s is read as %+v, %v", got, CapabilitiesOf(m.Result), err)
		}
	}
	f(Capabilities{true, true}, `["verrol","subres"]`)
	f(Capabilities{true, false}, `["verrol"]`)
	f(Capabilities{false, true}, `["subres"]`)
	f(Capabilities{false, false}, `[]`)
}

func TestAgentCapabilitiesOfAPool(t *testing.T) {
	f := func(result string, want Capabilities) {
		t.Helper()
		if got := CapabilitiesOf(codec.Raw(result)); got != want {
			t.Errorf("%s: %+v", result, got)
		}
	}
	f(`{"capabilities":["verrol"]}`, Capabilities{VersionRolling: true})
	f(`{"version":2,"capabilities":["subres","new",7,null]}`, Capabilities{SubmitResponse: true})
	f(`{"capabilities":"verrol"}`, Capabilities{})
	f(`{"capabilities":{"verrol":true}}`, Capabilities{})
	f(`{}`, Capabilities{})
	f(`["verrol"]`, Capabilities{})
	f(`null`, Capabilities{})
	f(``, Capabilities{})
}

func TestAgentCapabilitiesOfAnAgent(t *testing.T) {
	f := func(rest string, want Capabilities) {
		t.Helper()
		var r codec.Request
		if err := codec.NewDecoder().DecodeRequest([]byte(`{"id":"conn_test","method":"agent.get_capabilities"`+rest+`}`), &r); err != nil {
			t.Fatal(err)
		}
		if r.Method != codec.AgentGetCapabilities || string(r.ID.Append(nil)) != `"conn_test"` {
			t.Errorf("%s: method %d, id %s", rest, r.Method, r.ID.Append(nil))
		}
		if got := Offered(&r); got != want {
			t.Errorf("%s: %+v", rest, got)
		}
	}
	f(`,"params":[["verrol","subres"]]`, Capabilities{true, true})
	f(`,"params":[["verrol"]]`, Capabilities{VersionRolling: true})
	f(`,"params":[["new","subres"],1]`, Capabilities{SubmitResponse: true})
	f(`,"params":[[]]`, Capabilities{})
	f(`,"params":[]`, Capabilities{})
	f(`,"params":["verrol"]`, Capabilities{})
	f(`,"params":null`, Capabilities{})
	f(``, Capabilities{})
}

// FuzzCapabilities feeds lines of agents and of pools: whatever capabilities they
// list, what we write of them is one line of JSON, and is read as the same.
func FuzzCapabilities(f *testing.F) {
	for _, line := range []string{
		`{"id":"caps","method":"agent.get_capabilities","params":[["verrol","subres"]]}`,
		`{"id":"caps","result":{"capabilities":["verrol","subres"]}}`,
		`{"id":null,"method":"mining.subscribe","params":["btccom-agent/1"],"result":{"capabilities":[["subres"],7]}}`,
	} {
		f.Add([]byte(line))
	}
	d := codec.NewDecoder()
	f.Fuzz(func(t *testing.T, line []byte) {
		var r codec.Request
		if d.DecodeRequest(line, &r) == nil {
			From(&r)
			mustBeReadAgain(t, &r.ID, Offered(&r))
		}
		var m codec.Message
		if d.Decode(line, &m) == nil {
			mustBeReadAgain(t, new(codec.ID), CapabilitiesOf(m.Result))
		}
	})
}

func mustBeReadAgain(t *testing.T, id *codec.ID, c Capabilities) {
	t.Helper()
	line := AppendCapabilitiesReply(nil, id, c)
	mustBeJSON(t, line)
	var m codec.Message
	if err := codec.NewDecoder().Decode(line[:len(line)-1], &m); err != nil || CapabilitiesOf(m.Result) != c {
		t.Fatalf("%q is read as %+v, %v", line, CapabilitiesOf(m.Result), err)
	}
}
