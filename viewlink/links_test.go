package viewlink

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func mustOpen(t *testing.T, path string) *Links {
	t.Helper()
	l, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustCreate(t *testing.T, l *Links, name string, until time.Time) (secret string) {
	t.Helper()
	_, secret, err := l.Create(name, "ann", noon, until)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func wantAllows(t *testing.T, l *Links, secret string, now time.Time, want string) {
	t.Helper()
	if name, ok := l.Allows(secret, now); name != want || ok != (want != "") {
		t.Errorf("at %v it is %q's, want %q's", now, name, want)
	}
}

// A link works until its time is over or it is revoked, also after a restart. The file has
// no secret, and is nobody else's business.
func TestLinksWorkAndEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "links")
	l := mustOpen(t, path)
	wall, guest := mustCreate(t, l, "wall", time.Time{}), mustCreate(t, l, "guest", noon.Add(time.Hour))
	for range 2 { // as made, and as read from the file
		wantAllows(t, l, wall, noon.AddDate(5, 0, 0), "wall")
		wantAllows(t, l, guest, noon.Add(time.Hour-1), "guest")
		wantAllows(t, l, guest, noon.Add(time.Hour), "")
		wantAllows(t, l, "", noon, "")
		wantAllows(t, l, wall[1:], noon, "")
		if got := fmt.Sprint(l.List(noon)); got != "[{guest ann 2026-11-26 12:00:00 +0000 UTC 2026-11-26 13:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC} {wall ann 2026-11-26 12:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC}]" {
			t.Error(got)
		}
		if n := len(l.List(noon.Add(time.Hour))); n != 1 {
			t.Errorf("%d links are listed once one is over", n)
		}
		l = mustOpen(t, path)
	}
	text, _ := os.ReadFile(path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || strings.Contains(string(text), wall) {
		t.Errorf("%v %v %s", info, err, text)
	}
	if err := l.Revoke("wall", noon); err != nil {
		t.Fatal(err)
	}
	wantAllows(t, l, wall, noon, "")
	wantAllows(t, mustOpen(t, path), wall, noon, "")
	if err := l.Revoke("wall", noon); !errors.Is(err, ErrUnknown) {
		t.Errorf("revoked twice: %v", err)
	}
}

// What can't be done says why, and changes nothing.
func TestLinksRefuse(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, filepath.Join(dir, "links"))
	f := func(l *Links, name, want string) {
		t.Helper()
		if _, _, err := l.Create(name, "ann", noon, time.Time{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
	mustCreate(t, l, "wall", time.Time{})
	f(l, "wall", "exists")
	f(l, "", "name: expected 1 to 32 letters")
	f(l, "a b", "name: expected")
	f(l, "a/b", "name: expected")
	f(l, strings.Repeat("x", 33), "name: expected")
	l.Freeze(true)
	f(l, "other", "taking over")
	l.Freeze(false)
	mustCreate(t, l, "old", noon.Add(-time.Hour))
	mustCreate(t, l, "old", time.Time{}) // the time of the one before is over
	for i := range MaxLinks - 2 {
		mustCreate(t, l, fmt.Sprint("n", i), time.Time{})
	}
	f(l, "other", "no more: revoke some")
	f(new(Links), "wall", "set it to make one")
	gone := mustOpen(t, filepath.Join(dir, "none", "links"))
	f(gone, "wall", "nothing has changed")
	if len(gone.List(noon)) > 0 {
		t.Error("a link that could not be written down is there")
	}
}

// A file that can't be used is left alone, and lets nobody in.
func TestLinksOfABrokenFile(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "links")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(path)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		if _, _, err := l.Create("x", "ann", noon, time.Time{}); err == nil {
			t.Errorf("%s: a link was made", text)
		}
		if now, _ := os.ReadFile(path); string(now) != text {
			t.Errorf("%s was changed to %s", text, now)
		}
	}
	f("{", "unexpected end")
	f(`{"version":2,"links":[]}`, "expected version 1, got 2")
	f(`{"version":1,"links":[{"name":"x","sha256":"00"}]}`, "64 hexadecimal digits")
}

// Another process that takes over finds what this one has done meanwhile.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "links")
	before, after := mustOpen(t, path), mustOpen(t, path)
	secret := mustCreate(t, before, "wall", time.Time{})
	wantAllows(t, after, secret, noon, "")
	if err := after.Reopen(); err != nil {
		t.Fatal(err)
	}
	wantAllows(t, after, secret, noon, "wall")
}

// The last time that the page was opened with a link is known.
func TestOpened(t *testing.T) {
	l := mustOpen(t, filepath.Join(t.TempDir(), "links"))
	mustCreate(t, l, "wall", time.Time{})
	if before := l.Opened("wall", noon); !before.IsZero() {
		t.Errorf("before it was opened: %v", before)
	}
	if before := l.Opened("wall", noon.Add(time.Hour)); !before.Equal(noon) || !l.List(noon)[0].Used.Equal(noon.Add(time.Hour)) {
		t.Errorf("%v, %v", before, l.List(noon))
	}
	l.Opened("nobody", noon)
}

// While a disk takes nothing, links work as before, and whoever makes one gets an answer; so
// does an upgrade. What was written after all, is there.
func TestADiskThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustOpen(t, filepath.Join(t.TempDir(), "links"))
		secret := mustCreate(t, l, "wall", time.Time{})
		back := make(chan struct{})
		l.write = func(string, []entry) error { <-back; return nil }
		for range 2 { // the second waits for the first
			if _, _, err := l.Create("guest", "ann", noon, time.Time{}); !errors.Is(err, ErrSlow) {
				t.Errorf("made: %v", err)
			}
		}
		began := time.Now()
		wantAllows(t, l, secret, noon, "wall")
		l.Opened("wall", noon.Add(time.Minute))
		if waited := time.Since(began); waited > 0 || len(l.List(noon)) != 1 {
			t.Errorf("a request waited %v; %v", waited, l.List(noon))
		}
		l.Freeze(true)
		if waited := time.Since(began); waited != partingTime {
			t.Errorf("an upgrade waited %v", waited)
		}
		l.Freeze(false)
		close(back)
		synctest.Wait()
		if list := l.List(noon); len(list) != 2 || !list[1].Used.Equal(noon.Add(time.Minute)) {
			t.Errorf("once it is back: %v", list)
		}
		if err := l.Revoke("guest", noon); err != nil {
			t.Error(err)
		}
	})
}
