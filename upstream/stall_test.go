package upstream

import (
	"testing"
	"testing/synctest"
	"time"
)

// A process that was stopped for longer than failover.silence finds that no job has come,
// since it has read none: the pool keeps its link.
func TestAStopIsNoSilence(t *testing.T) {
	inFarm(t, "a b", func(f *farm) {
		f.o.Failover.Silence = 3 * time.Minute
		f.start()
		a, b := f.pools[0], f.pools[1]
		f.after(time.Minute) // both are known to be healthy
		link, dials := a.lane(), b.dialled()
		link.job(false)
		synctest.Wait()
		f.directory.still.freeze() // as long as that no supervisor does anything
		f.after(f.o.Failover.Silence + time.Minute)
		f.directory.still.thaw()
		synctest.Wait()
		link.job(false) // was in the kernel
		f.after(10 * time.Second)
		equal(t, "the pool that serves", f.directory.goal("").list()[0].serves(), true)
		equal(t, "its link is the same", a.lane() == link, true)
		if n := b.dialled() - dials; n > 1 {
			t.Errorf("the other pool was dialled %d times, want no more than its probe", n)
		}
	})
}
