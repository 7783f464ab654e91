package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"farmproxy/plain"
)

// finding is what a rule finds about one subject.
type finding struct {
	subject string // a pool, a group, a file; "": the farm
	text    string // what is wrong, in words
	notices []Notice
	within  bool // the threshold: only pages speak of it
}

// Notice is a sentence for a page about what is wrong now.
type Notice struct {
	Severe bool
	Text   string
}

// look is what rules see.
type look struct {
	*Facts
	now       time.Time
	zone      *time.Location
	threshold float64 // of the rule that is asked
	pools     map[string]*past
	known     []string // hosts of pools
	set       time.Time
	setBy     time.Duration
}

// curtailed reports whether the miners of a group are off on purpose.
func (k *look) curtailed(group string) bool {
	_, all := k.Curtailed[""]
	_, this := k.Curtailed[group]
	return all || this
}

func findNotReady(k *look) []finding {
	if k.NotReady == "" {
		return nil
	}
	return []finding{{text: "Miners get no work: " + k.NotReady}}
}

func findPoolsDown(k *look) (found []finding) {
	for i := range k.Pools {
		if p := &k.Pools[i]; !p.Up && !p.LeftAlone && p.Trouble != "" {
			found = append(found, finding{subject: p.Name, text: fmt.Sprintf("Pool %s is down: %s", p.Name, p.Trouble)})
		}
	}
	return found
}

func findFull(k *look) []finding {
	if k.MinersMax <= 0 || k.Miners < k.MinersMax {
		return nil
	}
	return []finding{{text: fmt.Sprintf("farmproxy is full: %s are connected, and there is no room for more", plain.Several(int(k.Miners), "miner"))}}
}

// findHashRate compares the farm with its own past; groups that are off on purpose are left
// out on both sides.
func findHashRate(k *look) []finding {
	if k.curtailed("") || k.Workers == nil {
		return nil
	}
	rate, usual := 0.0, k.Usual.Farm
	for name, g := range k.Workers.groups {
		if k.curtailed(name) {
			usual -= k.Usual.Groups[name]
		} else {
			rate += g.hashRate
		}
	}
	if usual <= 0 || rate >= k.threshold*usual {
		return nil
	}
	return []finding{{text: "The farm hashes " + ofUsual(rate, usual)}}
}

func findGroupHashRates(k *look) (found []finding) {
	for _, name := range k.Workers.byMissing() {
		g, usual := k.Workers.groups[name], k.Usual.Groups[name]
		if name == "" || usual <= 0 || g.hashRate >= k.threshold*usual || g.down() || k.curtailed(name) {
			continue
		}
		found = append(found, finding{subject: name, text: fmt.Sprintf("Group %s hashes %s", name, ofUsual(g.hashRate, usual))})
	}
	return found
}

func ofUsual(rate, usual float64) string {
	return fmt.Sprintf("%s, %s %% of its usual %s", plain.HashRate(rate), plain.Percent(rate/usual, 0), plain.HashRate(usual))
}

func findGroupsDown(k *look) (found []finding) {
	for _, name := range k.Workers.byMissing() {
		if g := k.Workers.groups[name]; name != "" && g.down() && !k.curtailed(name) {
			found = append(found, finding{subject: name, text: k.words(name)})
		}
	}
	return found
}

// overGroupDown says how many are up: the rest may still be missing.
func overGroupDown(k *look, name string) string {
	if k.Workers == nil || k.Workers.groups[name] == nil {
		return fmt.Sprintf("Group %s has no workers any more", name)
	}
	switch g := k.Workers.groups[name]; {
	case g.up == 0 && g.missing == 0:
		return fmt.Sprintf("Group %s has been down for more than a day, which is no news any more", name)
	case g.missing == 0:
		return fmt.Sprintf("Workers of group %s are up again", name)
	default:
		return fmt.Sprintf("%s of %s workers of group %s are up", plain.Count(g.up), plain.Count(g.all()), name)
	}
}

// severeMissing is the part of a group's workers that a page calls severe.
const severeMissing = 0.1

// findWorkersDown is one finding, however many are missing, with a sentence for each group.
// Groups without any worker up have a rule of their own.
func findWorkersDown(k *look) []finding {
	all, missing := 0, 0
	var f finding
	var texts []string
	for _, name := range k.Workers.byMissing() {
		g := k.Workers.groups[name]
		if k.curtailed(name) {
			continue
		}
		all += g.all()
		if g.missing == 0 || name != "" && g.down() {
			continue
		}
		missing += g.missing
		text := k.words(name)
		texts = append(texts, text)
		f.notices = append(f.notices, Notice{float64(g.missing) >= severeMissing*float64(g.all()), text})
	}
	if missing == 0 {
		return nil
	}
	f.text = listed(texts, ". ")
	f.within = float64(missing) <= k.threshold*float64(all)
	return []finding{f}
}

// overWorkersDown says how many are up, since some may be down for so long that they are no
// news any more.
func overWorkersDown(k *look, _ string) string {
	text, old := fmt.Sprintf("%s of %s workers are up", plain.Count(k.Workers.Up), plain.Count(k.Workers.Up+k.Workers.Down)), k.Workers.Down
	for _, g := range k.Workers.groups {
		old -= g.missing
	}
	if old > 0 {
		text += fmt.Sprintf("; %s have been down for more than a day, which is no news any more", plain.Count(old))
	}
	return text
}

func findWorkersSlow(k *look) []finding {
	all, slow := 0, 0
	var parts []string
	for _, name := range k.Workers.byMissing() {
		g := k.Workers.groups[name]
		if k.curtailed(name) {
			continue
		}
		all += g.all()
		slow += g.slow
		if g.slow > 0 && name != "" {
			parts = append(parts, fmt.Sprintf("%s of group %s", plain.Count(g.slow), name))
		}
	}
	if slow == 0 || float64(slow) <= k.threshold*float64(all) {
		return nil
	}
	text := fmt.Sprintf("%s of %s workers hash less than half of their own usual", plain.Count(slow), plain.Count(all))
	if len(parts) > 0 {
		text += ": " + listed(parts, ", ")
	}
	return []finding{{text: text}}
}

// mostListed bounds what a sentence lists.
const mostListed = 20

// listed joins texts, and says how many there are beyond those.
func listed(texts []string, between string) string {
	more := len(texts) - mostListed
	if more > 0 {
		texts = append(slices.Clone(texts[:mostListed]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, between)
}

// enoughShares is how many shares in 10 minutes tell a rate of rejects.
const enoughShares = 100

func findRejects(k *look) (found []finding) {
	for i := range k.Pools {
		p := &k.Pools[i]
		rejected, all := k.pools[p.Name].shares.since()
		if all >= enoughShares && float64(rejected) > k.threshold*float64(all) {
			found = append(found, finding{subject: p.Name, text: fmt.Sprintf("Pool %s rejects %s %% of the shares", p.Name, plain.Percent(float64(rejected)/float64(all), 1))})
		}
	}
	return found
}

// enoughBlocks is how many blocks tell whether a pool is late.
const enoughBlocks = 6

func findLatePools(k *look) (found []finding) {
	for i := range k.Pools {
		p := &k.Pools[i]
		late, told := k.pools[p.Name].blocks.since()
		if told >= enoughBlocks && 2*late > told {
			found = append(found, finding{subject: p.Name, text: fmt.Sprintf("Pool %s told of %s of %s new blocks more than %g s after the first pool", p.Name, plain.Count(late), plain.Count(told), k.threshold)})
		}
	}
	return found
}

func findFewerBits(k *look) (found []finding) {
	for i := range k.Pools {
		p := &k.Pools[i]
		if times, _ := k.pools[p.Name].bits.since(); times > 0 {
			found = append(found, finding{subject: p.Name, text: fmt.Sprintf("Pool %s grants fewer version bits than before", p.Name)})
		}
	}
	return found
}

func findUnlistedPools(k *look) (found []finding) {
	if len(k.known) == 0 {
		return nil
	}
	for i := range k.Pools {
		if p := &k.Pools[i]; p.InUse && !slices.Contains(k.known, strings.ToLower(p.Host)) {
			found = append(found, finding{subject: p.Name, text: fmt.Sprintf("Miners work at pool %s, at %s, which is not in alerts.known_pools", p.Name, p.Host)})
		}
	}
	return found
}

func findUnlistedWorkers(k *look) []finding {
	w := k.Workers
	if w == nil || !w.listed || w.unlisted == 0 {
		return nil
	}
	names := slices.Sorted(slices.Values(w.strangers))
	if w.unlisted == 1 {
		return []finding{{text: fmt.Sprintf("Worker %s mines, and is not on the roster's list", names[0])}}
	}
	if more := w.unlisted - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return []finding{{text: fmt.Sprintf("%s workers mine that are not on the roster's list: %s", plain.Count(w.unlisted), strings.Join(names, ", "))}}
}

func findDescriptors(k *look) []finding {
	if f := k.Files; f.Limit > 0 && float64(f.Open) > k.threshold*float64(f.Limit) {
		return []finding{{text: fmt.Sprintf("farmproxy has %s of %s file descriptors open", plain.Count(f.Open), plain.Count(f.Limit))}}
	}
	return nil
}

// leastFree is what a disk needs whatever its size: below it little can be written.
const leastFree = 100 << 20

func findDisks(k *look) (found []finding) {
	for _, d := range k.Disks {
		switch {
		case d.Total == 0: // not known
		case d.NoInodes:
			found = append(found, finding{subject: d.Dir, text: fmt.Sprintf("The disk of %s has no free inode: no file can be made", d.Dir)})
		case d.Free < leastFree || float64(d.Free) < k.threshold*float64(d.Total):
			found = append(found, finding{subject: d.Dir, text: fmt.Sprintf("The disk of %s has %s MB free of %s", d.Dir, plain.Count(d.Free>>20), plain.Count(d.Total>>20))})
		}
	}
	return found
}

// ofPool is before a pool's name where the subject of another alert of the rule is a file.
const ofPool = "pool "

func findCertificates(k *look) (found []finding) {
	add := func(subject, what string, ends time.Time, soon, late string) {
		const day = 24 * time.Hour
		left := ends.Sub(k.now)
		if left.Hours() >= k.threshold*day.Hours() {
			return
		}
		text := fmt.Sprintf("%s ends on %s, in %d days", what, ends.In(k.zone).Format(time.DateOnly), left/day) + soon
		if left <= 0 {
			text = fmt.Sprintf("%s has ended on %s", what, ends.In(k.zone).Format(time.DateOnly)) + late
		}
		found = append(found, finding{subject: subject, text: text})
	}
	for _, file := range slices.Sorted(maps.Keys(k.Certificates)) {
		add(file, "The certificate "+file, k.Certificates[file], "", "")
	}
	for i := range k.Pools {
		p := &k.Pools[i]
		soon, late := ": from then on new links to it are refused", ": new links to it are refused"
		if p.Pinned {
			soon = ": it is pinned, so a renewed one is refused until tls_fingerprint has its fingerprint"
			late = soon
		}
		what := "The certificate of pool " + p.Name
		if p.CertificateSigner != "" {
			what = "The certificate " + plain.Text(p.CertificateSigner) + ", which stands behind that of pool " + p.Name + ","
		}
		if !p.CertificateEnds.IsZero() {
			add(ofPool+p.Name, what, p.CertificateEnds, soon, late)
		}
	}
	return found
}

// overCertificate says of which kind the certificate is.
func overCertificate(_ *look, subject string) string {
	if pool, is := strings.CutPrefix(subject, ofPool); is {
		return fmt.Sprintf("Pool %s shows a certificate that lasts, or is not there any more", pool)
	}
	return fmt.Sprintf("The certificate %s was renewed", subject)
}

// trouble is a finding about the whole farmproxy, if there is a reason for it.
func trouble(what, why string) []finding {
	if why == "" {
		return nil
	}
	return []finding{{text: what + ": " + why}}
}

func findReload(k *look) []finding {
	return trouble("The configuration was not loaded", k.Reload)
}

func findStore(k *look) []finding {
	return trouble("The database of accounts is away", k.Store)
}

func findHistory(k *look) []finding {
	return trouble("The history is not written", k.History)
}

// setTime is how long it is said that the clock was set.
const setTime = time.Hour

func findClockSet(k *look) []finding {
	if k.set.IsZero() || k.now.Sub(k.set) > setTime {
		return nil
	}
	way := "forward"
	if k.setBy < 0 {
		way = "back"
	}
	return []finding{{text: fmt.Sprintf("The clock was set %s by %s at %s", way, k.setBy.Abs().Round(time.Second), k.set.In(k.zone).Format("15:04"))}}
}

func findClock(k *look) []finding {
	if !k.Unsynced {
		return nil
	}
	return []finding{{text: "Nothing keeps this machine's clock right"}}
}
