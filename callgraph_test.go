package farmproxy_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// program is our packages with their types and their call graph. It errs on the safe
// side: an interface's method may be that of any of our types that have it, and a func
// value any that was ever stored where it comes from.
type program struct {
	fset  *token.FileSet
	info  *types.Info
	files []*ast.File
	named []types.Type // our packages' types, without interfaces

	ours  map[string]*types.Package
	funcs map[any]*function // by *types.Func or *ast.FuncLit
	flows map[types.Object][]source
}

// function is a declared function or a literal.
type function struct {
	name  string
	takes *types.Tuple
	body  *ast.BlockStmt
	calls []call
	locks []lock
}

// lock is a part of a function that holds a mutex.
type lock struct {
	mutex      types.Object // the field or variable
	begin, end token.Pos
}

// call is a call, or a wait, in a function.
type call struct {
	pos     token.Pos
	to      []*function
	foreign string // the foreign function called: net.Conn.Write, time.Sleep; or what is waited for
}

// source is where a func value comes from: a function, or something that holds one.
type source struct {
	f       *function
	foreign string // a foreign function
	object  types.Object
}

// loadProgram type-checks packages of ours from source, and their imports from the
// compiler's export data.
func loadProgram(t *testing.T, names ...string) *program {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export"}
	for _, n := range names {
		args = append(args, "./"+n)
	}
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatalf("go list -export: %v", err)
	}
	p := &program{
		fset: token.NewFileSet(), ours: make(map[string]*types.Package),
		funcs: make(map[any]*function), flows: make(map[types.Object][]source),
		info: &types.Info{
			Types: make(map[ast.Expr]types.TypeAndValue), Defs: make(map[*ast.Ident]types.Object),
			Uses: make(map[*ast.Ident]types.Object), Selections: make(map[*ast.SelectorExpr]*types.Selection),
			Implicits: make(map[ast.Node]types.Object), Instances: make(map[*ast.Ident]types.Instance),
		},
	}
	exports := make(map[string]string)
	compiled := importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var l struct {
			ImportPath, Dir, Export string
			GoFiles                 []string
		}
		if err := d.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[l.ImportPath] = l.Export
		if !strings.HasPrefix(l.ImportPath, module+"/") {
			continue
		}
		var files []*ast.File // dependencies come first
		for _, name := range l.GoFiles {
			file, err := parser.ParseFile(p.fset, filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		conf := types.Config{Importer: imports(func(path string) (*types.Package, error) {
			if own := p.ours[path]; own != nil {
				return own, nil
			}
			return compiled.Import(path)
		})}
		pkg, err := conf.Check(l.ImportPath, p.fset, files, p.info)
		if err != nil {
			t.Fatal(err)
		}
		p.ours[l.ImportPath] = pkg
		p.files = append(p.files, files...)
	}
	p.collect()
	return p
}

type imports func(path string) (*types.Package, error)

func (f imports) Import(path string) (*types.Package, error) { return f(path) }

// collect finds all functions, then how func values flow, then the calls.
func (p *program) collect() {
	for path, pkg := range p.ours {
		if path == module+"/bench" || strings.HasPrefix(path, module+"/bench/") {
			continue // none of what runs
		}
		for _, name := range pkg.Scope().Names() {
			if tn, is := pkg.Scope().Lookup(name).(*types.TypeName); is && !tn.IsAlias() && !types.IsInterface(tn.Type()) {
				p.named = append(p.named, tn.Type())
			}
		}
	}
	for _, file := range p.files {
		for _, d := range file.Decls {
			if f, is := d.(*ast.FuncDecl); is && f.Body != nil {
				obj := p.info.Defs[f.Name].(*types.Func)
				p.funcs[obj] = &function{name: title(obj), takes: obj.Signature().Params(), body: f.Body}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, is := n.(*ast.FuncLit); is {
				at := p.fset.Position(lit.Pos())
				takes := p.info.TypeOf(lit).(*types.Signature).Params()
				p.funcs[lit] = &function{name: fmt.Sprintf("func at %s:%d", filepath.Base(at.Filename), at.Line), takes: takes, body: lit.Body}
			}
			return true
		})
	}
	for range 2 { // the second time with the func values found by the first
		for _, file := range p.files {
			ast.Inspect(file, p.flow)
		}
	}
	for _, f := range p.funcs {
		p.scan(f)
	}
}

// title returns a function's name as in the lists: package.Type.Method.
func title(f *types.Func) string {
	name := f.Name()
	if recv := f.Signature().Recv(); recv != nil {
		t := recv.Type()
		if ptr, is := t.(*types.Pointer); is {
			t = ptr.Elem()
		}
		if n, is := t.(*types.Named); is {
			name = n.Obj().Name() + "." + name
		}
	}
	if f.Pkg() != nil {
		name = f.Pkg().Path() + "." + name
	}
	return strings.TrimPrefix(name, module+"/")
}

// flow records where func values are stored.
func (p *program) flow(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			p.put(p.holder(left), n.Rhs[min(i, len(n.Rhs)-1)])
		}
	case *ast.ValueSpec:
		for i, v := range n.Values {
			if len(n.Values) == len(n.Names) {
				p.put(p.info.Defs[n.Names[i]], v)
			}
		}
	case *ast.RangeStmt:
		if n.Value != nil {
			p.put(p.holder(n.Value), n.X)
		}
	case *ast.CompositeLit:
		s, is := p.info.TypeOf(n).Underlying().(*types.Struct)
		for i, e := range n.Elts {
			if kv, keyed := e.(*ast.KeyValueExpr); keyed && is {
				p.put(p.info.Uses[kv.Key.(*ast.Ident)], kv.Value)
			} else if is {
				p.put(s.Field(i), e)
			}
		}
	case *ast.CallExpr:
		p.arguments(n)
	}
	return true
}

// arguments records the values that a call passes to its parameters.
func (p *program) arguments(n *ast.CallExpr) {
	if tv := p.info.Types[n.Fun]; len(n.Args) == 0 || tv.IsType() || tv.IsBuiltin() {
		return
	}
	var to []*function
	if f := p.static(n); f != nil {
		to = p.implementations(f)
	} else if hands := slices.ContainsFunc(n.Args, func(e ast.Expr) bool { return carriesFunc(p.info.TypeOf(e)) }); hands {
		to, _ = p.resolve(p.values(n.Fun))
	}
	for _, f := range to {
		for i, arg := range n.Args {
			if f.takes.Len() > 0 {
				p.put(f.takes.At(min(i, f.takes.Len()-1)), arg)
			}
		}
	}
}

// holder returns the variable or field that an expression stands for.
func (p *program) holder(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if d := p.info.Defs[e]; d != nil {
			return d
		}
		return p.info.Uses[e]
	case *ast.SelectorExpr:
		return p.info.Uses[e.Sel]
	case *ast.IndexExpr:
		return p.holder(e.X)
	case *ast.StarExpr:
		return p.holder(e.X)
	}
	return nil
}

func (p *program) put(to types.Object, value ast.Expr) {
	if to == nil || value == nil || !carriesFunc(to.Type()) {
		return
	}
	if v, is := to.(*types.Var); is {
		to = v.Origin()
	}
	p.flows[to] = append(p.flows[to], p.values(value)...)
}

// values returns where the func values of an expression come from.
func (p *program) values(e ast.Expr) (list []source) {
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		return []source{{f: p.funcs[e]}}
	case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr:
		switch obj := p.holder(e).(type) {
		case *types.Func:
			for _, f := range p.implementations(obj) {
				list = append(list, source{f: f})
			}
			if p.isForeign(obj) {
				list = append(list, source{foreign: title(obj)})
			}
		case *types.Var:
			list = append(list, source{object: obj.Origin()})
			if obj.Pkg() != nil && p.ours[obj.Pkg().Path()] == nil {
				list = append(list, source{foreign: obj.Pkg().Path() + "." + obj.Name()})
			}
		}
	case *ast.UnaryExpr:
		return p.values(e.X)
	case *ast.CallExpr: // append(calls, f), sync.OnceFunc(f), pointer.Load()
		if f := p.static(e); f != nil && p.isForeign(f) {
			list = append(list, source{foreign: title(f)})
		}
		for _, arg := range e.Args {
			if carriesFunc(p.info.TypeOf(arg)) {
				list = append(list, p.values(arg)...)
			}
		}
		if sel, is := e.Fun.(*ast.SelectorExpr); is && carriesFunc(p.info.TypeOf(e)) {
			list = append(list, p.values(sel.X)...) // pointer.Load()
		}
	}
	return list
}

// carriesFunc reports whether a value of that type is a func, or holds one.
func carriesFunc(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Signature:
		return true
	case *types.Slice:
		return carriesFunc(u.Elem())
	case *types.Map:
		return carriesFunc(u.Elem())
	case *types.Pointer:
		return carriesFunc(u.Elem())
	case *types.Struct:
		n, is := t.(*types.Named)
		return is && n.TypeArgs().Len() == 1 && carriesFunc(n.TypeArgs().At(0)) // atomic.Pointer[func()]
	}
	return false
}

// isForeign reports whether a function is not ours.
func (p *program) isForeign(f *types.Func) bool {
	return f.Pkg() == nil || p.ours[f.Pkg().Path()] == nil
}

// resolve returns the functions that something may hold: ours, and foreign ones.
func (p *program) resolve(sources []source) (list []*function, foreign []string) {
	seen := make(map[types.Object]bool)
	var visit func(sources []source)
	visit = func(sources []source) {
		for _, s := range sources {
			if s.foreign != "" {
				foreign = append(foreign, s.foreign)
			} else if s.f != nil {
				list = append(list, s.f)
			} else if s.object != nil && !seen[s.object] {
				seen[s.object] = true
				visit(p.flows[s.object])
			}
		}
	}
	visit(sources)
	return list, foreign
}

// static returns the function or method that a call names, or nil if it calls a value.
func (p *program) static(c *ast.CallExpr) *types.Func {
	fun := ast.Unparen(c.Fun)
	if x, is := fun.(*ast.IndexExpr); is { // of a generic function
		fun = x.X
	}
	f, _ := p.holder(fun).(*types.Func)
	if f != nil {
		f = f.Origin()
	}
	return f
}

// implementations returns our functions that a call of f may reach.
func (p *program) implementations(f *types.Func) (list []*function) {
	recv := f.Signature().Recv()
	if recv == nil || !types.IsInterface(recv.Type()) {
		if own := p.funcs[f.Origin()]; own != nil {
			list = append(list, own)
		}
		return list
	}
	i := recv.Type().Underlying().(*types.Interface)
	for _, t := range p.named {
		if p.isForeign(f) && !slices.Contains(loopPackages, strings.TrimPrefix(t.(*types.Named).Obj().Pkg().Path(), module+"/")) {
			continue // io.Writer, error and the like are everywhere
		}
		ptr := types.NewPointer(t)
		if !types.Implements(ptr, i) {
			continue
		}
		obj, _, _ := types.LookupFieldOrMethod(ptr, true, f.Pkg(), f.Name())
		if m, is := obj.(*types.Func); is && p.funcs[m.Origin()] != nil {
			list = append(list, p.funcs[m.Origin()])
		}
	}
	return list
}

// later are the functions that call their argument on another goroutine.
var later = map[string]bool{"sync.WaitGroup.Go": true, "context.AfterFunc": true, "time.AfterFunc": true}

// scan finds the calls in one function; literals in it are separate functions.
func (p *program) scan(f *function) {
	ready := make(map[ast.Node]bool) // channel operations of a select with a default
	var walk func(n ast.Node) bool
	walk = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return n.Body == f.body
		case *ast.GoStmt:
			for _, arg := range n.Call.Args {
				ast.Inspect(arg, walk)
			}
			return false
		case *ast.SelectStmt:
			p.selects(f, n, ready)
		case *ast.SendStmt:
			if !ready[n] {
				f.calls = append(f.calls, call{pos: n.Pos(), foreign: "channel send"})
			}
		case *ast.UnaryExpr:
			if n.Op == token.ARROW && !ready[n] {
				f.calls = append(f.calls, call{pos: n.Pos(), foreign: "channel receive"})
			}
		case *ast.RangeStmt:
			if _, is := p.info.TypeOf(n.X).Underlying().(*types.Chan); is {
				f.calls = append(f.calls, call{pos: n.Pos(), foreign: "channel receive"})
			}
		case *ast.CallExpr:
			p.called(f, n)
		}
		return true
	}
	ast.Inspect(f.body, walk)
	f.locks = p.locks(f.body)
}

// locks returns the parts of a function that hold a mutex: from each Lock to the last
// Unlock before the next one, or to the end.
func (p *program) locks(body *ast.BlockStmt) (list []lock) {
	deferred := make(map[*ast.CallExpr]bool)
	open := make(map[types.Object]int) // indexes in list
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return n.Body == body
		case *ast.DeferStmt:
			deferred[n.Call] = true
		case *ast.CallExpr:
			sel, is := n.Fun.(*ast.SelectorExpr)
			f := p.static(n)
			if !is || f == nil || f.Pkg() == nil || f.Pkg().Path() != "sync" {
				break
			}
			mutex := p.holder(sel.X)
			switch f.Name() {
			case "Lock", "RLock":
				open[mutex] = len(list)
				list = append(list, lock{mutex, n.Pos(), body.End()})
			case "Unlock", "RUnlock":
				if at, is := open[mutex]; is && !deferred[n] {
					list[at].end = n.Pos()
				}
			}
		}
		return true
	})
	return list
}

// selects records a select without a default; one with a default never waits.
func (p *program) selects(f *function, n *ast.SelectStmt, ready map[ast.Node]bool) {
	waits := true
	for _, c := range n.Body.List {
		waits = waits && c.(*ast.CommClause).Comm != nil
	}
	if waits {
		f.calls = append(f.calls, call{pos: n.Pos(), foreign: "select without default"})
	}
	for _, c := range n.Body.List {
		if comm := c.(*ast.CommClause).Comm; comm != nil {
			ast.Inspect(comm, func(x ast.Node) bool { ready[x] = true; return true })
		}
	}
}

// called records one call.
func (p *program) called(f *function, n *ast.CallExpr) {
	if tv := p.info.Types[n.Fun]; tv.IsType() || tv.IsBuiltin() {
		return
	}
	c := call{pos: n.Pos()}
	fn := p.static(n)
	switch lit, isLit := ast.Unparen(n.Fun).(*ast.FuncLit); {
	case isLit:
		c.to = []*function{p.funcs[lit]}
	case fn == nil: // a value
		p.given(f, n, n.Fun)
		return
	default:
		c.to = p.implementations(fn)
		if p.isForeign(fn) {
			c.foreign = title(fn)
			if !later[c.foreign] { // it may call its argument
				for _, arg := range n.Args {
					if _, is := p.info.TypeOf(arg).Underlying().(*types.Signature); is {
						p.given(f, n, arg)
					}
				}
			}
		}
	}
	f.calls = append(f.calls, c)
}

// given records the call of a func value.
func (p *program) given(f *function, n *ast.CallExpr, value ast.Expr) {
	to, foreign := p.resolve(p.values(value))
	if len(to) == 0 && len(foreign) == 0 {
		foreign = []string{"a func value of unknown origin: " + types.ExprString(value)}
	}
	f.calls = append(f.calls, call{pos: n.Pos(), to: to})
	for _, name := range foreign {
		f.calls = append(f.calls, call{pos: n.Pos(), foreign: name})
	}
}
