package agent

import "farmproxy/codec"

// The JSON half of the agent protocol: how an agent introduces itself, byte for byte
// as BTCAgent does. Its ids are strings, which identify the answers; they must be
// plain, as must agent and user.

// Capabilities are what agent and pool support beyond AGENT.md; each side lists its
// own.
type Capabilities struct {
	VersionRolling bool // "verrol": SUBMIT with a version
	SubmitResponse bool // "subres": SUBMIT_RESPONSE; btcpool sends it only if asked for after the answer to authorize
}

// AppendGetCapabilities asks for the pool's capabilities, and lists all of ours.
func AppendGetCapabilities(dst []byte, id string) []byte {
	return append(appendRequest(dst, id, "agent.get_capabilities"), "[\"verrol\",\"subres\"]]}\n"...)
}

// AppendConfigure asks for version rolling with the largest mask.
func AppendConfigure(dst []byte, id string) []byte {
	return append(appendRequest(dst, id, "mining.configure"),
		"[\"version-rolling\"],{\"version-rolling.mask\":\"ffffffff\",\"version-rolling.min-bit-count\":0}]}\n"...)
}

// AppendSubscribe subscribes. btcpool treats the connection as an agent's only if
// agent begins with "btccom-agent/"; it keeps 30 bytes of it.
func AppendSubscribe(dst []byte, id, agent string) []byte {
	dst = append(appendRequest(dst, id, "mining.subscribe"), '"')
	dst = append(dst, agent...)
	return append(dst, "\"]}\n"...)
}

// AppendAuthorize authorizes the sub-account user, without a password.
func AppendAuthorize(dst []byte, id, user string) []byte {
	dst = append(appendRequest(dst, id, "mining.authorize"), '"')
	dst = append(dst, user...)
	return append(dst, "\",\"\"]}\n"...)
}

func appendRequest(dst []byte, id, method string) []byte {
	dst = append(dst, `{"id":"`...)
	dst = append(dst, id...)
	dst = append(dst, `","method":"`...)
	dst = append(dst, method...)
	return append(dst, `","params":[`...)
}

// AppendCapabilitiesReply answers agent.get_capabilities as btcpool does:
// without an error member.
func AppendCapabilitiesReply(dst []byte, id *codec.ID, c Capabilities) []byte {
	dst = append(codec.AppendResultHead(dst, id), `{"capabilities":[`...)
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

// CapabilitiesOf reads the result of agent.get_capabilities: none if the pool lists
// none.
func CapabilitiesOf(result codec.Raw) (c Capabilities) {
	result.Members(func(key []byte, value codec.Raw) bool {
		if string(key) == "capabilities" {
			c = capabilities(value)
		}
		return true
	})
	return c
}

// Offered reads the params of agent.get_capabilities: none if the agent lists none.
func Offered(r *codec.Request) Capabilities { return capabilities(r.Params[0]) }

func capabilities(r codec.Raw) (c Capabilities) {
	var list [codec.MaxParams]codec.Raw
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
