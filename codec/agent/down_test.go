package agent

import (
	"strings"
	"testing"

	"farmproxy/codec"
	"farmproxy/work"
)

func TestWhoIsAnAgent(t *testing.T) {
	d := codec.NewDecoder()
	f := func(line string, want bool) {
		t.Helper()
		var r codec.Request
		if err := d.DecodeRequest([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if got := From(&r); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
	f(`{"id":"conn_test","method":"agent.get_capabilities","params":[["verrol"]]}`, true)
	f(`{"id":1,"method":"mining.subscribe","params":["btccom-agent/1.0.0-mu"]}`, true)
	f(`{"id":1,"method":"mining.subscribe","params":["btccom-agent"]}`, false)
	f(`{"id":1,"method":"mining.subscribe","params":["cgminer/4.10"]}`, false)
	f(`{"id":1,"method":"mining.subscribe","params":[]}`, false)
	f(`{"id":1,"method":"mining.configure","params":[]}`, false)
}

func TestAFramesSizeIsKnownFromItsHeader(t *testing.T) {
	f := func(data string, size int, ok bool) {
		t.Helper()
		if s, is := FrameSize([]byte(data)); s != size || is != ok {
			t.Errorf("%q: %d, %v", data, s, is)
		}
	}
	f("\x7f\x02\x0f", 0, true)
	f("\x7f\x02\x0f\x00", 15, true)
	f("\x7f\x02\x00\x01 and more", 256, true)
	f("\x7f\x02\x03\x00", 3, false)
	f("\x7f\x02\x04\x00", 4, true)
}

func TestAFramesShareIsKnownByItsSessionAndIndex(t *testing.T) {
	f := func(sid, index uint16) {
		t.Helper()
		id := ShareID(sid, index)
		if s, i := ShareOf(&id); s != sid || i != index {
			t.Errorf("%s is read as %d, %d", id.Append(nil), s, i)
		}
	}
	f(0, 0)
	f(0, 7)
	f(1, 0)
	f(0xfffe, 0xffff)
}

func TestAnAgentsNotify(t *testing.T) {
	n := &work.Template{Coinb1: []byte{0xc1, 0xc1}, Coinb2: []byte{0xc2}, Version: 0x20000000, NBits: 0x170371b1}
	line := codec.NewNotifyLine(0x2a, n, []byte{1, 2, 3, 4, 5, 0, 0})
	f := func(job uint8, cut int, head string) {
		t.Helper()
		got := string(AppendNotify(nil, &line, job, cut, 0x65df9900, true))
		want := head + `","c2",[],"20000000","170371b1","65df9900",true]}` + "\n"
		if !strings.HasPrefix(got, `{"id":null,"method":"mining.notify","params":["`) || !strings.HasSuffix(got, want) {
			t.Errorf("%s\nwant … %s", got, want)
		}
	}
	zeros := strings.Repeat("00", 32)
	f(0, 6, `["0","`+zeros+`","c1c101`)
	f(255, 6, `["255","`+zeros+`","c1c101`)
	f(7, 0, `["7","`+zeros+`","c1c10102030405`+"0000")
	f(7, 7, `["7","`+zeros+`","c1c1`)
}
