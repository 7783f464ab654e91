package store

import (
	"fmt"
	"strings"
	"testing"
)

// wantsSame fails unless what would be refused is refused in the same words.
func wantsSame(t *testing.T, what string, would, is error) {
	t.Helper()
	if would == nil || is == nil || would.Error() != is.Error() {
		t.Errorf("%s: would be refused with %v, is with %v", what, would, is)
	}
}

// everything is what the store has, in its snapshot and in its database, and what it is about
// to write.
func everything(t *testing.T, s *Store) string {
	t.Helper()
	var rows []string
	must(t, s.read(t.Context(), func(tx *transaction) error {
		for _, count := range []string{"SELECT version FROM registry", "SELECT COUNT(*) FROM accounts", "SELECT COUNT(*) FROM goals", "SELECT COUNT(*) FROM removals"} {
			var n int
			if err := tx.row(count, nil, &n); err != nil {
				return err
			}
			rows = append(rows, fmt.Sprint(n))
		}
		return nil
	}))
	s.touched.Lock()
	defer s.touched.Unlock()
	for a := range s.Snapshot().Accounts() {
		rows = append(rows, a.Name, a.Password.Reveal(), shown(a))
	}
	return fmt.Sprint(rows, s.touched.registered, s.Snapshot().Version())
}

// What would become of an account is known, and who is asked first; and nothing is written.
func TestWhatAChangeOfAnAccountWouldDo(t *testing.T) {
	everyDatabase(t, func(t *testing.T, d *testDatabase) {
		s, name := withTwoPools(t, d)
		f := func(what string, would func() (*Account, *Account, error), asked string) (before, after *Account) {
			t.Helper()
			was := everything(t, s)
			before, after, err := would()
			must(t, err)
			if is := everything(t, s); is != was {
				t.Errorf("%s has changed something:\n%s\n%s", what, was, is)
			}
			var list []string
			if before != nil && after != nil {
				for _, a := range before.Asked(after) {
					list = append(list, fmt.Sprint(a.Pool, " ", a.User, " ", a.Unless))
				}
			}
			if got := strings.Join(list, ", "); got != asked {
				t.Errorf("%s asks %s, want %s", what, got, asked)
			}
			return before, after
		}
		register := func(user, password string) func() (*Account, *Account, error) {
			return func() (*Account, *Account, error) {
				return s.WouldRegister(t.Context(), "BTC.example:3333", user, password)
			}
		}
		goals := func(g []Goal) func() (*Account, *Account, error) {
			return func() (*Account, *Account, error) { return s.WouldSetGoals(t.Context(), name, g) }
		}

		if before, after := f("a new account", register("another", "x"), ""); before != nil || after.Name != "" || after.User != "another" || after.Pool != "btc.example:3333" {
			t.Errorf("%+v, %+v", before, after)
		}
		const again = "btc.example:3333 farm true"
		for _, password := range []string{"x", "y", ""} { // nobody learns which is the right one
			before, after := f("a known account, "+password, register("farm", password), again)
			if before.Name != name || after.Name != name || after.Password.Reveal() != otherPassword || before.Password.Reveal() != "x" {
				t.Errorf("%+v, %+v", before, after)
			}
		}

		before, after := f("goals", goals(two()), "btc2.example:3333 backup false, btc2.example:3333 other false")
		if shown(before) != "" || !strings.HasPrefix(shown(after), "main 70: btc.example:3333 farm x, ") {
			t.Errorf("%s, %s", shown(before), shown(after))
		}
		must(t, s.SetGoals(t.Context(), name, two(), nil))
		const unless = "btc2.example:3333 backup true, btc2.example:3333 other true"
		f("the same goals", goals(two()), unless)
		others := two()
		others[0].Pools[1].Password = NewSecret("a guess")
		f("another password", goals(others), unless)
		others[0].Pools[1].Password, others[1].Pools[0].Password = Secret{}, Secret{}
		_, after = f("passwords left out", goals(others), "")
		if shown(after) != twoShown {
			t.Error(shown(after))
		}
		f("another password of an account with goals", register("farm", "y"), again)
		others[1].Pools[0] = GoalPool{Pool: "btc2.example:3333"}
		f("the account's own, elsewhere", goals(others), "btc2.example:3333 farm false")
		f("no goals", goals(nil), "")

		if before, after := f("the end", func() (*Account, *Account, error) { return s.WouldDelete(t.Context(), name) }, ""); shown(before) != twoShown || after != nil {
			t.Errorf("%s, %v", shown(before), after)
		}
	})
}
