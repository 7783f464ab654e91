package bench

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

// The frames of the protocol's document, with the lengths put right that it has
// wrong.
func TestFrames(t *testing.T) {
	f := func(name string, got []byte, want string) {
		t.Helper()
		if hex.EncodeToString(got) != want {
			t.Errorf("%s: got %x, want %s", name, got, want)
		}
	}
	s := agentShare{job: 169, session: 0x1122, extranonce2: 0x11223344, nonce: 0xaabbccdd}
	timed, versioned := s, s
	timed.hasTime, timed.ntime = true, 1472015056
	versioned.hasVersion, versioned.flips = true, 0x00120000
	both := timed
	both.hasVersion, both.flips = true, versioned.flips

	f("register", registerFrame(0x1122, "cgminer", "s1099"), "7f011400221163676d696e657200733130393900")
	f("unregister", unregisterFrame(0x1122), "7f0406002211")
	f("submit", s.frame(), "7f020f00a9221144332211ddccbbaa")
	f("submit with time", timed.frame(), "7f031300a9221144332211ddccbbaad02abd57")
	f("submit with version", versioned.frame(), "7f121300a9221144332211ddccbbaa00001200")
	f("submit with both", both.frame(), "7f131700a9221144332211ddccbbaad02abd5700001200")
	f("difficulty", difficultyFrames(13, []uint16{0x1122, 0x3344}), "7f050b000d020022114433")
	f("response", responseFrame(0x0102, statusAccept), "7f100a00020187962c6b")

	for _, want := range []agentShare{s, timed, versioned, both} {
		if got, ok := frame(want.frame()).submit(); !ok || got != want {
			t.Errorf("read back as %+v, %v; want %+v", got, ok, want)
		}
	}
	if session, agent, worker, ok := frame(registerFrame(7, "bmminer", "a.b")).register(); session != 7 || agent != "bmminer" || worker != "a.b" || !ok {
		t.Errorf("register: %d %q %q %v", session, agent, worker, ok)
	}
	if exponent, sessions, ok := frame(difficultyFrames(5, []uint16{1, 0xfffe})).setDifficulty(); exponent != 5 || !slices.Equal(sessions, []uint16{1, 0xfffe}) || !ok {
		t.Errorf("difficulty: %d %v %v", exponent, sessions, ok)
	}
	if index, status, ok := frame(responseFrame(9, 23)).response(); index != 9 || status != 23 || !ok {
		t.Errorf("response: %d %d %v", index, status, ok)
	}
}

// A frame is taken only when its size is exact.
func TestFramesOfAnotherSizeAreNone(t *testing.T) {
	f := func(text string) {
		t.Helper()
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		var ok bool
		switch frame(raw).command() {
		case frameRegister:
			_, _, _, ok = frame(raw).register()
		case frameUnregister:
			_, ok = frame(raw).unregister()
		case frameSetDifficulty:
			_, _, ok = frame(raw).setDifficulty()
		case frameResponse:
			_, _, ok = frame(raw).response()
		default:
			_, ok = frame(raw).submit()
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
	f("7f016500" + strings.Repeat("61", 97)) // longer than a pool takes
	f("7f010b00010061006200ff")              // something behind the names
	if n := len(registerFrame(1, strings.Repeat("a", 90), strings.Repeat("w", 90))); n != frameMost {
		t.Errorf("long names make a frame of %d bytes, want %d", n, frameMost)
	}
}

func TestDifficultyFramesAreSplit(t *testing.T) {
	sessions := make([]uint16, agentSessions)
	for i := range sessions {
		sessions[i] = uint16(i)
	}
	in := bufio.NewReader(bytes.NewReader(difficultyFrames(1, sessions)))
	var got []uint16
	for frames := 0; ; frames++ {
		f, err := readFrame(in)
		if err == io.EOF && frames > 1 {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		_, some, ok := f.setDifficulty()
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
		if _, err := readFrame(bufio.NewReader(bytes.NewReader(raw))); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", text, err, want)
		}
	}
	f("7f0406002211", nil)
	f("7f0403002211", errFrameStalls)
	f("7f04060022", io.EOF)
	f("7f", io.EOF)
	f("7f04ffff00", io.ErrUnexpectedEOF)
}
