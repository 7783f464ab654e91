package top

import (
	"encoding/json"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"farmproxy/live"
)

// What a model is told, beside keys and the size of the terminal.
type (
	heard  json.RawMessage     // an event
	lost   struct{ err error } // no more events for now, and why
	second struct{}            // one has passed
	answer struct {
		question int
		path     string // that was asked
		text     json.RawMessage
		err      error
	}
)

// ask makes a command whose message is the answer to a path.
type ask func(question int, path string) tea.Cmd

// view is what is shown.
type view int

const (
	farmView view = iota
	workersView
	groupsView
	workerView
	keysView
)

// model is everything that is shown, and where the user is.
type model struct {
	ask           ask
	width, height int
	view, before  view // before: where keysView goes back to
	scroll        int  // first line of a view that is no list

	mirror  live.Mirror
	quiet   int   // seconds without an event
	trouble error // why no events come; nil: they do
	failed  error // there was never anything to show

	list   list
	worker string // whose view it is

	asked   []asked // of questions
	facts   facts
	subject subject // of them
}

func newModel(a ask) *model {
	return &model{ask: a, asked: make([]asked, len(questions))}
}

func (m *model) Init() tea.Cmd { return aSecond() }

func aSecond() tea.Cmd {
	return tea.Tick(time.Second, func(time.Time) tea.Msg { return second{} })
}

// Update takes a message, and returns what is to be asked because of it.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case heard:
		if m.trouble = m.mirror.Take(msg); m.trouble == nil {
			m.quiet = 0
			m.list.take(m.mirror.Workers)
		}
		return m, m.askDue()
	case lost:
		m.trouble = msg.err
		if m.mirror.Farm == nil {
			m.failed = msg.err
			return m, tea.Quit
		}
	case second:
		m.quiet++
		m.passed()
		return m, tea.Batch(aSecond(), m.askDue())
	case answer:
		m.take(msg)
	case tea.PasteMsg:
		if m.list.typing {
			m.list.filterBy(m.list.filter + strings.Join(strings.Fields(msg.Content), " "))
		}
	case tea.KeyPressMsg:
		cmd := m.key(msg)
		return m, tea.Batch(cmd, m.askDue())
	}
	return m, nil
}

// late is after how many seconds without an event a screen is out of date: they come every
// 2 s, and the page says so after as many.
const late = 6

// now is the time on the farm's clock.
func (m *model) now() time.Time { return m.mirror.At.Add(time.Duration(m.quiet) * time.Second) }

// goTo shows another view, from its beginning.
func (m *model) goTo(v view) {
	m.view, m.scroll = v, 0
}

// View is the screen.
func (m *model) View() tea.View {
	v := tea.NewView(strings.Join(m.screen(), "\n"))
	v.AltScreen = true
	v.WindowTitle = "farmproxy top"
	return v
}
