package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"farmproxy/proxy"
	"farmproxy/top"
)

const topAbout = `The farm in the terminal, live, as on the page: what is wrong now, hash rates, pools and routes, what happened; and all workers, filtered as you type and sorted by any column, with a worker's detail; and the groups. It changes nothing. ? lists the keys; q ends.

It is for ssh: 80 columns and 24 lines are enough. Without -url it uses the admin socket, and needs neither HTTP nor a token:

  ssh -t box sudo farmproxy top
  farmproxy top -url https://box:8080 -token-file ~/.farmproxy-token

Colours repeat what words say; NO_COLOR=1 turns them off.`

func topCommand(flags *flag.FlagSet) run {
	a := asking{file: configFlag(flags), socket: socketFlag(flags), json: new(bool)}
	address := flags.String("url", "", "the `URL` of the page of a farmproxy elsewhere, as https://box:8080, instead of a socket here")
	tokenFile := flags.String("token-file", "", "a `FILE` with a token for -url: read is enough")
	return func(ctx context.Context, args []string, t terminal) int {
		if code, ok := takesNothing("top", args, t); !ok {
			return code
		}
		var source top.Source = socketSource{a}
		switch {
		case *address != "":
			token, err := readToken(*tokenFile)
			if err == nil {
				source, err = top.Remote(*address, token)
			}
			if err != nil {
				return misused(t, "top", "%w", err)
			}
		case *tokenFile != "":
			return misused(t, "top", "-token-file is for -url: over a socket there are no tokens")
		}
		if err := top.Run(ctx, source, os.Stdin, t.out); err != nil {
			fmt.Fprintf(t.err, "farmproxy top: %v\n", err)
			return exitFailed
		}
		return exitOK
	}
}

// readToken returns the token in a file, alone or behind what it allows, as in the token
// file of farmproxy; "": no file.
func readToken(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("-token-file: %w", err)
	}
	switch words := strings.Fields(string(text)); {
	case len(words) == 1:
		return words[0], nil
	case len(words) == 2 && (words[0] == "read" || words[0] == "admin"):
		return words[1], nil
	}
	return "", errors.New("-token-file: expected one line with the token, as TOKEN or read TOKEN")
}

// socketSource is the farmproxy behind the admin socket.
type socketSource struct{ asking }

func (s socketSource) Live(ctx context.Context, tell func(json.RawMessage) error) error {
	_, err := s.ask(ctx, "live", nil, tell)
	if err == nil {
		err = errors.New("farmproxy has ended the stream")
	}
	return err
}

func (s socketSource) Get(ctx context.Context, path string) (json.RawMessage, error) {
	return s.ask(ctx, "get", proxy.GetArgs{Path: path}, nil)
}
