package codec

import "testing"

// What BTCAgent writes, byte for byte.
func TestAgentHandshake(t *testing.T) {
	f := func(got []byte, want string) {
		t.Helper()
		if string(got) != want+"\n" {
			t.Errorf("\n got %swant %s", got, want)
		}
		mustBeJSON(t, got)
	}
	f(AppendAgentCapabilities(nil, "caps"), `{"id":"caps","method":"agent.get_capabilities","params":[["verrol","subres"]]}`)
	f(AppendAgentConfigure(nil, "conf"), `{"id":"conf","method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff","version-rolling.min-bit-count":0}]}`)
	f(AppendAgentSubscribe(nil, "sub", "btccom-agent/2.0.0-mu"), `{"id":"sub","method":"mining.subscribe","params":["btccom-agent/2.0.0-mu"]}`)
	f(AppendAgentAuthorize(nil, "auth", "farm"), `{"id":"auth","method":"mining.authorize","params":["farm",""]}`)
	f(AppendAgentCapabilities(nil, "caps_again"), `{"id":"caps_again","method":"agent.get_capabilities","params":[["verrol","subres"]]}`)
}

func TestAgentCapabilitiesReplies(t *testing.T) {
	f := func(c AgentCapabilities, want string) {
		t.Helper()
		id, _ := MakeID(Raw(`"caps"`))
		got := AppendAgentCapabilitiesReply(nil, &id, c)
		if string(got) != `{"id":"caps","result":{"capabilities":`+want+"}}\n" {
			t.Errorf("wrote %s", got)
		}
		var m Message
		if err := NewDecoder().Decode(got[:len(got)-1], &m); err != nil || m.Method != nil || m.Result.AgentCapabilities() != c {
			t.Errorf("%s is read as %+v, %v", got, m.Result.AgentCapabilities(), err)
		}
	}
	f(AgentCapabilities{true, true}, `["verrol","subres"]`)
	f(AgentCapabilities{true, false}, `["verrol"]`)
	f(AgentCapabilities{false, true}, `["subres"]`)
	f(AgentCapabilities{false, false}, `[]`)
}

func TestAgentCapabilitiesOfAPool(t *testing.T) {
	f := func(result string, want AgentCapabilities) {
		t.Helper()
		if got := Raw(result).AgentCapabilities(); got != want {
			t.Errorf("%s: %+v", result, got)
		}
	}
	f(`{"capabilities":["verrol"]}`, AgentCapabilities{VersionRolling: true})
	f(`{"version":2,"capabilities":["subres","new",7,null]}`, AgentCapabilities{SubmitResponse: true})
	f(`{"capabilities":"verrol"}`, AgentCapabilities{})
	f(`{"capabilities":{"verrol":true}}`, AgentCapabilities{})
	f(`{}`, AgentCapabilities{})
	f(`["verrol"]`, AgentCapabilities{})
	f(`null`, AgentCapabilities{})
	f(``, AgentCapabilities{})
}

func TestAgentCapabilitiesOfAnAgent(t *testing.T) {
	f := func(rest string, want AgentCapabilities) {
		t.Helper()
		r := mustDecode(t, `{"id":"conn_test","method":"agent.get_capabilities"`+rest+`}`)
		if r.Method != AgentGetCapabilities || string(r.ID.Append(nil)) != `"conn_test"` {
			t.Errorf("%s: method %d, id %s", rest, r.Method, r.ID.Append(nil))
		}
		if got := r.AgentCapabilities(); got != want {
			t.Errorf("%s: %+v", rest, got)
		}
	}
	f(`,"params":[["verrol","subres"]]`, AgentCapabilities{true, true})
	f(`,"params":[["verrol"]]`, AgentCapabilities{VersionRolling: true})
	f(`,"params":[["new","subres"],1]`, AgentCapabilities{SubmitResponse: true})
	f(`,"params":[[]]`, AgentCapabilities{})
	f(`,"params":[]`, AgentCapabilities{})
	f(`,"params":["verrol"]`, AgentCapabilities{})
	f(`,"params":null`, AgentCapabilities{})
	f(``, AgentCapabilities{})
}
