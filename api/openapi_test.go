package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"farmproxy/store"
)

// document is the part of openapi.json that the tests need.
type document struct {
	OpenAPI    string
	Paths      map[string]map[string]operation // by path and method
	Components struct {
		Responses map[string]documented
		Schemas   map[string]schema
	}
}

type operation struct {
	OperationID string
	Parameters  []struct{ Name, In string }
	RequestBody *struct {
		Content map[string]struct{ Schema schema }
	}
	Responses map[string]documented
}

// documented is one answer.
type documented struct {
	Ref     string `json:"$ref"`
	Content map[string]struct{ Schema schema }
}

// schema is a JSON Schema, with the keywords that openapi.json uses.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any    // one name or several
	Format               string
	Properties           map[string]schema
	Required             []string
	AdditionalProperties json.RawMessage // absent, true or false, or a schema
	Items                *schema
	Enum                 []string
	AnyOf                []schema
}

var openAPI = sync.OnceValue(func() *document {
	d := new(document)
	if err := json.Unmarshal(openAPIDocument, d); err != nil {
		panic(err)
	}
	return d
})

func (d *document) schema(s schema) schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s, ok = d.Components.Schemas[name]
		if !ok {
			panic("no schema " + name)
		}
	}
	return s
}

func (d *document) response(r documented) documented {
	if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
		r, ok = d.Components.Responses[name]
		if !ok {
			panic("no response " + name)
		}
	}
	return r
}

// path returns the documented path that matches a request's, or "" if none does.
func (d *document) path(path string) string {
	best := ""
	for p := range d.Paths {
		before, rest, open := strings.Cut(p, "{")
		_, after, _ := strings.Cut(rest, "}")
		if (p == path || open && strings.HasPrefix(path, before) && strings.HasSuffix(path, after) && path != before) && len(p) > len(best) {
			best = p
		}
	}
	return best
}

// check returns what is wrong with a value under a schema, or "" if nothing is.
func (d *document) check(at string, s schema, v any) string {
	s = d.schema(s)
	if len(s.AnyOf) > 0 {
		wrong := ""
		for _, one := range s.AnyOf {
			if wrong = d.check(at, one, v); wrong == "" {
				break
			}
		}
		return wrong
	}
	types, many := s.Type.([]any)
	if !many {
		types = []any{s.Type}
	}
	if s.Type != nil && !slices.ContainsFunc(types, func(t any) bool { return isA(t.(string), v) }) {
		return fmt.Sprintf("%s: %v is not a %v", at, v, s.Type)
	}
	switch v := v.(type) {
	case string:
		if s.Enum != nil && !slices.Contains(s.Enum, v) {
			return fmt.Sprintf("%s: %q is none of %v", at, v, s.Enum)
		}
		if s.Format == "date-time" {
			if _, err := time.Parse(time.RFC3339, v); err != nil {
				return fmt.Sprintf("%s: %v", at, err)
			}
		}
	case []any:
		for i, x := range v {
			if wrong := d.check(fmt.Sprintf("%s[%d]", at, i), *s.Items, x); wrong != "" {
				return wrong
			}
		}
	case map[string]any:
		return d.checkObject(at, s, v)
	}
	return ""
}

func (d *document) checkObject(at string, s schema, v map[string]any) string {
	for _, key := range s.Required {
		if _, ok := v[key]; !ok {
			return fmt.Sprintf("%s.%s is missing", at, key)
		}
	}
	for key, x := range v {
		property, ok := s.Properties[key]
		if !ok {
			switch string(s.AdditionalProperties) {
			case "", "true":
				continue
			case "false":
				return fmt.Sprintf("%s.%s is not documented", at, key)
			}
			if err := json.Unmarshal(s.AdditionalProperties, &property); err != nil {
				return err.Error()
			}
		}
		if wrong := d.check(at+"."+key, property, x); wrong != "" {
			return wrong
		}
	}
	return ""
}

// isA reports whether a value has a JSON Schema type.
func isA(kind string, v any) bool {
	switch v := v.(type) {
	case nil:
		return kind == "null"
	case bool:
		return kind == "boolean"
	case string:
		return kind == "string"
	case []any:
		return kind == "array"
	case map[string]any:
		return kind == "object"
	case json.Number:
		_, err := v.Int64()
		return kind == "number" || kind == "integer" && err == nil
	}
	return false
}

// mustBeDocumented compares an answer with the document, and records it.
func (s *site) mustBeDocumented(t *testing.T, resp *http.Response, body []byte) {
	t.Helper()
	d, method, code := openAPI(), resp.Request.Method, strconv.Itoa(resp.StatusCode)
	if method == "HEAD" {
		method = "GET"
	}
	path := d.path(resp.Request.URL.Path)
	what := fmt.Sprintf("%s %s %s", method, path, code)
	op, ok := d.Paths[path][strings.ToLower(method)]
	if _, page := assets[resp.Request.URL.Path]; page && method == "GET" {
		return // it is no part of the API
	}
	if !ok {
		if !slices.Contains([]string{"401", "403", "404", "405", "421"}, code) {
			t.Errorf("%s %s: %s, but openapi.json does not have it", method, resp.Request.URL.Path, code)
		}
		return
	}
	r, ok := op.Responses[code]
	if !ok {
		t.Errorf("%s: the status is not in openapi.json\n%s", what, body)
		return
	}
	s.answers[what] = true
	r = d.response(r)
	if resp.Request.Method == "HEAD" || resp.Header.Get("Content-Encoding") != "" {
		return
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	content, ok := r.Content[kind]
	if r.Content == nil {
		if len(body) > 0 {
			t.Errorf("%s: a body where openapi.json has none: %s", what, body)
		}
		return
	}
	if !ok {
		t.Errorf("%s: content type %s, want one of %v", what, kind, slices.Collect(maps.Keys(r.Content)))
		return
	}
	if kind != "application/json" {
		return
	}
	var v any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		t.Errorf("%s: %v in %s", what, err, body)
	} else if wrong := d.check("answer", content.Schema, v); wrong != "" {
		t.Errorf("%s: %s\n%s", what, wrong, body)
	}
}

// Everything served is documented, and everything documented is served.
func TestOpenAPIHasEveryEndpoint(t *testing.T) {
	d := openAPI()
	want, got := map[string]bool{}, map[string]bool{}
	for _, e := range endpoints {
		want[e.method+" "+e.path] = true
	}
	ids := map[string]bool{}
	for path, operations := range d.Paths {
		before, rest, open := strings.Cut(path, "{")
		if open {
			_, after, _ := strings.Cut(rest, "}")
			before += "{}" + after
		}
		for method, op := range operations {
			got[strings.ToUpper(method)+" "+before] = true
			if op.OperationID == "" || ids[op.OperationID] {
				t.Errorf("%s %s: operationId %q is empty or not its own", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
		}
	}
	for e := range want {
		if !got[e] {
			t.Errorf("%s is served, but not in openapi.json", e)
		}
	}
	for e := range got {
		if !want[e] {
			t.Errorf("%s is in openapi.json, but not served", e)
		}
	}
	if d.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %s", d.OpenAPI)
	}
}

// Every documented answer can be provoked. The converse, that every answer given is
// documented, is checked by all tests of this package.
func TestOpenAPIEveryAnswerIsGiven(t *testing.T) {
	const admin, nobody = "Authorization: Bearer the-administrators", "Authorization: Bearer nobody's token"
	registry := newRegistry(t)
	book := map[string]bool{}
	withTokens := func(o *Options) {
		o.Tokens = mustTokens(t, "admin the-administrators\nread the-readers-only\nregister the-registrars-only")
	}
	prove := func(_ context.Context, p store.Pool, _ store.Account) error { return nil }
	laid := &overlays{answer: changed()}
	well := newSite(t, withTokens, func(o *Options) {
		o.Registry, o.RegistrationsPerMinute, o.AccountEffects = registry, 5, namedEffects
		o.Prove, o.Uses = prove, func(string) bool { return true }
		o.Bans, o.Overlays = &oneBan{}, laid
		o.ViewLinks = mustLinks(t)
	}, withRemembered(t))
	storeless := newSite(t)
	away := newSite(t, func(o *Options) {
		o.Registry = closedRegistry(t)
		o.Reload = func() (*Reload, error) { return reloadOf("line 7"), errors.New("not loaded") }
	})
	crowded := newSite(t)
	crowded.connections.most = 0
	for _, site := range []*site{well, storeless, away, crowded} {
		site.answers = book
	}

	head := func(line string) []string { return strings.SplitN(line, ": ", 2) }
	const pool, algorithm = `{"pool":"p.example:1","algorithm":"x11"}`, `{"name":"a1","divider":2}`
	well.book.SetReady(nil)
	for _, e := range endpoints {
		path := strings.Replace(e.path, "{}", "p.example:1", 1)
		body := map[string]string{"/api/v1/workers/{}/move": `{"goal":"main"}`, "/api/v1/workers/{}/pin": `{}`, "/api/v1/routes/{}/weights": `{"weights":{"main":1}}`,
			"/api/v1/curtailments": `{"for":"3h"}`, testPath: `{}`, "/api/v1/pools/{}/drain": `{}`, "/api/v1/pools/{}/disable": `{}`, "/api/v1/pools/{}/enable": `{}`,
			"/api/v1/users": `{"pool":"b.example:3333","user":"u"}`, "/api/v1/pools": pool, "/api/v1/algorithms": algorithm,
			"/api/v1/users/{}": `{"goals":[]}`, viewLinksPath: `{"name":"x"}`}[e.path]
		if e.method == "GET" || e.method == "DELETE" {
			body = ""
		}
		wrong := "Authorization: Bearer the-registrars-only"
		if e.needs == scopeRegister {
			wrong = "Authorization: Bearer the-readers-only"
		}
		well.send(t, e.method, path, body, head(nobody)...)
		well.send(t, e.method, path, body, head(wrong)...)
		storeless.send(t, e.method, path, body)
		storeless.send(t, e.method, path, body, "Host", "evil.example")
		crowded.send(t, e.method, path, body)
		away.send(t, e.method, path, body)
		if body != "" {
			well.send(t, e.method, path, strings.Repeat(" ", maxBody+1), head(admin)...)
		}
	}
	f := func(method, path, body string) { t.Helper(); well.send(t, method, path, body, head(admin)...) }
	everyOverlayAnswer(t, well, laid, head(admin)...)
	f("GET", "/metrics", "")
	for _, path := range []string{"/api/v1/status", "/api/v1/links", "/api/v1/openapi.json", "/readyz"} {
		f("GET", path, "")
	}
	well.book.SetNeedsLink(false)
	f("GET", "/readyz", "")
	for _, path := range []string{"/api/v1/workers", "/api/v1/groups", "/api/v1/users", "/api/v1/pools", "/api/v1/algorithms"} {
		f("GET", path, "")
		f("GET", path+"?page=0", "")
	}
	for _, path := range []string{"/api/v1/history", "/api/v1/report", "/api/v1/events", "/api/v1/roster"} {
		f("GET", path, "")
		f("GET", path+"?page=0", "")
	}
	well.book.Worker("farm.rig")
	f("GET", "/api/v1/workers/farm.rig", "")
	f("GET", "/api/v1/sparks?name=rig7", "")
	f("GET", "/api/v1/sparks", "")
	f("POST", "/api/v1/roster", `{"workers":"rig7"}`)
	f("POST", "/api/v1/roster", strings.Repeat(" ", maxRoster+1))
	f("POST", "/api/v1/roster", `{}`)
	f("DELETE", "/api/v1/roster/rig7", "")
	name := well.register(t, `{"pool":"b.example:3333","user":"u"}`, head(admin)...)
	for _, method := range []string{"POST", "PUT"} {
		f(method, "/api/v1/users", `{"pool":"b.example:3333","user":"u"}`)
		f(method, "/api/v1/users", `{}`)
	}
	for _, method := range []string{"POST", "PUT"} {
		f(method, "/api/v1/users?dry_run=true", `{"pool":"b.example:3333","user":"u"}`)
	}
	f("PUT", "/api/v1/users/"+name+"?dry_run=true", `{"goals":[]}`)
	f("DELETE", "/api/v1/users/"+name+"?dry_run=true", "")
	f("DELETE", "/api/v1/users/"+name+"?dry_run=1", "")
	f("DELETE", "/api/v1/algorithms/x?dry_run=true", "")
	f("DELETE", "/api/v1/roster/x?dry_run=true", "")
	f("POST", "/api/v1/reload?dry_run=true", "")
	for range proofsPerMinute {
		well.proofs.take("b.example:3333")
	}
	f("PUT", "/api/v1/pools", `{"pool":"b.example:3333","algorithm":"scrypt"}`)
	well.registrations = newLimiter(2)
	f("POST", "/api/v1/users", `{"pool":"unknown.example:3333","user":"u"}`)
	f("PUT", "/api/v1/users", `{"pool":"unknown.example:3333","user":"u"}`)
	f("POST", "/api/v1/users", `{}`)
	f("PUT", "/api/v1/users", `{}`)
	f("GET", "/api/v1/users/"+name, "")
	f("GET", "/api/v1/users/nobody", "")
	const goals = `{"goals":[{"name":"main","weight":1,"pools":[{"pool":"b.example:3333","user":"v"},{"pool":"c.example:3333"}]}]}`
	f("PUT", "/api/v1/users/"+name, `{}`)
	f("PUT", "/api/v1/users/"+name, goals) // asks b.example too often
	f("PUT", "/api/v1/users/"+name, strings.Replace(goals, "b.example", "unknown.example", 1))
	f("POST", "/api/v1/pools", `{"pool":"c.example:3333","algorithm":"sha256d"}`)
	f("PUT", "/api/v1/users/"+name, strings.Replace(goals, `{"pool":"b.example:3333","user":"v"},`, "", 1))
	f("PUT", "/api/v1/pools", `{"pool":"c.example:3333","algorithm":"x11"}`) // of b.example too
	f("PUT", "/api/v1/users/"+name, `{"goals":[]}`)
	f("DELETE", "/api/v1/pools/b.example:3333", "") // in use
	for method, paths := range map[string][]string{
		"GET":    {"routes/%s/weights"},
		"PUT":    {"routes/%s/weights"},
		"DELETE": {"routes/%s/weights", "workers/%s/pin"},
		"POST":   {"workers/%s/move", "workers/%s/pin", "pools/%s/drain", "pools/%s/disable", "pools/%s/enable"},
	} {
		for _, path := range paths {
			body := map[string]string{"PUT": `{"weights":{"main":1}}`, "POST": `{}`}[method]
			for _, name := range []string{"hall-1", "nobody"} {
				f(method, fmt.Sprintf("/api/v1/"+path, name), body)
			}
			if body != "" {
				f(method, fmt.Sprintf("/api/v1/"+path, "hall-1"), `{"wrong":1}`)
			}
			if method != "GET" {
				f(method, fmt.Sprintf("/api/v1/"+path, "hall-1")+"?dry_run=true", body)
				f(method, fmt.Sprintf("/api/v1/"+path, "hall-1")+"?dry_run=1", body)
			}
		}
	}
	for _, table := range []string{"routes", "links", "orders", "bans", "blocks", "view-links"} {
		f("GET", "/api/v1/"+table, "")
		f("GET", "/api/v1/"+table+"?format=xml", "")
	}
	f("POST", "/api/v1/view-links?dry_run=true", `{"name":"board"}`)
	f("POST", "/api/v1/view-links", `{"name":"board"}`)
	f("DELETE", "/api/v1/view-links/board?dry_run=true", "")
	f("POST", "/api/v1/view-links", `{"name":"board"}`) // taken
	f("POST", "/api/v1/view-links", `{}`)
	f("DELETE", "/api/v1/view-links/board", "")
	f("DELETE", "/api/v1/view-links/board", "")
	f("GET", "/api/v1/alerts", "")
	f("POST", testPath, `{}`)
	f("POST", testPath, `{"channel":"nobody"}`)
	f("POST", testPath, `{"channel":1}`)
	f("GET", "/api/v1/curtailments", "")
	f("POST", "/api/v1/curtailments", `{"group":"hall-1","for":"3h"}`)
	f("POST", "/api/v1/curtailments", `{"group":"nowhere","for":"3h"}`)
	f("POST", "/api/v1/curtailments", `{}`)
	f("POST", "/api/v1/curtailments?dry_run=true", `{"group":"hall-1","for":"3h"}`)
	f("DELETE", "/api/v1/curtailments?group=hall-1&dry_run=true", "")
	f("DELETE", "/api/v1/curtailments?group=hall-1&dry_run=1", "")
	f("DELETE", "/api/v1/curtailments?group=hall-1", "")
	f("DELETE", "/api/v1/curtailments?group=nowhere", "")
	f("DELETE", "/api/v1/bans/10.0.0.7", "")
	f("DELETE", "/api/v1/bans/10.0.0.7", "") // no more
	f("DELETE", "/api/v1/users/"+name, "")
	f("DELETE", "/api/v1/users/"+name, "")
	f("DELETE", "/api/v1/pools/b.example:3333", "")
	for _, method := range []string{"POST", "PUT"} {
		f(method, "/api/v1/pools", `{}`)
		f(method, "/api/v1/pools", `{"pool":"p.example:1","algorithm":"unknown"}`)
		f(method, "/api/v1/algorithms", `{}`)
	}
	f("PUT", "/api/v1/pools", pool)
	f("PUT", "/api/v1/pools", pool)
	f("POST", "/api/v1/pools", pool)
	f("GET", "/api/v1/pools/p.example:1", "")
	f("GET", "/api/v1/pools/p", "")
	f("DELETE", "/api/v1/pools/p", "")
	f("DELETE", "/api/v1/pools/p.example:1", "")
	f("DELETE", "/api/v1/pools/p.example:1", "")
	f("GET", "/api/v1/pools/p.example:1", "")
	f("POST", "/api/v1/pools", pool)
	f("PUT", "/api/v1/algorithms", algorithm)
	f("PUT", "/api/v1/algorithms", algorithm)
	f("POST", "/api/v1/algorithms", algorithm)
	f("DELETE", "/api/v1/algorithms/x11", "") // in use
	f("DELETE", "/api/v1/algorithms/a1", "")
	f("DELETE", "/api/v1/algorithms/a1", "")
	f("POST", "/api/v1/algorithms", algorithm)
	f("GET", "/api/v1/algorithms/a1", "")
	f("GET", "/api/v1/algorithms/a2", "")
	full := func(g *gate) {
		g.wait = 0
		for range cap(g.inside) {
			g.inside <- struct{}{}
		}
	}
	full(&well.scrapes.gate)
	full(&well.queries)
	f("GET", "/metrics", "")
	f("GET", "/api/v1/status", "")
	f("GET", "/api/v1/workers", "")
	f("GET", "/api/v1/groups", "")

	for path, operations := range openAPI().Paths {
		for method, op := range operations {
			for code := range op.Responses {
				if what := fmt.Sprintf("%s %s %s", strings.ToUpper(method), path, code); !book[what] {
					t.Errorf("%s: in openapi.json, but no request got it", what)
				}
			}
		}
	}
}

// Bodies that the document allows are accepted: the required properties suffice, and
// every property is known.
func TestOpenAPIRequestBodies(t *testing.T) {
	d := openAPI()
	f := func(name string, fields any) {
		t.Helper()
		known := example(fields)
		for property := range d.Components.Schemas[name].Properties {
			if !strings.Contains(known, `"`+property+`"`) {
				t.Errorf("%s.%s is in openapi.json, but not read", name, property)
			}
		}
		for field := range strings.SplitSeq(strings.Trim(known, "{}"), ", ") {
			key, _, _ := strings.Cut(strings.Trim(field, `"`), `"`)
			if _, ok := d.Components.Schemas[name].Properties[key]; !ok {
				t.Errorf("%s.%s is read, but not in openapi.json", name, key)
			}
		}
	}
	f("Registration", new(registration))
	f("PoolOptions", new(poolOptions))
	f("AlgorithmOptions", new(algorithmOptions))
	f("Goals", new(goalsBody))
	f("Goal", new(userGoal))
	f("GoalPool", new(userPool))
	f("Term", new(Term))
	f("WeightsOrder", new(WeightsOrder))
	f("MoveOrder", new(MoveOrder))
	f("ViewLinkOrder", new(ViewLinkOrder))
	f("CurtailOrder", new(CurtailOrder))
}
