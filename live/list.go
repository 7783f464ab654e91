package live

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// rowSize is what a row usually takes, in bytes.
const rowSize = 128

// list writes rows, one after the other, as JSON. With 10,000 of them, whatever is made for
// one has to be collected 10,000 times; so nothing is.
type list struct {
	text bytes.Buffer
	next int           // where the first row begins
	json *json.Encoder // writes to text
	is   row           // that is being written

	all, often []any // its fields
}

// newList returns a list with room for so many rows.
func newList(rows int) *list {
	l := new(list)
	l.text.Grow(rows * rowSize)
	l.json = json.NewEncoder(&l.text)
	l.all, l.often = l.is.all(), l.is.often()
	return l
}

// addNew adds a worker whose row has to be sent as a whole.
func (l *list) addNew(t *told, w *Worker) {
	l.is = row{
		name: w.Name, group: w.Group, pool: w.Pool, account: w.Account, listener: w.Listener, agent: w.Agent,
		address: w.address(), usual: round(w.Usual),
	}
	l.add(t, &l.all)
}

// addChange adds a worker of which only what often changes has to be sent, or nothing but its
// hash rate.
func (l *list) addChange(t *told, what news) {
	if what != newRate {
		l.add(t, &l.often)
		return
	}
	l.separate()
	text := append(l.text.AvailableBuffer(), '[')
	text = append(strconv.AppendUint(text, uint64(t.id), 10), ',')
	text = strconv.AppendFloat(text, round(t.rate), 'g', -1, 64) // 1.11e+14: shorter than JSON's encoder
	l.text.Write(append(text, ']'))
}

// separate ends the row before, if there is one.
func (l *list) separate() {
	if l.text.Len() > l.next {
		l.text.WriteByte(',')
	}
}

func (l *list) add(t *told, fields *[]any) {
	l.is.id, l.is.rate, l.is.state, l.is.reject, l.is.since = t.id, round(t.rate), t.state, t.reject, t.since
	l.separate()
	if l.json.Encode(fields) == nil { // it always is: numbers are finite
		l.text.Truncate(l.text.Len() - 1) // the end of the line
	}
}

// difference is what differs from the event before.
type difference struct {
	fresh, changed *list
	gone           []uint32
}

// event returns the event that begins so.
func (d *difference) event(head []byte) []byte {
	for _, x := range []struct {
		name string
		list *list
	}{{"new", d.fresh}, {"change", d.changed}} {
		if text := x.list.text.Bytes(); len(text) > 0 {
			head = append(head, `,"`+x.name+`":[`...)
			head = append(append(head, text...), ']')
		}
	}
	if len(d.gone) > 0 {
		gone, _ := json.Marshal(d.gone)
		head = append(append(head, `,"gone":`...), gone...)
	}
	return append(head, '}')
}

// round returns a number with three digits that count: what follows is noise.
func round(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	var text [32]byte
	r, _ := strconv.ParseFloat(string(strconv.AppendFloat(text[:0], v, 'g', 3, 64)), 64)
	return r
}
