package pool

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"farmproxy/bench/proof"
	"farmproxy/bench/wait"
	"farmproxy/bench/wire"
)

// Script is a list of timed troubles for a Pool.
type Script []step

type step struct {
	at   time.Duration // since the script's start
	text string
	do   func(context.Context, *Pool) error
}

// ScriptHelp describes what ParseScript accepts.
const ScriptHelp = `Faults, separated by semicolons or one per line. "at 10s" before a fault is its
time since the start; a fault without a time follows the one before it at once:
  drop               close all links
  silent 30s         keep the links, but send nothing for this long
  down [20s]         close all links and the port, for this long (the next fault
                     waits) or until "up"
  up                 listen again
  forget             existing sessions cannot be resumed
  difficulty 0.001   new difficulty from the next job on
  mask 1fffe000      new mask of version bits, at once
  extranonce2 4      new size in bytes for new sessions; forgets existing ones
  reject 0.1         reject this fraction of valid shares
  job [clean]        send a new job
  raw LINE           send a line as it is
To agents only:
  workers 3          difficulty 2^3 for each worker from the next job on; 3..9:
                     one of 2^3 to 2^9, by the worker's name; off: no more
  frame 7f04...      send these bytes as they are
  strange KIND       length: frames of wrong lengths; unknown: frames of unknown
                     types; sessions: a difficulty for unknown sessions;
                     response: an answer to a share never sent; half: half a
                     frame, then nothing more
`

// ParseScript parses a script; its errors name the trouble and what it expects.
func ParseScript(text string) (Script, error) {
	var script Script
	var at time.Duration
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '\n' }) {
		words := strings.Fields(part)
		if len(words) >= 2 && words[0] == "at" {
			d, err := time.ParseDuration(words[1])
			if err != nil || d < at {
				return nil, fmt.Errorf("script: at: want a time like 10s, not before the one in front of it, got %q", words[1])
			}
			at, words = d, words[2:]
		}
		if len(words) == 0 {
			continue
		}
		do, err := parseTrouble(words[0], words[1:])
		if err != nil {
			return nil, fmt.Errorf("script: %w", err)
		}
		script = append(script, step{at, strings.Join(words, " "), do})
	}
	return script, nil
}

func parseTrouble(name string, args []string) (func(context.Context, *Pool) error, error) {
	arg := strings.Join(args, " ")
	simple := func(f func(p *Pool)) (func(context.Context, *Pool) error, error) {
		if len(args) > 0 {
			return nil, fmt.Errorf("%s: wants nothing after it, got %q", name, arg)
		}
		return func(_ context.Context, p *Pool) error { f(p); return nil }, nil
	}
	switch name {
	case "drop":
		return simple((*Pool).DropLinks)
	case "forget":
		return simple((*Pool).ForgetSessions)
	case "up":
		return func(_ context.Context, p *Pool) error { return p.Start() }, nil
	case "down":
		if len(args) == 0 {
			return simple((*Pool).Stop)
		}
		d, err := time.ParseDuration(arg)
		return func(ctx context.Context, p *Pool) error { return p.downFor(ctx, d) }, wants(err, name, "a time like 20s", arg)
	case "silent":
		d, err := time.ParseDuration(arg)
		return func(_ context.Context, p *Pool) error { p.GoSilent(d); return nil }, wants(err, name, "a time like 30s", arg)
	case "difficulty":
		d, err := strconv.ParseFloat(arg, 64)
		return func(_ context.Context, p *Pool) error { return p.SetDifficulty(d) }, wants(err, name, "a number above 0", arg)
	case "reject":
		fraction, err := strconv.ParseFloat(arg, 64)
		return func(_ context.Context, p *Pool) error { return p.Reject(fraction) }, wants(err, name, "a fraction from 0 to 1", arg)
	case "extranonce2":
		n, err := strconv.Atoi(arg)
		return func(_ context.Context, p *Pool) error { return p.SetExtranonce2Size(n) }, wants(err, name, "a number of bytes", arg)
	case "mask":
		mask, err := proof.ParseWord(arg)
		return func(_ context.Context, p *Pool) error { p.SetMask(mask); return nil }, wants(err, name, "8 hex digits", arg)
	case "job":
		if arg != "" && arg != "clean" {
			return nil, wants(strconv.ErrSyntax, name, `nothing or "clean"`, arg)
		}
		return func(_ context.Context, p *Pool) error { p.Job(arg == "clean"); return nil }, nil
	case "workers":
		own, err := parseExponents(arg)
		return func(_ context.Context, p *Pool) error { p.SetWorkerDifficulty(own); return nil }, err
	case "frame":
		data, err := hex.DecodeString(arg)
		return func(_ context.Context, p *Pool) error { p.RawFrame(data, false); return nil }, wants(err, name, "hex digits", arg)
	case "strange":
		data, ok := strangeFrames[arg]
		if !ok {
			return nil, wants(strconv.ErrSyntax, name, "length, unknown, sessions, response or half", arg)
		}
		return func(_ context.Context, p *Pool) error { p.RawFrame(data, arg == "half"); return nil }, nil
	case "raw":
		return func(_ context.Context, p *Pool) error { p.Raw(arg); return nil }, nil
	}
	return nil, fmt.Errorf("%q: no such trouble; there are drop, silent, down, up, forget, difficulty, mask, extranonce2, reject, job, raw, workers, frame and strange", name)
}

// parseExponents parses the argument of "workers".
func parseExponents(arg string) (own func(worker string) uint8, err error) {
	if arg == "off" {
		return nil, nil
	}
	first, last, isRange := strings.Cut(arg, "..")
	if !isRange {
		last = first
	}
	low, err1 := strconv.ParseUint(first, 10, 8)
	high, err2 := strconv.ParseUint(last, 10, 8)
	if err1 != nil || err2 != nil || low > high || high > wire.MaxExponent {
		return nil, wants(strconv.ErrSyntax, "workers", fmt.Sprintf("an exponent from 0 to %d, a range like 3..9, or off", wire.MaxExponent), arg)
	}
	return SpreadExponents(uint8(low), uint8(high)), nil
}

// strangeFrames are frames that no pool should send, by kind.
var strangeFrames = map[string][]byte{
	"length": slices.Concat(
		[]byte{wire.Magic, byte(wire.FrameResponse), 9, 0, 0, 0, 1, 2, 3},           // a byte short
		[]byte{wire.Magic, byte(wire.FrameSetDifficulty), 9, 0, 5, 9, 0, 1, 0},      // claims nine sessions
		[]byte{wire.Magic, byte(wire.FrameSetDifficulty), 5, 0, 5},                  // claims none
		[]byte{wire.Magic, byte(wire.FrameResponse), 11, 0, 0, 0, 1, 2, 3, 4, 0xff}, // a byte too much
	),
	"unknown": slices.Concat(
		[]byte{wire.Magic, 0x7e, 6, 0, 1, 2},
		[]byte{wire.Magic, 0x22, 8, 0, 1, 2, 3, 4}, // Ethereum's extranonce
		wire.UnregisterFrame(1),                    // only ever sent up
	),
	"sessions": wire.DifficultyFrames(7, []uint16{0xfffe, 0xfff0, 0xffff}),
	"response": wire.ResponseFrame(0x8000, wire.StatusAccept),
	"half":     wire.ResponseFrame(0, wire.StatusAccept)[:6],
}

// RawFrame sends bytes unchanged to all agents; mute sends nothing after them.
func (p *Pool) RawFrame(data []byte, mute bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if l.agent != nil && l.ready {
			l.send(data)
			l.mute.Store(mute)
		}
	}
}

// wants returns nil if err is nil, and otherwise tells the operator what was expected.
func wants(err error, name, what, got string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: want %s, got %q", name, what, got)
}

// downFor stops p for d.
func (p *Pool) downFor(ctx context.Context, d time.Duration) error {
	p.Stop()
	if err := wait.For(ctx, d); err != nil {
		return err
	}
	return p.Start()
}

// Run takes p through the script and reports each step. It returns at the end of the
// script, at its first error, or with that of ctx.
func (s Script) Run(ctx context.Context, p *Pool, tell func(string)) error {
	start := time.Now()
	for _, step := range s {
		if d := time.Until(start.Add(step.at)); d > 0 {
			if err := wait.For(ctx, d); err != nil {
				return err
			}
		}
		tell(step.text)
		if err := step.do(ctx, p); err != nil {
			return fmt.Errorf("script: %s: %w", step.text, err)
		}
	}
	return nil
}
