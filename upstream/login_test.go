package upstream

import (
	"fmt"
	"testing"

	"farmproxy/dial"
)

// BenchmarkLogin is the cost of looking up a miner's name: an account's, and one that
// belongs to no account.
func BenchmarkLogin(b *testing.B) {
	var rows []string
	for i := range 10_000 {
		rows = append(rows, fmt.Sprintf("acct%d a user%d", i, i))
	}
	d := NewDirectory(DirectoryOptions{}, nobody{})
	accounts := table(rows...)
	accounts[""] = kept(Pool{Target: dial.Target{Name: "a"}})[0]
	d.Set(accounts)
	for _, login := range []string{"acct7.rig1", "nobody.rig1"} {
		b.Run(login, func(b *testing.B) {
			for b.Loop() {
				d.Login(login)
			}
		})
	}
}
