package codec

// The JSON half of the agent protocol: how an agent introduces itself, byte
// for byte as BTCAgent does. Its ids are strings, by which the answers are
// told apart; they must be plain, as must agent and user.

// AgentCapabilities are what agent and pool can do beyond AGENT.md; each
// side lists its own.
type AgentCapabilities struct {
	VersionRolling bool // "verrol": SUBMIT with a version
	SubmitResponse bool // "subres": SUBMIT_RESPONSE; btcpool sends it only when asked after authorize was answered
}

// AppendAgentCapabilities asks for what the pool can do, and says that we can
// do all of it.
func AppendAgentCapabilities(dst []byte, id string) []byte {
	return append(appendAgentRequest(dst, id, "agent.get_capabilities"), "[\"verrol\",\"subres\"]]}\n"...)
}

// AppendAgentConfigure asks for version rolling with the largest mask.
func AppendAgentConfigure(dst []byte, id string) []byte {
	return append(appendAgentRequest(dst, id, "mining.configure"),
		"[\"version-rolling\"],{\"version-rolling.mask\":\"ffffffff\",\"version-rolling.min-bit-count\":0}]}\n"...)
}

// AppendAgentSubscribe subscribes. btcpool takes the connection for an agent
// only when agent begins with "btccom-agent/"; it keeps 30 bytes of it.
func AppendAgentSubscribe(dst []byte, id, agent string) []byte {
	dst = append(appendAgentRequest(dst, id, "mining.subscribe"), '"')
	dst = append(dst, agent...)
	return append(dst, "\"]}\n"...)
}

// AppendAgentAuthorize authorizes the sub-account user, without a password.
func AppendAgentAuthorize(dst []byte, id, user string) []byte {
	dst = append(appendAgentRequest(dst, id, "mining.authorize"), '"')
	dst = append(dst, user...)
	return append(dst, "\",\"\"]}\n"...)
}

func appendAgentRequest(dst []byte, id, method string) []byte {
	dst = append(dst, `{"id":"`...)
	dst = append(dst, id...)
	dst = append(dst, `","method":"`...)
	dst = append(dst, method...)
	return append(dst, `","params":[`...)
}

// AppendAgentCapabilitiesReply answers agent.get_capabilities as btcpool does:
// without an error member.
func AppendAgentCapabilitiesReply(dst []byte, id *ID, c AgentCapabilities) []byte {
	dst = append(appendResultHead(dst, id), `{"capabilities":[`...)
	if c.VersionRolling {
		dst = append(dst, `"verrol"`...)
	}
	if c.VersionRolling && c.SubmitResponse {
		dst = append(dst, ',')
	}
	if c.SubmitResponse {
		dst = append(dst, `"subres"`...)
	}
	return append(dst, "]}}\n"...)
}

// AgentCapabilities reads the result of agent.get_capabilities: none where
// the pool's answer has none.
func (r Raw) AgentCapabilities() (c AgentCapabilities) {
	r.Members(func(key []byte, value Raw) bool {
		if string(key) == "capabilities" {
			c = value.agentCapabilities()
		}
		return true
	})
	return c
}

// AgentCapabilities reads the params of agent.get_capabilities: none where the
// agent listed none.
func (r *Request) AgentCapabilities() AgentCapabilities {
	return r.Params[0].agentCapabilities()
}

func (r Raw) agentCapabilities() (c AgentCapabilities) {
	var list [MaxParams]Raw
	for _, e := range list[:r.Array(list[:])] {
		switch name, _ := e.String(); string(name) {
		case "verrol":
			c.VersionRolling = true
		case "subres":
			c.SubmitResponse = true
		}
	}
	return c
}
