package tap

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestATapKeepsTheLastMessages(t *testing.T) {
	tap := New(4)
	now := time.Now()
	tap.Add(now, true, []byte("{1}\n{2}\n"))
	tap.Add(now, false, []byte("{3}"))
	list, missed, next := tap.Since(0)
	if got := texts(list); got != ">{1} >{2} <{3}" || missed != 0 {
		t.Errorf("%s, %d missed", got, missed)
	}
	for i := range 6 {
		tap.Add(now, false, fmt.Appendf(nil, "{%d}", 4+i))
	}
	list, missed, next = tap.Since(next)
	if got := texts(list); got != "<{6} <{7} <{8} <{9}" || missed != 2 {
		t.Errorf("%s, %d missed", got, missed)
	}
	if list, missed, _ = tap.Since(next); len(list) > 0 || missed != 0 {
		t.Errorf("%s, %d missed", texts(list), missed)
	}
	if list, missed, _ = (*Tap)(nil).Since(0); list != nil || missed != 0 {
		t.Error("nil keeps something")
	}
	(*Tap)(nil).Add(now, true, []byte("{}"))
}

func texts(list []Message) string {
	var all []string
	for _, m := range list {
		all = append(all, map[bool]string{true: ">", false: "<"}[m.Sent]+string(m.Text))
	}
	return strings.Join(all, " ")
}

// A message that was given out does not change when the ring goes round.
func TestMessagesAreCopies(t *testing.T) {
	tap := New(1)
	tap.Add(time.Now(), true, []byte("{first}"))
	list, _, _ := tap.Since(0)
	tap.Add(time.Now(), true, []byte("{other}"))
	if string(list[0].Text) != "{first}" {
		t.Errorf("%s", list[0].Text)
	}
}

// Add allocates nothing once the ring has gone round.
func TestAddAllocatesNothing(t *testing.T) {
	tap, line, now := New(8), []byte(`{"id":1,"method":"mining.submit","params":["farm.rig","1","00000001","65000000","00000001"]}`+"\n"), time.Now()
	for range 8 {
		tap.Add(now, true, line)
	}
	if n := testing.AllocsPerRun(100, func() { tap.Add(now, true, line) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// No message shows a password, however the line is spelled or cut.
func TestSecretsAreHidden(t *testing.T) {
	long := `{"id":3,"method":"mining.authorize","params":["` + strings.Repeat("n", maxMessage) + `","hunter2"]}`
	for _, q := range []struct{ line, want string }{
		{`{"id":3,"method":"mining.authorize","params":["farm.rig","hunter2"]}`, `{"id":3,"method":"mining.authorize","params":["farm.rig","(hidden)"]}`},
		{`{"params":["farm.rig","hunter2","hunter2"],"extra":"hunter2","method":"Mining.Authorize","id":"x"}`, `{"id":"x","method":"Mining.Authorize","params":["farm.rig","(hidden)","(hidden)"]}`},
		{`{"id":3,"Method":"mining.authorize","PARAMS":["farm.rig","hunter2"]}`, `{"id":3,"method":"mining.authorize","params":["farm.rig","(hidden)"]}`},
		{`{"id":3,"method":"mining.\u0061uthorize","params":["farm.rig","hunter2"]}`, `{"id":3,"method":"mining.\u0061uthorize","params":["farm.rig","(hidden)"]}`},
		{`{"id":3,"method":"mining.authorize","params":{"user":"farm","password":"hunter2"}}`, `{"id":3,"method":"mining.authorize","params":"(hidden)"}`},
		{`{"id":3,"method":"mining.submit","method":"mining.authorize","params":["farm.rig","hunter2"]}`, `(a line that may have a password in it)`},
		{`{"id":3,"method":"mining.authorize","params":["farm.rig","hunter2"]`, `(a line that may have a password in it)`},
		{`{"id":3,"method":"mining.\u0061uthorize","params":["farm.rig","hunter2"`, `(a line that may have a password in it)`},
		{long, `(a line that may have a password in it) ... (572 bytes)`},
		{`{"id":4,"result":false,"error":[24,"Unauthorized worker",null]}`, `{"id":4,"result":false,"error":[24,"Unauthorized worker",null]}`},
		{`{"id":4,"result":false,"error":[24,"wrong password s3cret for s3cret",null]}`, `{"id":4,"result":false,"error":[24,"wrong password (hidden) for (hidden)",null]}`},
		{`{"id":5,"method":"mining.submit","params":["farm.rig","1","0000","65000000","00000001"]}`, `{"id":5,"method":"mining.submit","params":["farm.rig","1","0000","65000000","00000001"]}`},
		{"{\"id\":5,\x1b[2J\r", "{\"id\":5,\uFFFD[2J\uFFFD"},
		{"\x7f\x02\x0c\x00", "7f020c00"},
		{"", ""},
	} {
		m := Message{Text: []byte(q.line)[:min(len(q.line), maxMessage)], Size: len(q.line)}
		if got := m.Show("s3cret"); got != q.want || strings.Contains(got, "hunter2") {
			t.Errorf("%.90s\ngot  %s\nwant %s", q.line, got, q.want)
		}
	}
}
