package farmproxy_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The limits in CONTRIBUTING.md.
const (
	maxFileLines     = 600
	maxFunctionLines = 80
)

// vague matches names that say nothing about what something does.
var vague = regexp.MustCompile(`(?i)^(util|utils|helper|helpers|manager|misc|common)$|(Util|Utils|Helper|Helpers|Manager)$`)

// TestStyle checks what CONTRIBUTING.md says and no linter checks: the length of files
// and functions, names, no sleeps in tests, errors that keep their cause.
func TestStyle(t *testing.T) {
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case d.IsDir() && vague.MatchString(d.Name()):
			t.Errorf("%s: a package is named for what it owns", path)
		case !d.IsDir() && strings.HasSuffix(path, ".go"):
			file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			checkFile(t, files, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkFile(t *testing.T, files *token.FileSet, file *ast.File) {
	in := files.File(file.Pos())
	if n := in.LineCount(); n > maxFileLines {
		t.Errorf("%s: %d lines, at most %d: which part of it has a job of its own?", in.Name(), n, maxFileLines)
	}
	if base := strings.TrimSuffix(filepath.Base(in.Name()), ".go"); vague.MatchString(base) {
		t.Errorf("%s: a file is named for its one job", in.Name())
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			begin, end := files.Position(n.Pos()), files.Position(n.End())
			isTable := strings.HasPrefix(n.Name.Name, "Test") && strings.HasSuffix(in.Name(), "_test.go") // a table of cases
			if lines := end.Line - begin.Line + 1; lines > maxFunctionLines && !isTable {
				t.Errorf("%s: %s has %d lines, at most %d", begin, n.Name, lines, maxFunctionLines)
			}
		case *ast.TypeSpec:
			if vague.MatchString(n.Name.Name) {
				t.Errorf("%s: a type is named for what it is, not %s", files.Position(n.Pos()), n.Name)
			}
		case *ast.CallExpr:
			checkCall(t, files, in.Name(), n)
		}
		return true
	})
}

// fakesTime reports whether a package's tests run in synctest bubbles, where a sleep
// takes no time.
func fakesTime(t *testing.T, dir string) bool {
	names, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(names, func(name string) bool {
		text, err := os.ReadFile(name)
		return err == nil && bytes.Contains(text, []byte(`"testing/synctest"`))
	})
}

// checkCall looks for sleeps in tests, and for errors that are put into another error
// without wrapping: errors.Is can no longer find them.
func checkCall(t *testing.T, files *token.FileSet, name string, call *ast.CallExpr) {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	from, ok := f.X.(*ast.Ident)
	if !ok {
		return
	}
	switch from.Name + "." + f.Sel.Name {
	case "time.Sleep":
		if strings.HasSuffix(name, "_test.go") && !fakesTime(t, filepath.Dir(name)) {
			t.Errorf("%s: a test waits for what it needs (a channel, synctest), never for time", files.Position(call.Pos()))
		}
	case "fmt.Errorf":
		format, ok := call.Args[0].(*ast.BasicLit)
		if !ok {
			return
		}
		for _, arg := range call.Args[1:] {
			if id, ok := arg.(*ast.Ident); ok && id.Name == "err" && !strings.Contains(format.Value, "%w") {
				t.Errorf("%s: wrap err with %%w", files.Position(call.Pos()))
			}
		}
	}
}
