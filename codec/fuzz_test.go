package codec

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"testing"
	"unicode/utf8"

	"farmproxy/work"
)

// seeds feeds a fuzz target with the recorded sessions, cut into their params, and
// with messages that firmwares and pools are known to send.
func seeds(f *testing.F, method string, params string) {
	data, err := os.ReadFile("../work/testdata/stratum.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Vectors []map[string]json.RawMessage `json:"stratum_v1"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		f.Fatal(err)
	}
	for _, v := range file.Vectors {
		var compact bytes.Buffer
		if err := json.Compact(&compact, v[params]); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(`{"id":5,"method":"` + method + `","params":` + compact.String() + `}`))
	}
	for _, line := range []string{
		`{"id":1,"method":"mining.configure","params":[["version-rolling","info"],{"version-rolling.mask":"ffffffff","version-rolling.min-bit-count":"2"}]}`,
		`{"id":2,"method":"mining.subscribe","params":["bosminer",null,"host",null]}`,
		`{"id":3,"method":"mining.authorize","params":["farm.rig1","",{"x":[1,2]}],"ttl":2}`,
		`{"id":4,"method":"mining.suggest_difficulty","params":[1e3]}`,
		`{"params":[1000],"id":3,"method":"mining.set_difficulty"}`,
		`{"id":"7","result":[[["mining.notify","703d5a17"]],"703d5a17",4],"jsonrpc":"2.0"}`,
		`{"id":1,"error":[21,"x",null],"result":null}`,
		`{"id":1,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"},"error":null}`,
		`{"id":"caps","method":"agent.get_capabilities","params":[["verrol","subres"]]}`,
		`{"id":"caps","result":{"capabilities":["verrol","subres"]}}`,
		`{"reject-reason":"Above target","result":false,"error":null,"id":3}`,
		`{"id":null,"method":"client.reconnect","params":["a.b",1,2]}`,
		"{\"id\":1,\"method\":\"\\u006dining.ping\",\"params\":[\"\\ud83d\\ude00\"]}",
		"{\"id\":1,\"method\":\"mining.ping\",\"p\\ude0a\":[]}",
		`{"id":3,"method":"mining.authorize","params":["farm.ri\1",""]}`,
		`{"id":1,"id":2,"method":"a","METHOD":"b","result":{}}`,
	} {
		f.Add([]byte(line))
	}
}

// want is encoding/json's reading of a line: the members by their exact names, the
// last of equal ones. Bytes that are not UTF-8 are Latin-1, or the first half of a GBK
// character whose second may be a backslash.
func want(line []byte) (members map[string]json.RawMessage, ok bool) {
	for _, gbk := range []bool{false, true} {
		members = nil
		if json.Unmarshal(asUTF8(line, gbk), &members) == nil && members != nil {
			return members, true
		}
	}
	return nil, false
}

func asUTF8(line []byte, gbk bool) []byte {
	var text []rune
	for len(line) > 0 {
		r, size := utf8.DecodeRune(line)
		if r == utf8.RuneError && size == 1 {
			r = rune(line[0])
			if gbk && len(line) > 1 && line[1] == '\\' {
				text, size = append(text, r, '\\'), 2
				r = '\\'
			}
		}
		text, line = append(text, r), line[size:]
	}
	return []byte(string(text))
}

// surrogate is an escaped half of a surrogate pair. sonic rejects a member name with a
// lone one; encoding/json replaces it. No real member name contains any.
var surrogate = regexp.MustCompile(`\\u[dD][89a-fA-F]`)

// same reports whether two pieces of JSON have the same value. Numbers are compared as they
// are written: a float64 has no 1e400.
func same(a Raw, b json.RawMessage) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	x, okX := value(a)
	y, okY := value(b)
	return okX && okY && reflect.DeepEqual(x, y)
}

func value(b []byte) (v any, ok bool) {
	if !json.Valid(b) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	err := d.Decode(&v)
	return v, err == nil
}

// checkMessage compares a decoded message with what encoding/json says.
func checkMessage(t *testing.T, line []byte, m *Message, err error) (decoded bool) {
	t.Helper()
	members, valid := want(line)
	if err != nil {
		if e := err.(*Error); valid && line[0] == '{' && e.Kind != TooDeep && e != errNotMessage && !surrogate.Match(line) {
			t.Fatalf("%q: %v, but encoding/json takes it", line, err)
		}
		return false
	}
	if !valid {
		t.Fatalf("%q: taken, but encoding/json refuses it", line)
	}
	for name, got := range map[string]Raw{"id": m.ID, "params": m.Params, "result": m.Result, "error": m.Error, "reject-reason": m.Reason} {
		if !same(got, members[name]) {
			t.Fatalf("%q: %s is %q, want %q", line, name, got, members[name])
		}
	}
	var method string
	if m.Method != nil && (json.Unmarshal(members["method"], &method) != nil || method != string(m.Method)) {
		t.Fatalf("%q: method is %q, want %q", line, m.Method, members["method"])
	}
	return true
}

// checkArray compares a split array, and each string and number in it.
func checkArray(t *testing.T, raw Raw) {
	t.Helper()
	var got [MaxParams]Raw
	n := raw.Array(got[:])
	var elements []json.RawMessage
	if !raw.IsArray() || json.Unmarshal(raw, &elements) != nil {
		elements = nil
	}
	if n != min(len(elements), MaxParams) {
		t.Fatalf("%q has %d elements, want %d", raw, n, len(elements))
	}
	for i, e := range got[:n] {
		if !same(e, elements[i]) {
			t.Fatalf("%q: element %d is %q, want %q", raw, i, e, elements[i])
		}
		var text string
		isText := json.Unmarshal(elements[i], &text) == nil && e[0] == '"'
		if s, ok := e.String(); ok != isText || ok && string(s) != text {
			t.Fatalf("%q: string %q, %v, want %q, %v", e, s, ok, text, isText)
		}
		checkObject(t, e)
	}
}

func checkObject(t *testing.T, raw Raw) {
	t.Helper()
	var members map[string]json.RawMessage
	if !raw.IsObject() || json.Unmarshal(raw, &members) != nil {
		members = nil
	}
	got := map[string]Raw{}
	raw.Members(func(key []byte, value Raw) bool {
		got[string(key)] = value
		return true
	})
	if len(got) != len(members) {
		t.Fatalf("%q has members %q, want %q", raw, got, members)
	}
	for key, value := range got {
		if !same(value, members[key]) {
			t.Fatalf("%q: %q is %q, want %q", raw, key, value, members[key])
		}
	}
}

// FuzzDecode feeds miners' lines.
func FuzzDecode(f *testing.F) {
	seeds(f, "mining.submit", "submit_params")
	d := NewDecoder()
	f.Fuzz(func(t *testing.T, line []byte) {
		var m Message
		if !checkMessage(t, line, &m, d.Decode(line, &m)) {
			return
		}
		checkArray(t, m.Params)
		var r Request
		if d.DecodeRequest(line, &r) != nil {
			return
		}
		if m.Method != nil && m.ID != nil && !same(r.ID.Append(nil), json.RawMessage(m.ID)) {
			t.Fatalf("%q: id %s", line, r.ID.Append(nil))
		}
		if p, ok := r.Configure(); ok {
			mustBeJSON(t, AppendConfigured(nil, &r.ID, &p, p.Mask))
		}
		r.Submit()
		r.Subscribe()
		if p, ok := r.Authorize(); ok {
			mustBeJSON(t, AppendPoolAuthorize(nil, 1, CleanName(p.Login), string(p.Password)))
		}
	})
}

// FuzzPoolLine feeds pools' lines.
func FuzzPoolLine(f *testing.F) {
	seeds(f, "mining.notify", "notify_params")
	d := NewDecoder()
	f.Fuzz(func(t *testing.T, line []byte) {
		var m Message
		if !checkMessage(t, line, &m, d.Decode(line, &m)) {
			return
		}
		checkArray(t, m.Params)
		checkArray(t, m.Result)
		checkObject(t, m.Result)
		if n, err := m.Params.Notify(); err == nil {
			line := NewNotifyLine(1, &n.Template, []byte{1, 2})
			mustBeJSON(t, AppendNotify(nil, &line, 2, n.NTime, n.Clean))
			mustBeJSON(t, AppendPoolSubmit(nil, 1, &PoolShare{User: "u", Job: &work.Job{PoolID: n.JobID}, Solution: new(work.Solution)}))
		}
		if s, err := m.Result.Subscription(); err == nil {
			mustBeJSON(t, AppendPoolSubscribe(nil, 1, "farmproxy", s.Session))
		}
		if e, ok := m.Error.PoolError(); ok {
			var id ID
			mustBeJSON(t, AppendError(nil, &id, e.Code, e.Text))
		}
		m.Result.VersionMask()
		m.Params.Extranonce(4)
		m.Params.Hex()
		m.Params.Number()
		m.Params.Reconnect()
		m.ID.RequestID()
		mustBeJSON(t, AppendShowMessage(nil, m.Params.Text()))
	})
}

// mustBeJSON fails if what we write is not one line of JSON.
func mustBeJSON(t *testing.T, line []byte) {
	t.Helper()
	if !json.Valid(line) || bytes.IndexByte(line, '\n') != len(line)-1 {
		t.Fatalf("we would write %q", line)
	}
}
