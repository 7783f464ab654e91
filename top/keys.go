package top

import (
	tea "charm.land/bubbletea/v2"
)

// key does what a key says.
func (m *model) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.String()
	switch name {
	case "ctrl+c":
		return tea.Quit
	case "ctrl+z":
		return tea.Suspend
	}
	if m.list.typing {
		m.list.typed(name, k.Text)
		return nil
	}
	switch name {
	case "q":
		return tea.Quit
	case "?", "h", "f1":
		if m.view != keysView {
			m.before = m.view
			m.goTo(keysView)
		}
	case "1":
		m.goTo(farmView)
	case "2":
		m.goTo(workersView)
	case "3":
		m.goTo(groupsView)
	case "tab":
		m.next()
	case "/":
		m.goTo(workersView)
		m.list.typing = true
	case "esc", "backspace", "left":
		m.back(name == "esc")
	default:
		if m.view == workersView {
			m.listKey(name)
		} else {
			m.scrollKey(name)
		}
	}
	return nil
}

// next shows the next of the views in the title.
func (m *model) next() {
	switch m.view {
	case farmView:
		m.goTo(workersView)
	case workersView, workerView:
		m.goTo(groupsView)
	default:
		m.goTo(farmView)
	}
}

// back leaves a view; in the list of workers, Esc takes the filter away.
func (m *model) back(escape bool) {
	switch m.view {
	case keysView:
		m.goTo(m.before)
	case workerView:
		m.goTo(workersView)
	case workersView:
		if escape {
			m.list.filterBy("")
			m.list.onlyTrouble(false)
		}
	}
}

// listKey does what a key says in the list of workers.
func (m *model) listKey(name string) {
	l, rows := &m.list, m.listRows()
	switch name {
	case "enter", "right":
		if w := l.chosen(); w != nil {
			m.worker = w.Name
			m.goTo(workerView)
		}
	case "up", "k":
		l.move(-1)
	case "down", "j":
		l.move(1)
	case "pgup", "ctrl+b":
		l.move(-rows)
	case "pgdown", "space", "ctrl+f":
		l.move(rows)
	case "home", "g":
		l.move(-len(l.shown))
	case "end", "G":
		l.move(len(l.shown))
	case "s":
		l.sortBy(1)
	case "S":
		l.sortBy(-1)
	case "r":
		l.reverse()
	case "t":
		l.onlyTrouble(!l.trouble)
	}
}

// scrollKey does what a key says in the other views; screen keeps scroll within them.
func (m *model) scrollKey(name string) {
	rows := m.bodyRows()
	switch name {
	case "up", "k":
		m.scroll--
	case "down", "j":
		m.scroll++
	case "pgup", "ctrl+b":
		m.scroll -= rows
	case "pgdown", "space", "ctrl+f":
		m.scroll += rows
	case "home", "g":
		m.scroll = 0
	case "end", "G":
		m.scroll = 1 << 30 // cut by screen
	}
}

// keys are explained by keysView.
var keys = [][2]string{
	{"1, 2, 3, Tab", "the farm, the workers, the groups"},
	{"↑ ↓ PgUp PgDn Home End", "move; also k j, g G"},
	{"Enter, Esc", "a worker's detail, and back"},
	{"/", "filter the workers by words of their name, group, pool, account, address or firmware"},
	{"Esc", "take the filter away"},
	{"t", "only workers that are not up"},
	{"s, S", "sort by the next column, by the one before"},
	{"r", "sort the other way round"},
	{"Ctrl-Z", "suspend; fg comes back"},
	{"q, Ctrl-C", "end"},
}
