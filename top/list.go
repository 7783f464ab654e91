package top

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"farmproxy/live"
)

// list is the workers as the user wants to see them.
type list struct {
	all     map[uint32]*live.Seen
	shown   []*live.Seen // that match, in order
	longest []int        // of workerColumns, of those shown: characters
	up      int          // of those shown
	rate    float64      // of those shown, H/s
	order   int          // of workerColumns
	back    bool         // the other way round
	filter  string
	typing  bool // the filter is being typed
	trouble bool // only those that are not up

	at     int    // the row that is chosen
	id     uint32 // its worker, whom the choice follows
	follow bool   // false: the first row is chosen, whoever that is
	first  int    // row on the screen
}

// take takes the workers as they are now.
func (l *list) take(all map[uint32]*live.Seen) {
	l.all = all
	l.arrange()
}

// afresh arranges for another wish: the first row is chosen.
func (l *list) afresh() {
	l.at, l.follow = 0, false
	l.arrange()
}

// arrange finds and sorts what is shown.
func (l *list) arrange() {
	words := strings.Fields(strings.ToLower(l.filter))
	l.shown, l.up, l.rate = l.shown[:0], 0, 0
	for _, w := range l.all {
		if l.trouble && w.State == live.Up || !matches(w, words) {
			continue
		}
		l.shown = append(l.shown, w)
		l.rate += w.HashRate
		if w.State == live.Up {
			l.up++
		}
	}
	l.measure()
	compare := workerColumns[l.order].compare
	slices.SortFunc(l.shown, func(a, b *live.Seen) int {
		n := compare(a, b)
		if l.back {
			n = -n
		}
		return cmp.Or(n, cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	if at := slices.IndexFunc(l.shown, func(w *live.Seen) bool { return w.ID == l.id }); l.follow && at >= 0 {
		l.at = at
	}
	l.move(0)
}

// measure finds how wide the columns are whose texts others have chosen.
func (l *list) measure() {
	l.longest = make([]int, len(workerColumns))
	for i, c := range workerColumns {
		if c.of == nil {
			continue
		}
		for _, w := range l.shown {
			l.longest[i] = max(l.longest[i], utf8.RuneCountInString(c.of(w)))
		}
	}
}

// matches reports whether each word is in what a worker is called by.
func matches(w *live.Seen, words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := strings.ToLower(strings.Join([]string{w.Name, w.Group, w.Pool, w.Account, w.Address, w.Agent}, " "))
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}

// chosen returns the worker that is chosen; nil: there is none.
func (l *list) chosen() *live.Seen {
	if len(l.shown) == 0 {
		return nil
	}
	return l.shown[l.at]
}

// move chooses a row further down, or up.
func (l *list) move(rows int) {
	l.at = max(min(l.at+rows, len(l.shown)-1), 0)
	l.follow = l.at > 0
	if w := l.chosen(); w != nil {
		l.id = w.ID
	}
}

// window returns the rows that are on a screen of so many.
func (l *list) window(rows int) []*live.Seen {
	l.first = max(min(l.first, l.at, len(l.shown)-rows), l.at-rows+1, 0)
	return l.shown[l.first:min(l.first+rows, len(l.shown))]
}

// sortBy sorts by a column further on: numbers from the largest down.
func (l *list) sortBy(step int) {
	n := len(workerColumns)
	l.order = (l.order + step + n) % n
	l.back = workerColumns[l.order].right
	l.afresh()
}

func (l *list) reverse() {
	l.back = !l.back
	l.afresh()
}

func (l *list) onlyTrouble(is bool) {
	l.trouble = is
	l.afresh()
}

// maxFilter bounds what is typed as a filter: a worker's name.
const maxFilter = 256

func (l *list) filterBy(text string) {
	if len(text) <= maxFilter {
		l.filter = text
		l.afresh()
	}
}

// typed takes a key while the filter is typed.
func (l *list) typed(key, text string) {
	switch key {
	case "enter", "tab", "up", "down":
		l.typing = false
	case "esc":
		l.typing = false
		l.filterBy("")
	case "backspace":
		_, n := utf8.DecodeLastRuneInString(l.filter)
		l.filterBy(l.filter[:len(l.filter)-n])
	case "ctrl+u", "ctrl+w":
		l.filterBy("")
	default:
		l.filterBy(l.filter + text)
	}
}
