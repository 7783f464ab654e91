package top

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	tea "charm.land/bubbletea/v2"

	"farmproxy/api"
)

// question is something to ask again and again, while the answer is on the screen.
type question struct {
	on    view
	every int    // seconds
	past  bool   // it is about the past, which is not always remembered
	path  string // %s: the worker of the view
	take  func(m *model, answer json.RawMessage) error
}

// questions are all of them: what events do not tell.
var questions = []question{
	{on: farmView, every: 2, path: "/api/v1/routes", take: (*model).takeRoutes},
	{on: farmView, every: 60, past: true, path: "/api/v1/history?from=-1h&step=1m", take: takeChart("1 h")},
	{on: farmView, every: 60, past: true, path: "/api/v1/history?from=-24h&step=30m", take: takeChart("24 h")},
	{on: farmView, every: 60, past: true, path: "/api/v1/history?from=-720h&step=12h", take: takeChart("30 d")},
	{on: farmView, every: 4, past: true, path: "/api/v1/events?from=-24h&limit=300", take: (*model).takeEvents},
	{on: workerView, every: 2, path: "/api/v1/workers/%s", take: (*model).takeWorker},
	{on: workerView, every: 60, past: true, path: "/api/v1/history?kind=worker&name=%s&from=-24h&step=30m", take: takeChart("24 h")},
	{on: workerView, every: 60, past: true, path: "/api/v1/history?kind=worker&name=%s&from=-168h&step=24h", take: (*model).takeDays},
	{on: workerView, every: 4, past: true, path: "/api/v1/events?subject=%s&from=-168h&limit=20", take: (*model).takeEvents},
}

// asked is where a question stands.
type asked struct {
	path string // that was asked last; "": the question is not on the screen
	open bool   // the answer is awaited
	wait int    // seconds until it is asked again
	err  error  // why there was no answer
}

// facts are the last answers.
type facts struct {
	routes []api.RouteState
	charts map[string]chart // by their span
	events []api.Event      // the newest first
	worker *api.WorkerDetail
	days   []api.Point
}

// passed counts a second that has passed.
func (m *model) passed() {
	for i := range m.asked {
		m.asked[i].wait--
	}
}

// askDue asks what is on the screen and due. Facts of another view are forgotten.
func (m *model) askDue() tea.Cmd {
	if m.mirror.Farm == nil {
		return nil
	}
	if on := (subject{m.view, m.worker}); on != m.subject {
		m.subject, m.facts = on, facts{}
		clear(m.asked)
	}
	var due []tea.Cmd
	for i, q := range questions {
		a := &m.asked[i]
		if q.on != m.view || q.past && !m.mirror.Farm.Remembers || a.open || a.wait > 0 {
			continue
		}
		a.path, a.open, a.wait = q.pathOf(m.worker), true, q.every
		due = append(due, m.ask(i, a.path))
	}
	return tea.Batch(due...)
}

// subject is what facts are about.
type subject struct {
	view   view
	worker string
}

func (q *question) pathOf(worker string) string {
	if q.on != workerView {
		return q.path
	}
	if path, _, _ := strings.Cut(q.path, "?"); strings.Contains(path, "%s") {
		return fmt.Sprintf(q.path, url.PathEscape(worker))
	}
	return fmt.Sprintf(q.path, url.QueryEscape(worker))
}

// take takes an answer, unless the view that it was for has been left.
func (m *model) take(a answer) {
	is := &m.asked[a.question]
	if !is.open || is.path != a.path {
		return
	}
	is.open, is.err = false, a.err
	if a.err == nil {
		is.err = questions[a.question].take(m, a.text)
	}
}

// unanswered is why a question on the screen has no answer; nil: all have.
func (m *model) unanswered() error {
	for _, a := range m.asked {
		if a.err != nil {
			return a.err
		}
	}
	return nil
}

// read decodes an answer.
func read(answer json.RawMessage, into any) error {
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("an answer that cannot be read: %w; is the running farmproxy of the same version?", err)
	}
	return nil
}

func (m *model) takeRoutes(answer json.RawMessage) error {
	var a api.Routes
	err := read(answer, &a)
	m.facts.routes = a.Routes
	return err
}

func (m *model) takeEvents(answer json.RawMessage) error {
	var a api.Events
	err := read(answer, &a)
	m.facts.events = a.Events
	return err
}

func (m *model) takeWorker(answer json.RawMessage) error {
	d := new(api.WorkerDetail)
	err := read(answer, d)
	m.facts.worker = d
	return err
}

func (m *model) takeDays(answer json.RawMessage) error {
	var a api.History
	err := read(answer, &a)
	m.facts.days = a.Points
	return err
}

// takeChart takes the steps of a span of time.
func takeChart(span string) func(*model, json.RawMessage) error {
	return func(m *model, answer json.RawMessage) error {
		var c chart
		err := read(answer, &c)
		if m.facts.charts == nil {
			m.facts.charts = make(map[string]chart)
		}
		m.facts.charts[span] = c
		return err
	}
}
