package doctor

import (
	"fmt"
	"strings"
)

// State is how bad a finding is.
type State string

const (
	OK      State = "ok"
	Warning State = "warning" // farmproxy works, but not as well as it could, or not for long
	Problem State = "problem" // miners do without something
)

// Finding is one thing that was looked at.
type Finding struct {
	About string `json:"about"` // limits, kernel, clock, dns, disk, certificate, configuration, or a pool's key
	State State  `json:"state"`
	Says  string `json:"says"`
	Cure  []Step `json:"cure,omitempty"` // in this order; none if it is well
}

// Step is a part of a cure. Exactly one field is set.
type Step struct {
	Run string `json:"run,omitempty"` // a command for root's shell
	Set string `json:"set,omitempty"` // a key of the configuration with its new value
	Do  string `json:"do,omitempty"`  // anything else
}

// String returns the finding as lines for people; each step of the cure is one.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-8s %-13s %s\n", f.State, f.About, f.Says)
	for _, s := range f.Cure {
		switch {
		case s.Run != "":
			fmt.Fprintf(&b, "%23srun: %s\n", "", s.Run)
		case s.Set != "":
			fmt.Fprintf(&b, "%23sset: %s\n", "", s.Set)
		default:
			fmt.Fprintf(&b, "%23s%s\n", "", s.Do)
		}
	}
	return b.String()
}

func run(format string, args ...any) Step { return Step{Run: fmt.Sprintf(format, args...)} }
func set(format string, args ...any) Step { return Step{Set: fmt.Sprintf(format, args...)} }
func do(format string, args ...any) Step  { return Step{Do: fmt.Sprintf(format, args...)} }
