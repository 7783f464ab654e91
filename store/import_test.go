package store

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stratumProxy writes a database as the account proxy does.
func stratumProxy(t *testing.T, statements ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "proxy.db")
	db, err := sql.Open("sqlite", file)
	must(t, err)
	defer db.Close()
	for _, statement := range append([]string{
		"CREATE TABLE hashes (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE COLLATE NOCASE, divider REAL NOT NULL)",
		"CREATE TABLE pools (id INTEGER PRIMARY KEY, host TEXT NOT NULL COLLATE NOCASE, port TEXT NOT NULL COLLATE NOCASE, hash_id INTEGER NOT NULL)",
		"CREATE TABLE users (name TEXT PRIMARY KEY COLLATE NOCASE, pool_id INTEGER NOT NULL, user TEXT NOT NULL COLLATE NOCASE, password TEXT)",
	}, statements...) {
		_, err := db.Exec(statement)
		must(t, err)
	}
	return file
}

func TestImportStratumProxy(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s := withPools(t, d.open(t))
		here := mustRegister(t, s, "btc.example:3333", "here", "mine")
		file := stratumProxy(t,
			"INSERT INTO hashes VALUES (1, 'sha256', 1.0), (2, 'Scrypt', 65535), (3, 'groestl', 256)",
			"INSERT INTO pools VALUES (1, 'BTC.example', '3333', 1), (2, 'new.example', '25', 3), (3, 'ltc.example', 3333, 1), (4, 'bad host', '1', 1), (5, 'hashless.example', '7', 99)",
			`INSERT INTO users VALUES ('7804e4ad081dc330', 1, 'Farm', 'x'), ('7469e04c648902e5', 2, 'farm', NULL), ('7469e04c648902e6', 3, 'farm', 'pässword'),
				('7469e04c648902e7', 1, 'here', 'theirs'), ('7469e04c648902e8', 4, 'farm', 'x'), ('7469e04c648902e9', 1, '', 'x'), ('a.b', 1, 'dotted', 'x'),
				('7469e04c648902ea', 99, 'poolless', 'x'), ('7469e04c648902eb', 5, 'hashless', 'x')`)
		report, err := s.ImportStratumProxy(t.Context(), file)
		must(t, err)
		if report.Algorithms != 1 || report.Pools != 1 || report.Accounts != 3 || report.Known != 2 {
			t.Errorf("%+v", report)
		}
		lost, kept := strings.Join(report.Lost, "\n"), strings.Join(report.Kept, "\n")
		for _, part := range []string{"bad host", "hashless.example:7: its algorithm has no row in hashes (hash_id 99)", "7469e04c648902e7", here, "7469e04c648902e8", "7469e04c648902e9", "a.b",
			`"7469e04c648902ea" of user "poolless": its pool has no row in pools (pool_id 99)`, "7469e04c648902eb"} {
			if !strings.Contains(lost, part) {
				t.Errorf("what is lost does not tell of %s:\n%s", part, lost)
			}
		}
		for _, part := range []string{"algorithm scrypt", "pool ltc.example:3333"} {
			if !strings.Contains(kept, part) {
				t.Errorf("what is kept does not tell of %s:\n%s", part, kept)
			}
		}
		if len(report.Lost) != 8 || len(report.Kept) != 2 {
			t.Errorf("%d lost, %d kept, want 8 and 2:\n%s\n%s", len(report.Lost), len(report.Kept), lost, kept)
		}
		if strings.Contains(lost+kept, "theirs") {
			t.Errorf("a password is shown:\n%s", lost)
		}
		for name, want := range map[string][3]string{
			"7804e4ad081dc330": {"btc.example:3333", "Farm", "x"},
			"7469e04c648902e5": {"new.example:25", "farm", ""},
			"7469e04c648902e6": {"ltc.example:3333", "farm", "pässword"},
			here:               {"btc.example:3333", "here", "mine"},
		} {
			a := s.Snapshot().Account(name)
			if a == nil || [3]string{a.Pool, a.User, a.Password.Reveal()} != want {
				t.Errorf("%s: %+v, want %v", name, a, want)
			}
		}
		if a := s.Snapshot().Algorithm(s.Snapshot().Pool("new.example:25").Algorithm); a == nil || a.Divider != 256 {
			t.Errorf("the new pool has %+v", a)
		}
		// a client of the account proxy registers again and gets the old name
		if name := mustRegister(t, s, "btc.example:3333", "Farm", "changed"); name != "7804e4ad081dc330" {
			t.Errorf("registered again as %s", name)
		}
		again, err := s.ImportStratumProxy(t.Context(), file)
		must(t, err)
		if again.Algorithms+again.Pools+again.Accounts != 0 || again.Known != 7 || len(again.Lost) != len(report.Lost) || len(again.Kept) != len(report.Kept) {
			t.Errorf("imported again: %+v", again)
		}
		if p := s.Snapshot().Account("7804e4ad081dc330").Password.Reveal(); p != "changed" {
			t.Errorf("the second import has put the password back to %q", p)
		}
	})
}

func TestImportRefuses(t *testing.T) {
	s := (&testDatabase{url: "sqlite://" + filepath.Join(t.TempDir(), "f.db")}).open(t)
	text := filepath.Join(t.TempDir(), "text")
	must(t, os.WriteFile(text, []byte("no database, but of some length, so that it is read as one"), 0o600))
	for _, file := range []string{filepath.Join(t.TempDir(), "none.db"), text, t.TempDir()} {
		_, err := s.ImportStratumProxy(t.Context(), file)
		wants(t, file, err, ErrBadValue)
	}
	if exists("none.db") {
		t.Error("a file was made")
	}
}

// Every row of the old database is counted: new, known, kept or lost. Damaged rows do
// not stop the others.
func TestImportAccountsForEveryRow(t *testing.T) {
	s := newSQLite(t).open(t)
	file := stratumProxy(t,
		"DROP TABLE hashes", "CREATE TABLE hashes (id INTEGER PRIMARY KEY, hash, divider)",
		"DROP TABLE pools", "CREATE TABLE pools (id INTEGER PRIMARY KEY, host, port, hash_id)",
		"DROP TABLE users", "CREATE TABLE users (name, pool_id, user, password)",
		"INSERT INTO hashes VALUES (1, 'sha256', 1), (2, NULL, 1), (3, 'scrypt', NULL), (4, 'x11', 'nonsense')",
		"INSERT INTO pools VALUES (1, 'a.example', '1', 1), (2, NULL, '1', 1), (3, 'b.example', NULL, 1), (4, 'c.example', '1', NULL), (5, 'd.example', '1', 2)",
		"INSERT INTO users VALUES ('one', 1, 'one', 'x'), (NULL, 1, 'two', 'x'), ('three', NULL, 'three', 'x'), ('four', 1, NULL, 'x'), ('five', 1, 'five', NULL), ('six', 2, 'six', 'x'), ('seven', 7, 'seven', 'x')")
	r, err := s.ImportStratumProxy(t.Context(), file)
	must(t, err)
	if r.Algorithms != 1 || r.Pools != 1 || r.Accounts != 2 || r.Known != 0 || len(r.Kept) != 0 || len(r.Lost) != 3+4+5 {
		t.Errorf("%d algorithms, %d pools, %d accounts, %d known, %d kept, %d lost of 4, 5 and 7:\n%s",
			r.Algorithms, r.Pools, r.Accounts, r.Known, len(r.Kept), len(r.Lost), strings.Join(r.Lost, "\n"))
	}
}
