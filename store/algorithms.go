package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"regexp"
	"strings"
)

// Algorithm is a proof of work, and the value of its shares.
type Algorithm struct {
	// Name is its name at pools and miners, in lower case.
	Name string
	// Divider is above 0: a share of difficulty d counts as d / Divider shares of
	// difficulty 1, each of which is 2^32 hashes.
	Divider float64
}

// algorithmName matches the allowed names of algorithms: they appear in metrics.
var algorithmName = regexp.MustCompile(`^[a-z0-9][a-z0-9._/+-]{0,31}$`)

// AlgorithmName returns the name under which an algorithm is stored: in lower case, and
// with the aliases of the shipped list resolved, such as sha256 to sha256d.
func AlgorithmName(name string) string {
	name = strings.ToLower(name)
	if other, ok := shipped().aliases[name]; ok {
		return other
	}
	return name
}

func (a *Algorithm) check() error {
	a.Name = AlgorithmName(a.Name)
	if !algorithmName.MatchString(a.Name) {
		return failf(ErrBadValue, "algorithm name %.40q: expected 1 to 32 letters, digits and . _ / + -, such as \"sha256d\"", a.Name)
	}
	if !(a.Divider > 0) || math.IsInf(a.Divider, 0) {
		return failf(ErrBadValue, "divider %v of algorithm %s: expected a number above 0, such as 1 for sha256d or 65536 for scrypt", a.Divider, a.Name)
	}
	return nil
}

// AddAlgorithm adds an algorithm. ErrBadValue, ErrExists.
func (s *Store) AddAlgorithm(ctx context.Context, a Algorithm) error {
	if err := a.check(); err != nil {
		return err
	}
	return s.write(ctx, func(t *transaction, version int64) error {
		switch _, err := algorithm(t, a.Name); {
		case err == nil:
			return failf(ErrExists, "algorithm %s already exists: change it instead", a.Name)
		case !errors.Is(err, ErrUnknownAlgorithm):
			return err
		}
		return insertAlgorithm(t, a, version)
	})
}

// ChangeAlgorithm changes an algorithm's divider. ErrBadValue, ErrUnknownAlgorithm.
func (s *Store) ChangeAlgorithm(ctx context.Context, a Algorithm) error {
	if err := a.check(); err != nil {
		return err
	}
	return s.write(ctx, func(t *transaction, version int64) error {
		changed, err := t.exec("UPDATE algorithms SET divider = ?, version = ? WHERE name = ?", a.Divider, version, a.Name)
		if err == nil && changed == 0 {
			return unknownAlgorithm(a.Name)
		}
		return err
	})
}

// DeleteAlgorithm deletes an algorithm that no pool uses. ErrUnknownAlgorithm,
// ErrInUse.
func (s *Store) DeleteAlgorithm(ctx context.Context, name string) error {
	name = AlgorithmName(name)
	return s.write(ctx, func(t *transaction, version int64) error {
		var users int
		if err := t.row("SELECT COUNT(*) FROM pools WHERE algorithm = ?", []any{name}, &users); err != nil {
			return err
		}
		if users > 0 {
			return failf(ErrInUse, "algorithm %s is in use (pools: %d): delete them or change their algorithm first", name, users)
		}
		deleted, err := t.exec("DELETE FROM algorithms WHERE name = ?", name)
		if err != nil {
			return err
		}
		if deleted == 0 {
			return unknownAlgorithm(name)
		}
		return s.removed(t, version, kindAlgorithm, name)
	})
}

// Algorithm returns an algorithm by name or alias. ErrUnknownAlgorithm.
func (s *Store) Algorithm(ctx context.Context, name string) (a Algorithm, err error) {
	err = s.read(ctx, func(t *transaction) error {
		a, err = algorithm(t, AlgorithmName(name))
		return err
	})
	return a, err
}

// Algorithms lists algorithms by name. It uses the filter's Search.
func (s *Store) Algorithms(ctx context.Context, f Filter) (Page[Algorithm], error) {
	q := query{table: "algorithms", columns: algorithmColumns, order: "name"}
	q.search(f.Search, "name")
	return list(ctx, s, f, q, scanAlgorithm)
}

const algorithmColumns = "name, divider"

func scanAlgorithm(r scanner) (a Algorithm, err error) {
	err = r.Scan(&a.Name, &a.Divider)
	return a, err
}

// algorithm returns a stored algorithm. ErrUnknownAlgorithm.
func algorithm(t *transaction, name string) (Algorithm, error) {
	a, err := scanAlgorithm(t.tx.QueryRowContext(t.ctx, t.db.bind("SELECT "+algorithmColumns+" FROM algorithms WHERE name = ?"), name))
	if errors.Is(err, sql.ErrNoRows) {
		return a, unknownAlgorithm(name)
	}
	return a, err
}

func insertAlgorithm(t *transaction, a Algorithm, version int64) error {
	_, err := t.exec("INSERT INTO algorithms (name, divider, version) VALUES (?, ?, ?)", a.Name, a.Divider, version)
	return err
}

func unknownAlgorithm(name string) error {
	return failf(ErrUnknownAlgorithm, "algorithm %.40q is not known: see the list of algorithms, or add it with its divider", name)
}
