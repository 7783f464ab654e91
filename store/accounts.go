package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// maxUser and maxPassword are in bytes: far above what pools take, and
	// they must fit into one line to the pool.
	maxUser     = 255
	maxPassword = 255
	// maxName is of an imported name, in bytes; own ones have 16.
	maxName = 64
)

// Account is credentials at a pool, under the name that miners log in with.
type Account struct {
	Name     string // 16 hex digits, unless it was imported
	Pool     string // host:port
	User     string // as the pool knows it; letter case counts
	Password Secret // only in snapshots; lists and Account leave it out
	Created  time.Time
	LastSeen time.Time // when a miner was connected; zero: never. Not in snapshots
}

// Register returns the name that miners use for these credentials, and makes
// the account if it is not there yet (created). The same pool and user again
// give the same name; another password is stored then. The pool is host:port,
// the password may be empty. ErrBadAddress, ErrUnknownPool, ErrBadUser,
// ErrBadPassword.
func (s *Store) Register(ctx context.Context, address, user, password string) (name string, created bool, err error) {
	if address, err = ParseAddress(address); err != nil {
		return "", false, err
	}
	if err := checkCredentials(user, password); err != nil {
		return "", false, err
	}
	// Most dashboards register the same accounts again and again: nothing to
	// write then, and no turn to wait for.
	known := false
	err = s.read(ctx, func(t *transaction) error {
		var old string
		name, old, err = s.credentials(t, address, user)
		known = name != "" && old == password
		return err
	})
	if err != nil || known {
		return name, false, err
	}
	err = s.write(ctx, func(t *transaction, version int64) error {
		created = false
		var old string
		if name, old, err = s.credentials(t, address, user); err != nil {
			return err
		}
		if name != "" {
			if old == password {
				return errUnchanged
			}
			_, err := t.exec("UPDATE accounts SET password = ?, version = ? WHERE name = ?", s.sealer.seal(name, password), version, name)
			return err
		}
		if _, err := pool(t, address); err != nil {
			return err
		}
		if name, err = newName(t); err != nil {
			return err
		}
		created = true
		return s.insertAccount(t, Account{Name: name, Pool: address, User: user, Password: NewSecret(password), Created: s.options.Now()}, version)
	})
	if err != nil {
		return "", false, err
	}
	return name, created, nil
}

// checkCredentials refuses what can't be sent to a pool.
func checkCredentials(user, password string) error {
	switch {
	case user == "":
		return failf(ErrBadUser, "user is empty: expected the account or wallet address that the pool knows")
	case len(user) > maxUser:
		return failf(ErrBadUser, "user has %d bytes: expected at most %d", len(user), maxUser)
	case !plain(user):
		return failf(ErrBadUser, "user %.40q: expected text without control characters", user)
	case len(password) > maxPassword:
		return failf(ErrBadPassword, "password has %d bytes: expected at most %d", len(password), maxPassword)
	case !plain(password):
		return failf(ErrBadPassword, "password: expected text without control characters")
	}
	return nil
}

func plain(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, unicode.IsControl) < 0
}

// credentials returns name and password of the account of a pool's user; no
// name when there is none. A password that can't be read counts as empty: it
// is replaced by the next one.
func (s *Store) credentials(t *transaction, address, user string) (name, password string, err error) {
	var sealed []byte
	err = t.row("SELECT name, password FROM accounts WHERE pool = ? AND pool_user = ?", []any{address, user}, &name, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	if password, err = s.sealer.open(name, sealed); err != nil {
		password = "\x00" // never equal to one that is registered
	}
	return name, password, nil
}

// newName returns 16 random hex digits that no account is called. 64 random
// bits meet one of 100,000 names once in 10^14 times; asking is still cheaper
// than being wrong.
func newName(t *transaction) (string, error) {
	for {
		var bits [8]byte
		rand.Read(bits[:])
		name := hex.EncodeToString(bits[:])
		switch _, err := account(t, name); {
		case errors.Is(err, ErrUnknownAccount):
			return name, nil
		case err != nil:
			return "", err
		}
	}
}

func (s *Store) insertAccount(t *transaction, a Account, version int64) error {
	_, err := t.exec("INSERT INTO accounts (name, pool, pool_user, password, created, last_seen, version) VALUES (?, ?, ?, ?, ?, 0, ?)",
		a.Name, a.Pool, a.User, s.sealer.seal(a.Name, a.Password.Reveal()), millis(a.Created), version)
	return err
}

// Account returns an account, without its password. ErrUnknownAccount.
func (s *Store) Account(ctx context.Context, name string) (a Account, err error) {
	err = s.read(ctx, func(t *transaction) error {
		a, err = account(t, name)
		return err
	})
	return a, err
}

// Accounts lists accounts by name, without their passwords. Of the filter,
// Pool, User and Search count. ErrBadAddress.
func (s *Store) Accounts(ctx context.Context, f Filter) (Page[Account], error) {
	q := query{table: "accounts", columns: accountColumns, order: "name"}
	if f.Pool != "" {
		address, err := ParseAddress(f.Pool)
		if err != nil {
			return Page[Account]{}, err
		}
		q.where("pool = ?", address)
	}
	if f.User != "" {
		q.where("pool_user = ?", f.User)
	}
	q.search(f.Search, "name", "pool", "pool_user")
	return list(ctx, s, f, q, scanAccount)
}

// DeleteAccount deletes an account. ErrUnknownAccount.
func (s *Store) DeleteAccount(ctx context.Context, name string) error {
	return s.write(ctx, func(t *transaction, version int64) error {
		deleted, err := t.exec("DELETE FROM accounts WHERE name = ?", name)
		if err != nil {
			return err
		}
		if deleted == 0 {
			return unknownAccount(name)
		}
		return s.removed(t, version, kindAccount, name)
	})
}

const accountColumns = "name, pool, pool_user, created, last_seen"

func scanAccount(r scanner) (a Account, err error) {
	var created, seen int64
	err = r.Scan(&a.Name, &a.Pool, &a.User, &created, &seen)
	a.Created, a.LastSeen = fromMillis(created), fromMillis(seen)
	return a, err
}

func account(t *transaction, name string) (Account, error) {
	a, err := scanAccount(t.tx.QueryRowContext(t.ctx, t.db.bind("SELECT "+accountColumns+" FROM accounts WHERE name = ?"), name))
	if errors.Is(err, sql.ErrNoRows) {
		return a, unknownAccount(name)
	}
	return a, err
}

func unknownAccount(name string) error {
	return failf(ErrUnknownAccount, "account %.70q is not known: register it, or see the list of accounts", name)
}

// millis is how times are stored; 0 is the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
