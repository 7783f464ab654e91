package api

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"farmproxy/store"
)

const (
	// maxPerPage bounds one answer to half a megabyte.
	maxPerPage     = store.MaxPerPage
	defaultPerPage = store.DefaultPerPage

	// maxText is the length of the longest name stored.
	maxText = 256
)

// paging says which part of a list an answer is.
type paging struct {
	Total   int `json:"total"` // matches, on all pages
	Page    int `json:"page"`
	PerPage int `json:"per_page"`
}

func makePaging[T any](p store.Page[T]) paging { return paging{p.Total, p.Page, p.PerPage} }

// parameter is a text parameter of a query, and its destination.
type parameter struct {
	key  string
	into *string
}

// listQuery reads the query parameters of a store list.
func listQuery(ctx *fasthttp.RequestCtx, f *store.Filter, texts []parameter) error {
	f.Page, f.PerPage = 1, defaultPerPage
	return readQuery(ctx.QueryArgs(), &f.Page, &f.PerPage, texts, nil)
}

// readQuery reads page, per_page and texts. more, if not nil, reads the others and says
// which there are; their names are listed before those of texts.
func readQuery(args *fasthttp.Args, page, perPage *int, texts []parameter, more *moreParameters) error {
next:
	for k, value := range args.All() {
		key, v := string(k), string(value)
		var err error
		switch key {
		case "page":
			*page, err = whole(key, v, math.MaxInt32)
		case "per_page":
			*perPage, err = whole(key, v, maxPerPage)
		case formatKey:
			_, err = isCSV(v)
		default:
			for _, p := range texts {
				if p.key == key {
					if len(v) > maxText {
						return badRequest("%s: want up to %d bytes, got %d", key, maxText, len(v))
					}
					*p.into = v
					continue next
				}
			}
			known := false
			if more != nil {
				known, err = more.read(key, v)
			}
			if !known {
				return badRequest("%s: no such parameter; want %s", quoted(key), parameters(texts, more))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// moreParameters are those that are not text.
type moreParameters struct {
	names []string
	read  func(key, value string) (known bool, err error)
}

// parameters names everything a query may have.
func parameters(texts []parameter, more *moreParameters) string {
	names := []string{"page", "per_page", formatKey}
	if more != nil {
		names = append(names, more.names...)
	}
	for _, p := range texts {
		names = append(names, p.key)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// everything reports that a query wants all rows of a list in memory: as CSV, and no page of
// it.
func everything(ctx *fasthttp.RequestCtx) bool {
	q := ctx.QueryArgs()
	csv, err := wantsCSV(ctx)
	return csv && err == nil && !q.Has("page") && !q.Has("per_page")
}

// whole reads a whole number from 1 to most.
func whole(key, v string, most int) (int, error) {
	n, err := strconv.Atoi(v)
	if err == nil && n >= 1 && n <= most {
		return n, nil
	}
	to := ""
	if most < math.MaxInt32 {
		to = fmt.Sprintf(" to %d", most)
	}
	return 0, badRequest("%s: want a whole number from 1%s, got %s", key, to, quoted(v))
}

// boolParameter is a parameter of a query that is true or false, and its destination.
type boolParameter struct {
	key  string
	into *bool
}

// readSwitches reads the parameters of a query that are true or false; others are those that
// the caller reads. Any other is a mistake: one in dry_run may not become a change.
func readSwitches(args *fasthttp.Args, switches []boolParameter, others ...string) error {
	for k, value := range args.All() {
		key, v := string(k), string(value)
		if slices.Contains(others, key) {
			continue
		}
		at := slices.IndexFunc(switches, func(p boolParameter) bool { return p.key == key })
		if at < 0 {
			names := slices.Clone(others)
			for _, p := range switches {
				names = append(names, p.key)
			}
			return badRequest("%s: no such parameter; want %s", quoted(key), strings.Join(names, " or "))
		}
		if v != "true" && v != "false" {
			return badRequest("%s: want true or false, got %s", key, quoted(v))
		}
		if len(args.PeekMulti(key)) > 1 {
			return badRequest("%s: given twice", key)
		}
		*switches[at].into = v == "true"
	}
	return nil
}
