package upstream

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"farmproxy/codec"
)

// chunks is a reader that hands out data in pieces of size bytes.
type chunks struct {
	data string
	size int
}

func (c *chunks) Read(b []byte) (int, error) {
	if c.data == "" {
		return 0, io.EOF
	}
	n := copy(b, c.data[:min(c.size, len(c.data))])
	c.data = c.data[n:]
	return n, nil
}

func TestLongLinesArePassedOver(t *testing.T) {
	longest := strings.Repeat("x", codec.MaxPoolLine)
	f := func(data string, want ...string) {
		t.Helper()
		for _, size := range []int{1000, 4096, 1 << 20} {
			var s stream
			var got []string
			from := &chunks{data, size}
			for {
				line, err := s.line(from)
				if err == io.EOF {
					break
				} else if err != nil {
					got = append(got, fmt.Sprint(int(err.(longLine))))
				} else {
					got = append(got, string(line))
				}
				if len(s.buf) > 2*codec.MaxPoolLine {
					t.Fatalf("the buffer has grown to %d bytes", len(s.buf))
				}
			}
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
	from := &chunks{strings.Repeat("x", codec.MaxPoolLine) + "\n{1}\n", 1000}
	for range 2 {
		if _, err := s.line(from); err != nil {
			t.Fatal(err)
		}
	}
	s.line(from)
	equal(t, "the buffer is small again", len(s.buf) <= keptBuffer, true)
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
		equal(t, "times said", strings.Count(log.String(), "too long a line"), 1)
		wantPart(t, "log", log.String(), fmt.Sprintf("bytes=%d limit=%d", len(bigJob("too-long", codec.MaxPoolLine)), codec.MaxPoolLine))
	})
}

func TestALongLineOnALoop(t *testing.T) {
	c, _, _, _ := onWire(t)
	c.told = true
	long := []byte(bigJob("7", codec.MaxPoolLine) + "\n" + bigJob("8", codec.MaxPoolLine))
	for len(long) > 0 {
		n := min(len(long), 1<<16)
		if err := c.Received(long[:n]); err != nil {
			t.Fatal(err)
		}
		long = long[n:]
	}
	// Inside such a line a byte that a frame could begin with is no frame.
	for _, piece := range []string{"\x7f\x01\x01\x00", "\n", bigJob("9", 200<<10)[:1000], bigJob("9", 200<<10)[1000:] + "\n"} {
		if err := c.Received([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "the job", c.job.PoolID, `"9"`)
	equal(t, "malformed", c.book.Malformed.Load(), 2)
}
