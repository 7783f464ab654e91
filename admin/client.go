package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
)

// Refused is what the running farmproxy says when it does not do what it was asked for.
type Refused string

func (r Refused) Error() string { return string(r) }

// ErrNobody means that no farmproxy answers on the socket.
var ErrNobody = errors.New("no farmproxy answers there")

// Do has the farmproxy behind the socket at path run a command, and waits for its answer,
// or for the end of ctx. args is encoded as the arguments; nil: none. Each event goes to
// event, unless that is nil; Do ends with its error.
//
// An error of type Refused is the other's, and may come with an answer that has details.
func Do(ctx context.Context, path, command string, args any, event func(json.RawMessage) error) (answer json.RawMessage, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, unreachable(path, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer func() {
		if ended := ctx.Err(); ended != nil && err != nil {
			err = ended
		}
	}()
	r := request{Command: command}
	if args != nil {
		if r.Args, err = json.Marshal(args); err != nil {
			return nil, err
		}
	}
	// A server that is full answers, and closes, before it has read anything.
	sending := json.NewEncoder(conn).Encode(r)
	for lines := json.NewDecoder(conn); ; {
		var line response
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
			return nil, errors.Join(fmt.Errorf("%s: farmproxy went without an answer; its log says why", path), sending)
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path, err)
		case line.Error != "":
			return line.Answer, Refused(line.Error)
		case line.Answer != nil:
			return line.Answer, nil
		case event != nil && line.Event != nil:
			if err := event(line.Event); err != nil {
				return nil, err
			}
		}
	}
}

// unreachable says what to do about a socket that can't be connected to.
func unreachable(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: this user may not use it: try sudo, or add the user to the socket's group", path)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		if why, ok := errors.AsType[syscall.Errno](err); ok {
			err = why // without the path again
		}
		return fmt.Errorf("%s: %w: %w", path, ErrNobody, err)
	default:
		return fmt.Errorf("%s: %w", path, err)
	}
}
