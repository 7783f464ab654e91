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
	// maxUser and maxPassword are in bytes: far above what pools accept, but short
	// enough for one line to the pool.
	maxUser     = 255
	maxPassword = 255
	// maxName is the limit for an imported name, in bytes; our own have 16.
	maxName = 64
)

// Account is a set of credentials at a pool, under the name that miners log in with.
type Account struct {
	Name     string // 16 hex digits, unless imported
	Pool     string // host:port
	User     string // the pool's name for it; case-sensitive
	Password Secret // only in snapshots; lists and the method Account omit it
	Created  time.Time
	LastSeen time.Time // when a miner was last connected; zero: never. Not in snapshots
	Goals    []Goal    // what its work is divided among; none: it goes to Pool. Only in snapshots
}

// Prove checks that a pool accepts an account before the credentials or options in use
// are replaced: the credentials of a, with the options of p. Its error goes to whoever
// asked for the change: ErrRefused, ErrPoolUnasked, or another.
type Prove func(ctx context.Context, p Pool, a Account) error

// proveAttempts is how often Register proves credentials again because someone else
// replaced the old ones in the meantime.
const proveAttempts = 3

// Register returns the name that miners use for these credentials, and creates the
// account if it does not exist (created). Registering the same pool and user again
// returns the same name; a different password is then stored, but only once prove,
// unless nil, confirms that the pool accepts it: the account's miners work with the old
// one. prove is called outside of any transaction. The pool is host:port, the password
// may be empty. Errors: ErrBadAddress, ErrUnknownPool, ErrBadUser, ErrBadPassword,
// ErrChanged, and prove's.
func (s *Store) Register(ctx context.Context, address, user, password string, prove Prove) (name string, did Registered, err error) {
	if address, err = ParseAddress(address); err != nil {
		return "", 0, err
	}
	if err := checkCredentials(user, password); err != nil {
		return "", 0, err
	}
	for range proveAttempts {
		// Most dashboards register the same accounts again and again: then there is
		// nothing to write, and no turn to wait for.
		var old string
		err = s.read(ctx, func(t *transaction) error {
			name, old, err = s.credentials(t, address, user)
			return err
		})
		if err != nil {
			return "", 0, err
		}
		if name != "" && old == password {
			s.registeredAgain(name)
			return name, RegisteredBefore, nil
		}
		if name != "" && prove != nil {
			p, err := s.Pool(ctx, address)
			if err == nil {
				err = prove(ctx, p, Account{Name: name, Pool: address, User: user, Password: NewSecret(password)})
			}
			if err != nil {
				return "", 0, err
			}
		}
		name, did, err = s.register(ctx, address, user, password, name, old, prove == nil)
		if !errors.Is(err, ErrChanged) {
			return name, did, err
		}
	}
	return "", 0, err
}

// Registered says what Register did.
type Registered uint8

// The values of Registered.
const (
	RegisteredBefore Registered = iota // nothing: it was registered already
	RegisteredNow
	PasswordChanged
)

// register stores credentials in place of those of the account known with the password
// old, or as a new account if known is "". It returns ErrChanged if the store's have
// changed since, unless they are stored unproven.
func (s *Store) register(ctx context.Context, address, user, password, known, old string, unproven bool) (name string, did Registered, err error) {
	err = s.write(ctx, func(t *transaction, version int64) error {
		did = RegisteredBefore
		var is string
		if name, is, err = s.credentials(t, address, user); err != nil {
			return err
		}
		switch {
		case name != "" && is == password:
			return errUnchanged
		case name != "" && !unproven && (name != known || is != old):
			return failf(ErrChanged, "the password of user %.40q of pool %s is being changed by another request: try again", user, address)
		case name != "":
			did = PasswordChanged
			_, err := t.exec("UPDATE accounts SET password = ?, version = ? WHERE name = ?", s.sealer.seal(name, password), version, name)
			return err
		}
		did = RegisteredNow
		name, err = s.newAccount(t, address, user, password, version)
		return err
	})
	if err != nil {
		return "", 0, err
	}
	if did != RegisteredNow {
		s.registeredAgain(name)
	}
	return name, did, nil
}

// newAccount inserts an account at a pool that is known, and returns its name.
func (s *Store) newAccount(t *transaction, address, user, password string, version int64) (name string, err error) {
	if _, err := pool(t, address); err != nil {
		return "", err
	}
	if name, err = newName(t); err != nil {
		return "", err
	}
	return name, s.insertAccount(t, Account{Name: name, Pool: address, User: user, Password: NewSecret(password)}, version)
}

// checkCredentials rejects credentials that can't be sent to a pool.
func checkCredentials(user, password string) error {
	switch {
	case user == "":
		return failf(ErrBadUser, "user is empty: expected the account or wallet address at the pool")
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

// otherPassword never equals a registered one.
const otherPassword = "\x00"

// credentials returns the name and password of the account of a pool's user, or no name
// if there is none. An unreadable password counts as different from any other: the next
// one replaces it.
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
		password = otherPassword
	}
	return name, password, nil
}

// newName returns 16 random hex digits that no account is named. 64 random bits match
// one of 100,000 names once in 10^14 times; checking is still cheaper than being wrong.
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

// insertAccount inserts an account; without Created it is created now.
func (s *Store) insertAccount(t *transaction, a Account, version int64) (err error) {
	if a.Created.IsZero() {
		if a.Created, err = t.now(); err != nil {
			return err
		}
	}
	_, err = t.exec("INSERT INTO accounts (name, pool, pool_user, password, created, last_seen, version) VALUES (?, ?, ?, ?, ?, 0, ?)",
		a.Name, a.Pool, a.User, s.sealer.seal(a.Name, a.Password.Reveal()), millis(a.Created), version)
	if err != nil {
		return err
	}
	return s.insertGoals(t, a.Name, a.Goals)
}

// Account returns an account, without its password. ErrUnknownAccount.
func (s *Store) Account(ctx context.Context, name string) (a Account, err error) {
	err = s.read(ctx, func(t *transaction) error {
		a, err = account(t, name)
		return err
	})
	s.seenLately(&a)
	return a, err
}

// seenLately sets LastSeen to what Touch has collected but not yet written.
func (s *Store) seenLately(a *Account) {
	s.touched.Lock()
	defer s.touched.Unlock()
	if at := s.touched.at[a.Name]; at.After(a.LastSeen) {
		a.LastSeen = at
	}
}

// Accounts lists accounts by name, without their passwords. It uses the filter's Pool,
// User and Search. Error: ErrBadAddress.
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
	page, err := list(ctx, s, f, q, scanAccount)
	for i := range page.Items {
		s.seenLately(&page.Items[i])
	}
	return page, err
}

// DeleteAccount deletes an account. ErrUnknownAccount.
func (s *Store) DeleteAccount(ctx context.Context, name string) error {
	return s.write(ctx, s.deletion(name))
}

// deletion is the change that deletes an account.
func (s *Store) deletion(name string) func(*transaction, int64) error {
	return func(t *transaction, version int64) error {
		deleted, err := t.exec("DELETE FROM accounts WHERE name = ?", name)
		if err != nil {
			return err
		}
		if deleted == 0 {
			return unknownAccount(name)
		}
		return s.removed(t, version, kindAccount, name)
	}
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

// millis is the stored form of times; 0 is the zero time.
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
