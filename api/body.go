package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/valyala/fasthttp"
)

// Bounds on draining a body that nobody reads: closing a connection with unread data
// resets it, and the client would not see why.
const (
	maxDrained = 4 << 20
	drainTime  = 2 * time.Second
	drainPause = 100 * time.Millisecond // a client silent for this long is waiting for the answer
)

// readJSON reads the body's single JSON object into v. Unknown fields are errors only
// if strict. Errors quote nothing of the body but field names, because it may contain a
// password.
func readJSON(ctx *fasthttp.RequestCtx, v any, strict bool) error {
	body := bytes.TrimSpace(ctx.PostBody())
	want := "want " + example(v)
	switch {
	case len(body) == 0:
		return badRequest("the body is empty: %s", want)
	case !utf8.Valid(body):
		return badRequest("the body is not UTF-8: %s", want)
	case body[0] != '{':
		return badRequest("the body is not a JSON object: %s", want)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if strict {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(v); err != nil {
		return bodyError(err, want)
	}
	if _, err := d.Token(); err != io.EOF {
		return badRequest("there is something behind the JSON object: %s and nothing else", want)
	}
	return nil
}

func bodyError(err error, want string) error {
	if e, ok := errors.AsType[*httpError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		got, _, _ := strings.Cut(e.Value, " ") // the value follows
		return badRequest("%s: want %s, got %s", quoted(fieldName(e.Field)), kindName(e.Type), got)
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return badRequest("%s: no such field; %s", quoted(strings.Trim(field, `"`)), want)
	}
	return badRequest("the body is not JSON, or cut off: %s", want)
}

// fieldName returns a field's path as clients know it. encoding/json has in it the Go names of
// the structs that are embedded; fields of bodies begin with a small letter.
func fieldName(path string) string {
	parts := strings.Split(path, ".")
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool {
		first, _ := utf8.DecodeRuneInString(part)
		return unicode.IsUpper(first)
	}), ".")
}

// kindName names a type as JSON does.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Map:
		return "an object of " + strings.TrimPrefix(kindName(t.Elem()), "a ") + "s"
	}
	return "an object"
}

// example shows the fields that a body may have.
func example(v any) string {
	var fields []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v).Elem()) {
		if !f.Anonymous {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields = append(fields, fmt.Sprintf("%q: %s", name, kindName(f.Type)))
		}
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// drain reads what the client is still sending, within bounds.
func drain(ctx *fasthttp.RequestCtx) {
	conn, end := ctx.Conn(), time.Now().Add(drainTime)
	buffer := make([]byte, 16<<10)
	for n := 0; n < maxDrained && time.Now().Before(end); {
		if conn.SetReadDeadline(time.Now().Add(drainPause)) != nil {
			return
		}
		read, err := conn.Read(buffer)
		if n += read; err != nil {
			return
		}
	}
}
