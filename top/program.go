package top

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
)

// ErrNoTerminal means that there is nothing to show a screen on.
var ErrNoTerminal = errors.New("top needs a terminal: farmproxy status, pools and workers print once")

// again is the pause before farmproxy is asked again that did not answer: it restarts
// within a second.
const again = time.Second

// Run shows the farm until the user has seen enough, or ctx ends; both are no error. What is
// wrong before there is anything to show is one.
func Run(ctx context.Context, s Source, in io.Reader, out io.Writer) error {
	if f, is := out.(*os.File); !is || !term.IsTerminal(f.Fd()) {
		return ErrNoTerminal
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newModel(asker(ctx, s))
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	go follow(ctx, s, p.Send)
	_, err := p.Run()
	switch {
	case m.failed != nil:
		return m.failed
	case errors.Is(err, context.Canceled):
		return nil
	}
	return err
}

// follow passes on what the farm tells, and begins again whenever that has ended.
func follow(ctx context.Context, s Source, tell func(tea.Msg)) {
	for ctx.Err() == nil {
		err := s.Live(ctx, func(event json.RawMessage) error {
			tell(heard(event))
			return ctx.Err()
		})
		tell(lost{err})
		select {
		case <-time.After(again):
		case <-ctx.Done():
		}
	}
}

// answerTime bounds a question to farmproxy: what it reads from a busy disk may take 10 s.
const answerTime = 15 * time.Second

// asker returns what makes a command of a path, whose message is the answer.
func asker(ctx context.Context, s Source) ask {
	return func(question int, path string) tea.Cmd {
		return func() tea.Msg {
			ctx, cancel := context.WithTimeout(ctx, answerTime)
			defer cancel()
			text, err := s.Get(ctx, path)
			return answer{question, path, text, err}
		}
	}
}
