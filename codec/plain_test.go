package codec

import (
	"reflect"
	"testing"
)

// A plain line reads the same as with sonic; any other is left to sonic.
func TestPlain(t *testing.T) {
	f := func(line string, plain bool) {
		t.Helper()
		d := NewDecoder()
		if got := d.members.plain([]byte(line)); got != plain {
			t.Errorf("%s: plain is %v", line, got)
		}
		if !plain {
			return
		}
		got := d.members
		if err := d.decode([]byte(line)); err != nil || !reflect.DeepEqual(got, d.members) {
			t.Errorf("%s: got %s, with sonic %s, %v", line, got, d.members, err)
		}
	}
	const yes, no = true, false
	f(`{"id":5,"method":"mining.submit","params":["farm.rig1","1f","00000001","5e9c1b2a","a0b1c2d3","00002000"]}`, yes)
	f(`{"params": ["farm.rig1", "1f", "00", "5e9c1b2a", "a0b1c2d3"], "id": "7", "method": "mining.submit"}`, yes)
	f(`{ "id" : 0 , "method" : "mining.ping" , "params" : [ ] } `, yes)
	f(`{"id":5,"result":true,"error":null}`, yes)
	f(`{"reject-reason":"Above target","result":false,"error":[23,"low",null],"id":3}`, yes)
	f(`{"id":1,"result":false`, no)
	f(`{"id":1,"result":false,`, no)
	f(`{"id":1,"result":fals}`, no)
	f(`{"id":1,"result":falsey}`, no)
	f(`{"id":1,"result":[1,]}`, no)
	f(`{"id":1,"result":[1 2]}`, no)
	f(`{"id":1,"result":[`, no)
	f(`{"id":1,"result":"a`, no)
	f(`{"id":1,"result":true}}`, no)
	f(`{"id":1,"result":true,}`, no)
	f(`{"id":1 "result":true}`, no)
	f(`{"id" 1}`, no)
	f(`{"id":}`, no)
	f(`{"id"`, no)
	f(`{"id":01,"result":true}`, no)
	f(`{"id":-1,"result":true}`, no)
	f(`{"id":1.5,"result":true}`, no)
	f(`{"id":1,"id":2,"result":true}`, no)
	f(`{"id":1,"result":true,"jsonrpc":"2.0"}`, no)
	f(`{"id":1,"result":[["mining.notify"]]}`, no)
	f(`{"id":1,"result":{}}`, no)
	f(`{"id":1,"result":"a\u0062"}`, no)
	f("{\"id\":1,\"result\":\"a\x01\"}", no)
	f("{\"id\":1,\"result\":\"\u00e9\"}", no)
	f(`{}`, no)
	f(`{`, no)
}
