package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"farmproxy/bench/api"
	"farmproxy/bench/heir"
	"farmproxy/bench/wait"
)

// The stages of scenario upgrade beside the ways in which a new process may fail.
const (
	stageUpgrade  = "upgrade"   // it works, -rounds times
	stageFewFiles = "few-files" // the new process may have too few file descriptors
	stageNoFiles  = "no-files"  // the old one has none left
	stageFullDisk = "full-disk" // the state's
	stagePause    = "pause"     // the proxy is stopped for a while, as by a debugger or a host
	stageOrphan   = "orphan"    // the old process is killed when the new one has just begun
)

// fewFiles is the limit of stage few-files: enough to start, and too few for the miners.
const fewFiles = 200

// pauseTime is the length of stage pause.
const pauseTime = time.Minute

// catchUp is how much longer than the pause a miner waits after it: a minute's shares of
// all miners are ready at once then, and the fleet and the pool work on the same cores.
const catchUp = 5 * time.Second

// UpgradeStages returns the names of all stages of scenario upgrade.
func UpgradeStages() []string {
	all := []string{stageUpgrade}
	for _, f := range heir.Faults {
		all = append(all, string(f))
	}
	return append(all, stageFewFiles, stageNoFiles, stageFullDisk, stagePause, stageOrphan)
}

// takesLong reports whether a stage waits for a timeout.
func takesLong(stage string) bool {
	return stage == string(heir.Mute) || stage == string(heir.Asleep) || stage == stagePause
}

// stages returns those that were asked for, and one more upgrade: whatever failed, the
// next one works.
func (o Options) stages() []string {
	if o.Only != "" {
		return append(strings.Split(o.Only, ","), stageUpgrade)
	}
	stages := UpgradeStages()
	if o.Quick {
		stages = slices.DeleteFunc(stages, takesLong)
	}
	return append(stages, stageUpgrade)
}

// wrongStage returns an error that names a stage that does not exist.
func wrongStage(only string) error {
	if only == "" {
		return nil
	}
	all := UpgradeStages()
	for name := range strings.SplitSeq(only, ",") {
		if !slices.Contains(all, name) {
			return fmt.Errorf("want some of %s, separated by commas, got %q", strings.Join(all, ","), name)
		}
	}
	return nil
}

// upgrade replaces the running proxy under load, by itself and by programs that fail:
// no miner, no pool and no scrape may notice.
func (t *trial) upgrade(ctx context.Context) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	if err := t.load(ctx, t.o.Duration); err != nil {
		return err
	}
	for _, stage := range t.o.stages() {
		rounds := 1
		if stage == stageUpgrade {
			rounds = t.o.Rounds
		}
		for range rounds {
			if err := t.stage(ctx, stage); err != nil {
				return fmt.Errorf("stage %s: %w", stage, err)
			}
		}
	}
	t.settle(ctx)
	return t.finish()
}

// stage plays one stage and compares what was before with what is after.
func (t *trial) stage(ctx context.Context, name string) error {
	t.say("stage %s", name)
	breach := func(format string, args ...any) { t.breach("stage "+name+": "+format, args...) }
	before, err := t.look(ctx)
	if err != nil {
		return err
	}
	t.fleet.Books().ResetTrips()
	if name == stageOrphan {
		return t.orphan(ctx, breach)
	}
	knocks := func() (int, error) { return 1, nil }
	if name != stageNoFiles { // nor has it any for newcomers
		knocks = t.knock(ctx)
	}
	moved, patience, err := t.act(ctx, name, breach)
	if err == nil {
		err = wait.For(ctx, t.o.Calm) // for what comes late
	}
	tried, failed := knocks()
	if err != nil {
		return err
	}
	silence := t.fleet.Books().RoundTrip(1)
	t.fig.SilenceSeconds = max(t.fig.SilenceSeconds, (silence - patience).Seconds())
	if silence > t.o.Silence+patience {
		breach("a miner waited for its answer for %v, want %v at most", silence.Round(time.Millisecond), t.o.Silence+patience)
	}
	if failed != nil {
		breach("a newcomer was not served: %v", failed)
	}
	if tried == 0 {
		breach("no newcomer was served")
	}
	after, err := t.look(ctx)
	if err != nil {
		return err
	}
	t.compare(breach, before, after, moved)
	key, _, err := t.stand.Emit(true)
	if err != nil {
		return err
	}
	if _, err := t.arrives(ctx, key, t.o.Miners); err != nil {
		breach("the next job: %v", err)
	}
	return nil
}

// act does what the stage is about. moved says that another process serves now, and
// patience how much longer than usual a miner may wait.
func (t *trial) act(ctx context.Context, name string, breach func(string, ...any)) (moved bool, patience time.Duration, err error) {
	switch name {
	case stageFullDisk:
		free, err := t.stand.FillDisk()
		if err != nil {
			t.notes = append(t.notes, fmt.Sprintf("stage %s was left out: %v", name, err))
			return false, 0, nil
		}
		defer free()
		fallthrough
	case stageUpgrade:
		reset, err := t.leavers(ctx)
		if err != nil {
			return false, 0, err
		}
		u, err := t.stand.Upgrade(ctx)
		if err = errors.Join(err, reset()); err != nil {
			return false, 0, err
		}
		t.fig.PreparedSeconds = max(t.fig.PreparedSeconds, u.Prepared)
		t.fig.FrozenSeconds = max(t.fig.FrozenSeconds, u.Frozen)
		return true, 0, nil
	case stagePause:
		if err := t.stand.Child.Signal(syscall.SIGSTOP); err != nil {
			return false, 0, err
		}
		err := wait.For(ctx, pauseTime)
		return false, pauseTime + catchUp, errors.Join(err, t.stand.Child.Signal(syscall.SIGCONT))
	}
	if name == stageNoFiles {
		moved, err := t.starve(ctx, breach)
		return moved, 0, err
	}
	if name == string(heir.Asleep) {
		patience = oldPatience
	}
	return false, patience, t.fail(ctx, name, breach)
}

// fail has an upgrade fail.
func (t *trial) fail(ctx context.Context, name string, breach func(string, ...any)) error {
	switch name {
	case stageFewFiles:
		if err := t.stand.InstallScript(fmt.Sprintf(`ulimit -n %d; exec '%s' "$@"`, fewFiles, t.o.Exe)); err != nil {
			return err
		}
	default:
		if err := t.stand.InstallScript(fmt.Sprintf("exec '%s' bench heir -fault %s", t.o.Exe, name)); err != nil {
			return err
		}
	}
	if _, err := t.stand.Upgrade(ctx); err == nil {
		breach("farmproxy upgrade succeeded")
	} else {
		unchanged(err, breach)
	}
	return t.stand.Reinstall()
}

// unchanged checks what farmproxy upgrade says when it has failed.
func unchanged(err error, breach func(string, ...any)) {
	if !strings.Contains(err.Error(), "nothing has changed") {
		breach("farmproxy upgrade does not say that nothing has changed: %v", err)
	}
}

// starve leaves the old process one file descriptor more each time, until the upgrade
// works: so it lacks one at each step in turn.
func (t *trial) starve(ctx context.Context, breach func(string, ...any)) (moved bool, err error) {
	for n := 1; n < fewFiles; n++ { // the first is for the command itself
		relieve, err := t.stand.Child.Starve(n)
		if err != nil {
			return false, err
		}
		_, err = t.stand.Upgrade(ctx)
		if err == nil {
			return true, nil
		}
		if err := errors.Join(relieve(), ctx.Err()); err != nil {
			return false, err
		}
		unchanged(err, breach)
	}
	breach("%d file descriptors are not enough for an upgrade", fewFiles)
	return false, nil
}

// oldPatience is how long the old process stands still for one that takes nothing.
const oldPatience = 5 * time.Second

// sight is what is seen of the proxy from outside.
type sight struct {
	pid         int
	series      []api.Series
	disconnects int
	failures    int
}

func (t *trial) look(ctx context.Context) (s sight, err error) {
	client := api.At(t.stand.HTTP)
	var status struct {
		PID int `json:"pid"`
	}
	if err := client.Do(ctx, http.MethodGet, "/api/v1/status", http.StatusOK, nil, &status); err != nil {
		return s, err
	}
	s.pid = status.PID
	s.series, err = client.Series(ctx, "farmproxy_")
	total := t.fleet.Books().Total()
	s.disconnects, s.failures = total.Disconnects+total.Reconnects, total.Failures
	return s, err
}

// compare checks what may have changed between two sights.
func (t *trial) compare(breach func(string, ...any), before, after sight, moved bool) {
	t.undisturbed(breach, before, after)
	switch {
	case after.pid != t.stand.Child.PID():
		breach("process %d answers, want %d", after.pid, t.stand.Child.PID())
	case moved == (after.pid == before.pid):
		breach("process %d served before, and %d serves now", before.pid, after.pid)
	}
	for _, same := range []string{"farmproxy_miners_authorized", "farmproxy_workers_up", "farmproxy_link_connects_total", "farmproxy_link_up"} {
		x, _ := api.Sum(before.series, same)
		y, _ := api.Sum(after.series, same)
		if x != y {
			breach("%s was %v and is %v", same, x, y)
		}
	}
}

// undisturbed checks that no miner was disconnected between two sights, and that no
// counter went back.
func (t *trial) undisturbed(breach func(string, ...any), before, after sight) {
	if n := after.disconnects - before.disconnects; n > 0 {
		breach("%d miners lost their connection; the last: %s", n, t.fleet.Books().LastTrouble())
	}
	if n := after.failures - before.failures; n > 0 {
		breach("%d failed dials and handshakes; the last: %s", n, t.fleet.Books().LastTrouble())
	}
	back := api.WentBack(before.series, after.series)
	for i, what := range back {
		if i == 3 {
			breach("%d more counters went back", len(back)-i)
			break
		}
		breach("a counter went back: %s", what)
	}
}
