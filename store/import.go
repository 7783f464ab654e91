package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"farmproxy/sqlite"
)

// importsPerTransaction is small enough that other writers do not wait long, and that
// distributed databases accept the transaction.
const importsPerTransaction = 500

// Imported says what an import did.
type Imported struct {
	Algorithms, Pools, Accounts int // new ones
	Known                       int // existing ones, which stay unchanged
	// Kept are existing ones that differ from the imported ones, with one sentence each
	// that says what stays.
	Kept []string
	// Lost are those that could not be imported, with one sentence each that says why
	// and what to do. Its miners can't log in, or its accounts have no pool.
	Lost []string
}

// oldAccount is a row of the account proxy's users, with its pool.
type oldAccount struct {
	name, user, password string
	poolID               int64
	pool                 sql.NullString // host:port; NULL: there is no such row of pools
}

// oldPool is a row of its pools, with its algorithm.
type oldPool struct {
	host, port string
	hashID     int64
	algorithm  sql.NullString // NULL: there is no such row of hashes
}

func (p *oldPool) address() string { return net.JoinHostPort(p.host, p.port) }

// ImportStratumProxy imports the database file of the account proxy
// (miningmeter/stratum-proxy): tables hashes, pools and users. Accounts keep their
// names. Existing entries stay unchanged, so it may be repeated.
func (s *Store) ImportStratumProxy(ctx context.Context, file string) (report Imported, err error) {
	if !exists(file) {
		return report, failf(ErrBadValue, "%s does not exist: expected stratum-proxy's database, proxy.db by default", file)
	}
	old, err := sqlite.OpenReadOnly(file)
	if err != nil {
		return report, err
	}
	defer old.Close()
	algorithms, pools, accounts, err := readStratumProxy(ctx, old)
	if err != nil {
		return report, failf(ErrBadValue, "%s is not a database of stratum-proxy: %v", file, err)
	}
	if err := s.importAlgorithms(ctx, algorithms, &report); err != nil {
		return report, err
	}
	if err := s.importPools(ctx, pools, &report); err != nil {
		return report, err
	}
	for some := range slices.Chunk(accounts, importsPerTransaction) {
		if err := s.importAccounts(ctx, some, &report); err != nil {
			return report, err
		}
	}
	return report, nil
}

// readStratumProxy reads every row of the tables, including those that refer to missing
// rows; NULL counts as empty.
func readStratumProxy(ctx context.Context, db *sql.DB) (algorithms []Algorithm, pools []oldPool, accounts []oldAccount, err error) {
	err = each(ctx, db, "SELECT COALESCE(hash, ''), COALESCE(CAST(divider AS REAL), 0) FROM hashes ORDER BY id", func(r *sql.Rows) error {
		var a Algorithm
		err := r.Scan(&a.Name, &a.Divider)
		algorithms = append(algorithms, a)
		return err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	err = each(ctx, db, "SELECT COALESCE(p.host, ''), COALESCE(CAST(p.port AS TEXT), ''), COALESCE(p.hash_id, 0), h.hash "+
		"FROM pools p LEFT JOIN hashes h ON h.id = p.hash_id ORDER BY p.id", func(r *sql.Rows) error {
		var p oldPool
		err := r.Scan(&p.host, &p.port, &p.hashID, &p.algorithm)
		pools = append(pools, p)
		return err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	err = each(ctx, db, "SELECT COALESCE(u.name, ''), COALESCE(u.pool_id, 0), p.id IS NULL, COALESCE(p.host, ''), COALESCE(CAST(p.port AS TEXT), ''), "+
		"COALESCE(u.user, ''), COALESCE(u.password, '') FROM users u LEFT JOIN pools p ON p.id = u.pool_id ORDER BY u.name", func(r *sql.Rows) error {
		var a oldAccount
		var host, port string
		var missing bool
		err := r.Scan(&a.name, &a.poolID, &missing, &host, &port, &a.user, &a.password)
		a.pool = sql.NullString{String: net.JoinHostPort(host, port), Valid: !missing}
		accounts = append(accounts, a)
		return err
	})
	return algorithms, pools, accounts, err
}

func each(ctx context.Context, db *sql.DB, query string, scan func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *Store) importAlgorithms(ctx context.Context, algorithms []Algorithm, total *Imported) error {
	return s.importSome(ctx, total, func(t *transaction, version int64, report *Imported) error {
		for _, a := range algorithms {
			if err := a.check(); err != nil {
				report.lose("%v", err)
				continue
			}
			here, err := algorithm(t, a.Name)
			switch {
			case err == nil && here.Divider != a.Divider:
				report.keep("algorithm %s: the divider stays %v; it was %v there: change it if that is right", a.Name, here.Divider, a.Divider)
			case err == nil:
				report.Known++
			case errors.Is(err, ErrUnknownAlgorithm):
				if err := insertAlgorithm(t, a, version); err != nil {
					return err
				}
				report.Algorithms++
			default:
				return err
			}
		}
		return nil
	})
}

func (s *Store) importPools(ctx context.Context, pools []oldPool, total *Imported) error {
	return s.importSome(ctx, total, func(t *transaction, version int64, report *Imported) error {
		for _, old := range pools {
			p := Pool{Address: old.address(), Algorithm: old.algorithm.String}
			err := p.check()
			if err == nil && !old.algorithm.Valid {
				err = failf(ErrUnknownAlgorithm, "pool %s: its algorithm has no row in hashes (hash_id %d): add the pool with its algorithm, and import again", p.Address, old.hashID)
			}
			if err != nil {
				report.lose("%v", err)
				continue
			}
			here, err := pool(t, p.Address)
			switch {
			case err == nil && here.Algorithm != p.Algorithm:
				report.keep("pool %s: the algorithm stays %s; it was %s there: change it if that is right", p.Address, here.Algorithm, p.Algorithm)
			case err == nil:
				report.Known++
			case errors.Is(err, ErrUnknownPool):
				if _, err := algorithm(t, p.Algorithm); err != nil {
					report.lose("pool %s: %v", p.Address, err)
					continue
				}
				if err := insertPool(t, p, version); err != nil {
					return err
				}
				report.Pools++
			default:
				return err
			}
		}
		return nil
	})
}

func (s *Store) importAccounts(ctx context.Context, accounts []oldAccount, total *Imported) error {
	return s.importSome(ctx, total, func(t *transaction, version int64, report *Imported) error {
		for _, a := range accounts {
			if err := s.importAccount(t, a, version, report); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) importAccount(t *transaction, a oldAccount, version int64, report *Imported) error {
	if !a.pool.Valid {
		report.lose("account %.70q of user %.40q: its pool has no row in pools (pool_id %d): register that user at its pool, and give its miners the new name", a.name, a.user, a.poolID)
		return nil
	}
	address, err := ParseAddress(a.pool.String)
	if err == nil {
		err = checkCredentials(a.user, a.password)
	}
	if err == nil && (a.name == "" || len(a.name) > maxName || !plain(a.name) || strings.ContainsAny(a.name, ". ")) {
		err = failf(ErrBadValue, "miners cannot log in with this name")
	}
	if err != nil {
		report.lose("account %.70q: %v", a.name, err)
		return nil
	}
	here, err := account(t, a.name)
	switch {
	case err == nil && here.Pool == address && here.User == a.user:
		report.Known++
		return nil
	case err == nil:
		report.lose("account %s: that name belongs to user %q of pool %s here: register user %q of pool %s, and give its miners the new name", a.name, here.User, here.Pool, a.user, address)
		return nil
	case !errors.Is(err, ErrUnknownAccount):
		return err
	}
	other, _, err := s.credentials(t, address, a.user)
	if err != nil {
		return err
	}
	if other != "" {
		report.lose("account %s: user %q of pool %s has the name %s here: delete that and import again, or give its miners that name", a.name, a.user, address, other)
		return nil
	}
	if _, err := pool(t, address); errors.Is(err, ErrUnknownPool) {
		report.lose("account %s: %v", a.name, err)
		return nil
	} else if err != nil {
		return err
	}
	report.Accounts++
	return s.insertAccount(t, Account{Name: a.name, Pool: address, User: a.user, Password: NewSecret(a.password)}, version)
}

// importSome runs do in one transaction, and adds its report to the total once that is
// committed.
func (s *Store) importSome(ctx context.Context, total *Imported, do func(*transaction, int64, *Imported) error) error {
	var report Imported
	err := s.write(ctx, func(t *transaction, version int64) error {
		report = Imported{}
		if err := do(t, version, &report); err != nil {
			return err
		}
		if report.Algorithms+report.Pools+report.Accounts == 0 {
			return errUnchanged
		}
		return nil
	})
	if err != nil {
		return err
	}
	total.Algorithms += report.Algorithms
	total.Pools += report.Pools
	total.Accounts += report.Accounts
	total.Known += report.Known
	total.Kept = append(total.Kept, report.Kept...)
	total.Lost = append(total.Lost, report.Lost...)
	return nil
}

func (i *Imported) keep(format string, args ...any) {
	i.Kept = append(i.Kept, fmt.Sprintf(format, args...))
}

func (i *Imported) lose(format string, args ...any) {
	i.Lost = append(i.Lost, fmt.Sprintf(format, args...))
}
