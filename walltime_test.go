package farmproxy_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Wall time is for display and storage only: when it is set forward or back, a link
// would seem silent, a worker forgotten, an account expired. Times from time.Now also
// have a monotonic reading, which Sub, Before and After compare as long as nothing
// strips it. The uses that strip it are listed here, by file, with their purpose;
// everything else needs the monotonic clock.
var wallTime = map[string]string{
	"alert/engine.go":              "display",
	"alert/find.go":                "display",
	"proxy/curtail.go":             "operators mean the clock on the wall",
	"proxy/alertfacts.go":          "whether the clock was set: both clocks are compared",
	"alert/message.go":             "display",
	"alert/state.go":               "storage",
	"api/answer.go":                "display",
	"bench":                        "the harness writes reports",
	"api/bans.go":                  "display",
	"api/csv.go":                   "display",
	"api/history.go":               "display",
	"certificate":                  "a certificate's end is wall time, and display",
	"cmd/farmproxy/repair.go":      "display",
	"cmd/farmproxy/table.go":       "display",
	"cmd/farmproxy/pools.go":       "display",
	"stats/certificate.go":         "display of a certificate's end",
	"stats/restore.go":             "a certificate's end is wall time",
	"stats/state.go":               "a certificate's end is wall time",
	"stats/clock.go":               "where the books' time begins, and display",
	"stats/linkmetrics.go":         "display",
	"stats/status.go":              "display",
	"store/accounts.go":            "storage",
	"store/clock.go":               "compares the database's clock with this one, and knows that both may be wrong",
	"store/errors.go":              "display",
	"store/health.go":              "display of a duration",
	"store/remember.go":            "storage",
	"store/repair.go":              "the name of a file",
	"dial/connect.go":              "a deadline that has passed, whatever the clock says",
	"upstream/jobs.go: LastNotify": "display",
	"upstream/supervisor.go":       "display of a duration",
	"live":                         "display",
	"top":                          "display",
	"history":                      "storage: what is measured is in Recorder.Look, what ages in prune.go",
	"proxy/remember.go":            "storage",
	"stats/remember.go":            "how long ago a stored time is",
	"sharelog/writer.go":           "the length of a file",
	"upstream/testwork.go":         "the time in a block's header",
	"upstream/try.go":              "the pool's clock, to be compared with this one",
	"doctor":                       "display",
	"api/term.go":                  "display",
	"api/overlay.go":               "display",
	"config/overlay.go":            "storage",
	"proxy/desk.go":                "operators mean the clock on the wall",
	"plain/figure.go":              "display",
	"viewlink":                     "storage",
	"wish":                         "operators mean the clock on the wall",
	"proxy/channels.go":            "a day of the week",
	"proxy/notify.go":              "storage and display",
	"notify/webhook.go":            "display, and a time that a receiver compares with its own",
	"report":                       "people mean days of the clock on the wall",
}

// takesOff are the functions and methods of package time that return wall time or strip
// the monotonic reading.
var takesOff = []string{"Unix", "UnixMilli", "UnixMicro", "UnixNano", "Round", "Truncate", "UTC", "Local", "Date", "Clock", "YearDay", "Weekday"}

func TestWallTimeIsForDisplayAndStorageOnly(t *testing.T) {
	used := make(map[string]bool)
	walk := func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, all := wallTime[path]; all || strings.HasPrefix(d.Name(), ".") && path != "." {
				used[path] = true
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, is := n.(*ast.CallExpr)
			if !is {
				return true
			}
			f, is := call.Fun.(*ast.SelectorExpr)
			if !is || !slices.Contains(takesOff, f.Sel.Name) {
				return true
			}
			if x, is := f.X.(*ast.Ident); is && x.Name == "math" {
				return true
			}
			at := fset.Position(call.Pos())
			for _, key := range []string{path, path + ": " + owner(file, call)} {
				if _, allowed := wallTime[key]; allowed {
					used[key] = true
					return true
				}
			}
			t.Errorf("%v: %s takes the monotonic reading off; compare times with Sub, keep them as time.Time or as a Duration since some begin, or say in wallTime (walltime_test.go) why wall time is meant", at, f.Sel.Name)
			return true
		})
		return nil
	}
	if err := filepath.WalkDir(".", walk); err != nil {
		t.Fatal(err)
	}
	for key := range wallTime {
		if !used[key] {
			t.Errorf("%s is in wallTime (walltime_test.go), and takes no monotonic reading off; take it out", key)
		}
	}
}

// owner returns where the value of a call is stored: X of a.X.Store(call).
func owner(file *ast.File, call *ast.CallExpr) (name string) {
	ast.Inspect(file, func(n ast.Node) bool {
		store, is := n.(*ast.CallExpr)
		if !is || len(store.Args) != 1 || store.Args[0] != ast.Expr(call) {
			return true
		}
		if f, is := store.Fun.(*ast.SelectorExpr); is && f.Sel.Name == "Store" {
			if x, is := f.X.(*ast.SelectorExpr); is {
				name = x.Sel.Name
			}
		}
		return false
	})
	return name
}
