package upstream

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"farmproxy/codec"
)

// linesOf feeds a stream in pieces of size bytes, and returns its lines; of those
// that are too long their length.
func linesOf(t *testing.T, s *stream, data string, size int) (got []string) {
	t.Helper()
	for piece := range slices.Chunk([]byte(data), size) {
		piece = slices.Clone(piece)
		s.feed(piece)
		for {
			line, tooLong, ok := s.line()
			if !ok {
				break
			}
			if tooLong > 0 {
				line = fmt.Append(nil, tooLong)
			}
			got = append(got, string(line))
		}
		s.keep()
		clear(piece)
		if cap(s.buf) > 3*codec.MaxPoolLine {
			t.Fatalf("the buffer has grown to %d bytes", cap(s.buf))
		}
	}
	return got
}

func TestLongLinesArePassedOver(t *testing.T) {
	longest := strings.Repeat("x", codec.MaxPoolLine)
	f := func(data string, want ...string) {
		t.Helper()
		for _, size := range []int{1000, 4096, 1 << 20} {
			got := linesOf(t, new(stream), data, size)
			if strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("in pieces of %d: %d lines, the first %.20q; want %d", size, len(got), got, len(want))
			}
		}
	}
	f(longest+"\n{1}\n", longest, "{1}")
	f(longest+"x\n{1}\n", fmt.Sprint(codec.MaxPoolLine+1), "{1}")
	f("{1}\n"+strings.Repeat(longest, 20)+"\n{2}\n", "{1}", fmt.Sprint(20*codec.MaxPoolLine), "{2}")
	f(strings.Repeat(longest, 20)) // without an end
}

// What a long line has made the buffer grow to is given back.
func TestTheBufferOfALongLineIsGivenBack(t *testing.T) {
	var s stream
	linesOf(t, &s, strings.Repeat("x", codec.MaxPoolLine)+"\n{1}\n", 1000)
	equal(t, "the buffer is small again", cap(s.buf) <= keptBuffer, true)
}

// What comes whole is cut where it lies.
func TestWholeLinesAreNotCopied(t *testing.T) {
	var s stream
	linesOf(t, &s, "{1}\n{2}\n", 100)
	equal(t, "buffer", cap(s.buf), 0)
	linesOf(t, &s, "{3", 100)
	equal(t, "the half of a line is kept", string(s.buf), "{3")
}

// bigJob is a notify of about that many bytes.
func bigJob(id string, bytes int) string {
	return strings.Replace(notify(id, true), `"ffffffff"`, `"`+strings.Repeat("ab", bytes/2)+`"`, 1)
}

// Before the link is up a goroutine reads, and a loop afterwards.
func TestAJobOfEachSizeInTheHandshake(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		var log bytes.Buffer
		f.o.Log = slog.New(slog.NewTextHandler(&log, nil))
		f.pools[0].jobless = true
		f.start()
		c := f.pools[0].last()
		c.say(bigJob("too-long", codec.MaxPoolLine))
		c.say(bigJob("too-long", codec.MaxPoolLine))
		c.say(bigJob("long", 200<<10))
		f.after(time.Second)
		f.wantOn("a")
		f.wantTold("long!")
		equal(t, "connections", f.pools[0].dialled(), 1)
		equal(t, "times said", strings.Count(log.String(), "a line that is too long"), 1)
		wantPart(t, "log", log.String(), fmt.Sprintf("bytes=%d limit=%d", len(bigJob("too-long", codec.MaxPoolLine)), codec.MaxPoolLine))
	})
}

// What came together with the first job, before a loop carries the link, waits for
// nothing else that comes.
func TestWhatCameWithTheFirstJob(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		f.pools[0].jobless = true
		f.start()
		f.pools[0].last().out <- `{"id":null,"method":"mining.set_difficulty","params":[1024]}` + "\n" + notify("1", true) + "\n" + notify("2", false) + "\n"
		f.after(time.Millisecond)
		equal(t, "the last job", f.latest().Job.PoolID, `"2"`)
	})
}

func TestALongLineOnALoop(t *testing.T) {
	c, _, _, _ := onWire(t)
	c.protocol.told = true
	long := []byte(bigJob("7", codec.MaxPoolLine) + "\n" + bigJob("8", codec.MaxPoolLine))
	for len(long) > 0 {
		n := min(len(long), 1<<16)
		if err := c.Received(time.Now(), long[:n]); err != nil {
			t.Fatal(err)
		}
		long = long[n:]
	}
	// Inside such a line a byte that a frame could begin with is no frame.
	for _, piece := range []string{"\x7f\x01\x01\x00", "\n", bigJob("9", 200<<10)[:1000], bigJob("9", 200<<10)[1000:] + "\n"} {
		if err := c.Received(time.Now(), []byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "the job", c.protocol.job.PoolID, `"9"`)
	equal(t, "malformed", c.book.Malformed.Load(), 2)
}

// A line that never ends is no line: it would keep a core busy.
func TestALineWithoutAnEnd(t *testing.T) {
	c, _, _, _ := onWire(t)
	c.protocol.told = true
	piece := bytes.Repeat([]byte{'x'}, 1<<20)
	piece[0] = '{'
	for passed := 0; passed <= maxPassed+2*len(piece); passed += len(piece) {
		if err := c.Received(time.Now(), piece); err != nil {
			if passed < maxPassed {
				t.Errorf("given up after %d bytes: %v", passed, err)
			}
			equal(t, "the reason", err, errEndless)
			return
		}
	}
	t.Error("it goes on for ever")
}

// Once jobs come, a line that is no message at all is one malformed line like others.
func TestAStrayLineOnAWorkingLink(t *testing.T) {
	inFarm(t, "a", func(f *farm) {
		l := f.start().lane()
		first := l.serving
		for range maxMalformed {
			f.pools[0].lane().say("null")
		}
		f.after(time.Second)
		equal(t, "the link", l.serving, first)
		equal(t, "malformed", first.book.Malformed.Load(), maxMalformed)
		f.pools[0].lane().say("null")
		f.after(time.Second)
		equal(t, "one too many ends it", l.serving != first, true)
	})
}
