package store

import (
	"context"
	"database/sql"
	"strings"
)

const (
	// DefaultPerPage and MaxPerPage count items on a page of a list: one answer must
	// not take the memory of the whole registry.
	DefaultPerPage = 100
	MaxPerPage     = 1000
	// maxPage keeps the offset within the integers of databases.
	maxPage = 1 << 40
)

// Filter selects items of a list. The zero value is the first page of all.
type Filter struct {
	Pool      string // for accounts: host:port
	User      string // for accounts: the pool's name for it, case-sensitive
	Algorithm string // for pools: name or alias
	Search    string // part of any text of an item, ignoring case
	Page      int    // from 1; 0 is 1
	PerPage   int    // 1..MaxPerPage; 0 is DefaultPerPage
}

// Page is a part of a list.
type Page[T any] struct {
	Items   []T
	Total   int // items on all pages
	Page    int // from 1
	PerPage int
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(into ...any) error }

// query is a SELECT in the making.
type query struct {
	table, columns, order string
	conditions            []string
	args                  []any
}

func (q *query) where(condition string, args ...any) {
	q.conditions = append(q.conditions, condition)
	q.args = append(q.args, args...)
}

// search requires that text is part of one of the columns.
func (q *query) search(text string, columns ...string) {
	if text == "" {
		return
	}
	pattern := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(text)) + "%"
	var any []string
	for _, column := range columns {
		any = append(any, "LOWER("+column+") LIKE ? ESCAPE '!'")
		q.args = append(q.args, pattern)
	}
	q.conditions = append(q.conditions, "("+strings.Join(any, " OR ")+")")
}

// list returns a page of q's results.
func list[T any](ctx context.Context, s *Store, f Filter, q query, scan func(scanner) (T, error)) (Page[T], error) {
	p := Page[T]{Page: min(max(f.Page, 1), maxPage), PerPage: f.PerPage}
	if p.PerPage <= 0 {
		p.PerPage = DefaultPerPage
	}
	p.PerPage = min(p.PerPage, MaxPerPage)
	from := " FROM " + q.table
	if len(q.conditions) > 0 {
		from += " WHERE " + strings.Join(q.conditions, " AND ")
	}
	err := s.read(ctx, func(t *transaction) error {
		p.Items = []T{}
		if err := t.row("SELECT COUNT(*)"+from, q.args, &p.Total); err != nil {
			return err
		}
		page := append(append([]any(nil), q.args...), p.PerPage, (p.Page-1)*p.PerPage)
		return t.rows(func(r *sql.Rows) error {
			item, err := scan(r)
			p.Items = append(p.Items, item)
			return err
		}, "SELECT "+q.columns+from+" ORDER BY "+q.order+" LIMIT ? OFFSET ?", page...)
	})
	return p, err
}
