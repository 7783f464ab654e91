package proxy

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"farmproxy/config"
)

// gate is a log that nobody reads until it is opened.
type gate struct {
	bytes.Buffer
	opened chan struct{}
}

func (g *gate) Write(b []byte) (int, error) {
	<-g.opened
	return g.Buffer.Write(b)
}

// configured returns the log of a queue, with that configuration.
func configured(q *LogQueue, c config.Log) *slog.Logger {
	q.Configure(c)
	return q.Logger()
}

// The level and the shape hold for loggers that were made before.
func TestTheLogChangesWhileItIsWritten(t *testing.T) {
	var b bytes.Buffer
	q := NewLogQueue(&b)
	log := q.Logger().With("lane", 1).WithGroup("pool").With("name", "main")
	log.Debug("too much")
	log.Info("plain")
	q.Configure(config.Log{Level: "debug", Format: "json"})
	log.Debug("wanted")
	q.Configure(config.Log{Level: "error", Format: "text"})
	log.Warn("too much")
	q.End()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 2 || !strings.HasSuffix(lines[0], `msg=plain lane=1 pool.name=main`) || !strings.HasSuffix(lines[1], `"msg":"wanted","lane":1,"pool":{"name":"main"}}`) {
		t.Errorf("the log:\n%s", b.String())
	}
}

// A log that is not read keeps nobody waiting: what there is no room for is left
// out, counted, and said once the log is read again.
func TestALogThatNobodyReads(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{opened: make(chan struct{})}
				q := NewLogQueue(g)
				log := configured(q, config.Log{Level: "info", Format: format})
				log.Info("first") // the writer stands with it
				synctest.Wait()
				const beyond = 500
				for i := range maxLogLines + beyond {
					log.Info("line", "n", i)
				}
				if n := q.LeftOut(); n != beyond {
					t.Errorf("%d lines are left out, want %d", n, beyond)
				}
				close(g.opened)
				synctest.Wait()
				log.Info("last")
				q.End()
				text := g.String()
				for _, want := range []string{"first", "last", fmt.Sprint(maxLogLines - 1), "log lines were dropped", fmt.Sprint(beyond)} {
					if !strings.Contains(text, want) {
						t.Errorf("the log does not contain %q", want)
					}
				}
				if n := strings.Count(text, "dropped"); n != 1 {
					t.Errorf("it is said %d times", n)
				}
				if n := strings.Count(text, "\n"); n != 1+maxLogLines+1+1 {
					t.Errorf("%d lines", n)
				}
			})
		})
	}
}

// The end waits for the last lines, but not for ever.
func TestTheLogEndsWithItsLastLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		q := NewLogQueue(&b)
		configured(q, config.Log{Level: "info"}).Info("farewell")
		q.End()
		if !strings.Contains(b.String(), "farewell") {
			t.Errorf("the log: %q", b.String())
		}
		g := &gate{opened: make(chan struct{})}
		q = NewLogQueue(g)
		configured(q, config.Log{Level: "info"}).Info("farewell")
		q.End()
		close(g.opened)
	})
}

// The same with a pipe whose reader stands still, as a journal may.
func TestAPipeThatNobodyReads(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	q := NewLogQueue(w)
	log := configured(q, config.Log{Level: "info"})
	for range 4 * maxLogLines {
		log.Info(strings.Repeat("x", 200), slog.Int("n", 1))
	}
	if q.LeftOut() == 0 {
		t.Error("nothing was left out: the test is none")
	}
	go func() { io.Copy(io.Discard, r) }()
	q.End()
	w.Close()
}
