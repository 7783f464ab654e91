package admin

import (
	"encoding/json"
	"fmt"
	"net"
	"time"
)

// writeTime bounds the writing of a line: the reader is a process on this machine.
const writeTime = 10 * time.Second

// Call is one request. Its methods are for the goroutine that runs the command.
type Call struct {
	Command string
	Peer    Peer // who asks

	args json.RawMessage
	conn net.Conn
}

// Args decodes the arguments into a pointer to a struct. What the struct does not have is
// an error.
func (c *Call) Args(into any) error {
	if len(c.args) == 0 {
		return nil
	}
	if err := strictly(c.args, into); err != nil {
		return fmt.Errorf("the arguments of %s: %w; is the farmproxy that asks of the same version?", c.Command, err)
	}
	return nil
}

// Send sends an event, before the answer: how far the command is, or another line of what
// it watches. An error means that the client is gone; what only watches ends then, and what
// changes something may go on.
func (c *Call) Send(event any) error {
	line, err := lineOf(event, nil, nil)
	if err != nil {
		return err
	}
	return c.write(line)
}

// finish sends the last line.
func (c *Call) finish(answer any, err error) error {
	if answer == nil && err == nil {
		answer = struct{}{}
	}
	line, broken := lineOf(nil, answer, err)
	if broken != nil {
		return broken
	}
	return c.write(line)
}

func (c *Call) write(line []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	_, err := c.conn.Write(line)
	return err
}
