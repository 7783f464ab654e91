package session_test

import (
	"fmt"
	"time"

	"farmproxy/codec"
	"farmproxy/session"
)

// The handshake of a miner. What the session can't decide it requests through an
// effect, and the caller answers before the next call.
func ExampleSession_Step() {
	terms := session.Terms{SubscribeTimeout: 15 * time.Second, AuthorizeTimeout: time.Minute, MalformedLimit: 10}
	env := session.Env{Terms: &terms}
	var miner session.Session
	decoder := codec.NewDecoder()

	for _, line := range []string{
		`{"id":1,"method":"mining.subscribe","params":["cgminer/4.12"]}`,
		`{"id":2,"method":"mining.authorize","params":["farm.rig1","x"]}`,
		`{"id":3,"method":"mining.submit","params":["farm.rig1","1","0000","6553f100","deadbeef"]}`,
	} {
		var request codec.Request
		if err := decoder.DecodeRequest([]byte(line), &request); err != nil {
			fmt.Println(err)
			return
		}
		out, effect := miner.Step(&env, &request, nil)
		switch effect.Kind {
		case session.WantSubscribe:
			out = miner.Subscribed(&env, &request, 1, []byte{0xf5, 0x0e}, 4, out)
		case session.WantAuthorize:
			out = miner.Authorized(&env, &request, effect.Login, 0, out)
		}
		fmt.Printf("%s", out)
	}
	// Output:
	// {"id":1,"result":[[["mining.set_difficulty","0000000000000001"],["mining.notify","0000000000000001"]],"f50e",4],"error":null}
	// {"id":2,"result":true,"error":null}
	// {"id":3,"result":null,"error":[21,"Job not found",null]}
}
