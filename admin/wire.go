package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxRequest bounds a request's line, in bytes: commands take names and paths.
const maxRequest = 64 << 10

// request is what a client sends.
type request struct {
	Command string          `json:"command"`
	Args    json.RawMessage `json:"args,omitempty"` // an object; missing: no arguments
}

// response is a line of what it gets. An error may have an answer too: its details.
type response struct {
	Event  json.RawMessage `json:"event,omitempty"`
	Answer json.RawMessage `json:"answer,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// strictly decodes JSON and refuses what it does not know: an argument that a command
// ignored would be a silent misunderstanding between two versions.
func strictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("nothing there")
		}
		return err
	}
	if d.More() {
		return errors.New("more than one JSON value")
	}
	return nil
}

// lineOf returns a response's line. What a command answers is ours, so it can be encoded.
func lineOf(event, answer any, err error) ([]byte, error) {
	var r response
	var failed error
	encode := func(v any) json.RawMessage {
		if v == nil {
			return nil
		}
		text, err := json.Marshal(v)
		failed = errors.Join(failed, err)
		return text
	}
	r.Event, r.Answer = encode(event), encode(answer)
	if err != nil {
		r.Error = err.Error()
	}
	line, err := json.Marshal(r)
	if failed = errors.Join(failed, err); failed != nil {
		return nil, fmt.Errorf("admin: an answer that is no JSON: %w", failed)
	}
	return append(line, '\n'), nil
}
