package agent

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// The oracle: the bodies as specified in AGENT.md, for encoding/binary to read. A body
// is valid if nothing is left after reading it.

type oracleHeader struct {
	Magic, Command uint8
	Length         uint16
}

type oracleShare struct {
	Job                uint8
	SID                uint16
	Extranonce2, Nonce uint32
}

// oracleRead fills each of into from body, and reports whether that consumed all of
// it.
func oracleRead(body []byte, into ...any) bool {
	r := bytes.NewReader(body)
	for _, v := range into {
		if binary.Read(r, binary.LittleEndian, v) != nil {
			return false
		}
	}
	return r.Len() == 0
}

// oracleBytes writes a frame with the given values.
func oracleBytes(command Command, values ...any) []byte {
	var body bytes.Buffer
	for _, v := range values {
		if err := binary.Write(&body, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	var all bytes.Buffer
	if err := binary.Write(&all, binary.LittleEndian, oracleHeader{Magic, uint8(command), uint16(4 + body.Len())}); err != nil {
		panic(err)
	}
	return append(all.Bytes(), body.Bytes()...)
}

// FuzzFrame feeds a stream that begins with a frame.
func FuzzFrame(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v))
	}
	f.Add(AppendSubmitResponse(nil, 65535, Solved))
	f.Add(AppendRegister(nil, MaxSID, strings.Repeat("a", 99), "w"))
	f.Add(AppendSetDifficulty(nil, 63, make([]uint16, 300)))
	f.Add([]byte("\x7f\x01\x20\x00\x22\x11cgminer\x00s1099\x00"))
	f.Add([]byte("\x7f\x04\x03\x00\x22\x11"))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = append([]byte{Magic}, data[min(1, len(data)):]...) // ensured by the stream's reader
		x, n, err := NextFrame(data)
		var header oracleHeader
		whole := binary.Read(bytes.NewReader(data), binary.LittleEndian, &header) == nil
		switch length := int(header.Length); {
		case whole && length < 4:
			if err == nil {
				t.Fatalf("%x: the length %d is taken", data, length)
			}
			return
		case !whole || length > len(data):
			if err != nil || n != 0 || x != nil {
				t.Fatalf("%x: %d, %v, want to wait", data, n, err)
			}
			return
		case err != nil || n != length || !bytes.Equal(x, data[:length]):
			t.Fatalf("%x: %d, %v, want %d", data, n, err, length)
		}
		if x.Command() != Command(header.Command) {
			t.Fatalf("%x: command %d", x, x.Command())
		}
		checkRegister(t, x)
		checkUnregister(t, x)
		checkSubmit(t, x)
		checkSetDifficulty(t, x)
		checkSubmitResponse(t, x)
	})
}

func checkRegister(t *testing.T, x Frame) {
	t.Helper()
	var want uint16
	var names []string
	r := bytes.NewBuffer(x[4:])
	good := x.Command() == Register && binary.Read(r, binary.LittleEndian, &want) == nil && want != 0xffff
	for good && r.Len() > 0 {
		name, err := r.ReadString(0)
		good = err == nil
		names = append(names, strings.TrimSuffix(name, "\x00"))
	}
	good = good && len(names) == 2
	sid, agent, worker, ok := x.Register()
	if ok != good || ok && (sid != want || string(agent) != names[0] || string(worker) != names[1]) {
		t.Fatalf("%x: REGISTER %d %q %q %v, want %d %q %v", x, sid, agent, worker, ok, want, names, good)
	}
	if !ok {
		return
	}
	again := AppendRegister(nil, sid, string(agent), string(worker))
	clean := len(x) <= 100 && Name(names[1]) == names[1] && !strings.ContainsFunc(names[0], func(r rune) bool { return r < ' ' || r > '~' })
	if len(again) > 100 || clean != bytes.Equal(again, x) {
		t.Fatalf("%x is written as %x", x, again)
	}
	if _, _, _, ok := Frame(again).Register(); !ok {
		t.Fatalf("we would write %x", again)
	}
}

func checkUnregister(t *testing.T, x Frame) {
	t.Helper()
	var want uint16
	good := x.Command() == Unregister && oracleRead(x[4:], &want) && want != 0xffff
	sid, ok := x.Unregister()
	if ok != good || ok && sid != want {
		t.Fatalf("%x: UNREGISTER %d %v, want %d %v", x, sid, ok, want, good)
	}
	if ok {
		mustWrite(t, x, AppendUnregister(nil, sid), oracleBytes(Unregister, want))
	}
}

func checkSubmit(t *testing.T, x Frame) {
	t.Helper()
	var base oracleShare
	var ntime, mask uint32
	fields := map[Command][]any{
		Submit:            {&base},
		SubmitTime:        {&base, &ntime},
		SubmitVersion:     {&base, &mask},
		SubmitTimeVersion: {&base, &ntime, &mask},
	}[x.Command()]
	good := fields != nil && oracleRead(x[4:], fields...) && base.SID != 0xffff
	s, ok := x.Submit()
	if ok != good || !ok && s != (Share{}) {
		t.Fatalf("%x: SUBMIT %+v %v, want %v", x, s, ok, good)
	}
	if !ok {
		return
	}
	want := Share{Job: base.Job, SID: base.SID, Extranonce2: base.Extranonce2, Nonce: base.Nonce, NTime: ntime, VersionMask: mask,
		HasTime: slices.Contains(fields, any(&ntime)), HasVersion: slices.Contains(fields, any(&mask))}
	if s != want {
		t.Fatalf("%x: SUBMIT %+v, want %+v", x, s, want)
	}
	mustWrite(t, x, AppendSubmit(nil, &s), oracleBytes(x.Command(), fields...))
}

func checkSetDifficulty(t *testing.T, x Frame) {
	t.Helper()
	var want struct {
		Exponent uint8
		Count    uint16
	}
	var list []uint16
	good := x.Command() == SetDifficulty && len(x) >= 7 && oracleRead(x[4:7], &want)
	if good {
		list = make([]uint16, want.Count)
		good = oracleRead(x[7:], list) && want.Exponent < 64
	}
	exponent, sids, ok := x.SetDifficulty(nil)
	if ok != good || !ok && sids != nil || ok && (exponent != want.Exponent || !slices.Equal(sids, list)) {
		t.Fatalf("%x: SET_DIFF %d %x %v, want %d %x %v", x, exponent, sids, ok, want.Exponent, list, good)
	}
	if !ok {
		return
	}
	if len(list) == 0 {
		x = x[:0] // without sessions there is no frame
		mustWrite(t, x, AppendSetDifficulty(nil, exponent, sids), nil)
		return
	}
	mustWrite(t, x, AppendSetDifficulty(nil, exponent, sids), oracleBytes(SetDifficulty, want, list))
}

func checkSubmitResponse(t *testing.T, x Frame) {
	t.Helper()
	var want struct {
		Index  uint16
		Status uint32
	}
	good := x.Command() == SubmitResponse && oracleRead(x[4:], &want)
	index, status, ok := x.SubmitResponse()
	if ok != good || ok && (index != want.Index || uint32(status) != want.Status) {
		t.Fatalf("%x: SUBMIT_RESPONSE %d %d %v, want %+v %v", x, index, status, ok, want, good)
	}
	if ok {
		mustWrite(t, x, AppendSubmitResponse(nil, index, status), oracleBytes(SubmitResponse, want))
		if status.Accepted() != (status.Code() == 0) || status.Accepted() != (status.Text() == "") {
			t.Fatalf("status %d: %d %q", status, status.Code(), status.Text())
		}
	}
}

// mustWrite fails unless what was read from x is written as x, both by us and by the
// oracle.
func mustWrite(t *testing.T, x Frame, ours, oracles []byte) {
	t.Helper()
	if !bytes.Equal(ours, x) || !bytes.Equal(oracles, x) {
		t.Fatalf("%x is written as %x, by the oracle as %x", x, ours, oracles)
	}
}
