package wire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// The frames in the protocol's document, with its wrong lengths corrected.
func TestFrames(t *testing.T) {
	f := func(name string, got []byte, want string) {
		t.Helper()
		if hex.EncodeToString(got) != want {
			t.Errorf("%s: got %x, want %s", name, got, want)
		}
	}
	s := AgentShare{Job: 169, Session: 0x1122, Extranonce2: 0x11223344, Nonce: 0xaabbccdd}
	timed, versioned := s, s
	timed.HasTime, timed.NTime = true, 1472015056
	versioned.HasVersion, versioned.Flips = true, 0x00120000
	both := timed
	both.HasVersion, both.Flips = true, versioned.Flips

	f("register", RegisterFrame(0x1122, "cgminer", "s1099"), "7f011400221163676d696e657200733130393900")
	f("unregister", UnregisterFrame(0x1122), "7f0406002211")
	f("submit", s.Frame(), "7f020f00a9221144332211ddccbbaa")
	f("submit with time", timed.Frame(), "7f031300a9221144332211ddccbbaad02abd57")
	f("submit with version", versioned.Frame(), "7f121300a9221144332211ddccbbaa00001200")
	f("submit with both", both.Frame(), "7f131700a9221144332211ddccbbaad02abd5700001200")
	f("difficulty", DifficultyFrames(13, []uint16{0x1122, 0x3344}), "7f050b000d020022114433")
	f("response", ResponseFrame(0x0102, StatusAccept), "7f100a00020187962c6b")

	for _, want := range []AgentShare{s, timed, versioned, both} {
		if got, ok := Frame(want.Frame()).Submit(); !ok || got != want {
			t.Errorf("read back as %+v, %v; want %+v", got, ok, want)
		}
	}
	if session, agent, worker, ok := Frame(RegisterFrame(7, "bmminer", "a.b")).Register(); session != 7 || agent != "bmminer" || worker != "a.b" || !ok {
		t.Errorf("register: %d %q %q %v", session, agent, worker, ok)
	}
	if exponent, sessions, ok := Frame(DifficultyFrames(5, []uint16{1, 0xfffe})).SetDifficulty(); exponent != 5 || !slices.Equal(sessions, []uint16{1, 0xfffe}) || !ok {
		t.Errorf("difficulty: %d %v %v", exponent, sessions, ok)
	}
	if index, status, ok := Frame(ResponseFrame(9, 23)).Response(); index != 9 || status != 23 || !ok {
		t.Errorf("response: %d %d %v", index, status, ok)
	}
}

// A frame is accepted only if its size is exact.
func TestFramesOfAnotherSizeAreNone(t *testing.T) {
	f := func(text string) {
		t.Helper()
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		var ok bool
		switch Frame(raw).Command() {
		case FrameRegister:
			_, _, _, ok = Frame(raw).Register()
		case FrameUnregister:
			_, ok = Frame(raw).Unregister()
		case FrameSetDifficulty:
			_, _, ok = Frame(raw).SetDifficulty()
		case FrameResponse:
			_, _, ok = Frame(raw).Response()
		default:
			_, ok = Frame(raw).Submit()
		}
		if ok {
			t.Errorf("%s was taken", text)
		}
	}
	f("7f020e00a9221144332211ddccbb")
	f("7f021000a9221144332211ddccbbaa00")
	f("7f120f00a9221144332211ddccbbaa") // as the document prints it
	f("7f131300a9221144332211ddccbbaad02abd57")
	f("7f0407002211ff")
	f("7f050b000d030022114433")
	f("7f100900020187962c")
	f("7f0107000000ff")
	f("7f0109000100616200")                  // no second name
	f("7f016500" + strings.Repeat("61", 97)) // longer than a pool accepts
	f("7f010b00010061006200ff")              // extra bytes after the names
	if n := len(RegisterFrame(1, strings.Repeat("a", 90), strings.Repeat("w", 90))); n != frameMost {
		t.Errorf("long names make a frame of %d bytes, want %d", n, frameMost)
	}
}

func TestDifficultyFramesAreSplit(t *testing.T) {
	sessions := make([]uint16, AgentSessions)
	for i := range sessions {
		sessions[i] = uint16(i)
	}
	in := bufio.NewReader(bytes.NewReader(DifficultyFrames(1, sessions)))
	var got []uint16
	for frames := 0; ; frames++ {
		f, err := ReadFrame(in)
		if err == io.EOF && frames > 1 {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		_, some, ok := f.SetDifficulty()
		if !ok {
			t.Fatalf("frame %d of %d bytes can't be read", frames, len(f))
		}
		got = append(got, some...)
	}
	if !slices.Equal(got, sessions) {
		t.Errorf("%d sessions came back, want %d", len(got), len(sessions))
	}
}

func TestReadFrame(t *testing.T) {
	f := func(text string, want error) {
		t.Helper()
		raw, _ := hex.DecodeString(text)
		if _, err := ReadFrame(bufio.NewReader(bytes.NewReader(raw))); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", text, err, want)
		}
	}
	f("7f0406002211", nil)
	f("7f0403002211", ErrFrameStalls)
	f("7f04060022", io.EOF)
	f("7f", io.EOF)
	f("7f04ffff00", io.ErrUnexpectedEOF)
}
