package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// MaxLinks is the most links a pool may have, as in the configuration file: 65,536
// miners share one.
const MaxLinks = 64

// How workers appear at the pool, and how their shares get there.
const (
	WorkersAggregate = "aggregate" // all as the account itself
	WorkersPass      = "pass"      // each authorized as user.worker
	ModeAggregate    = "aggregate" // miners of an account share links
	ModeDirect       = "direct"    // one link per miner
)

// Pool is an upstream endpoint.
type Pool struct {
	Address   string // host:port, in the form of ParseAddress; identifies the pool
	Host      string
	Port      int
	Algorithm string
	Options   PoolOptions
}

// PoolOptions are the settings of a pool. The zero value suits most.
type PoolOptions struct {
	TLS               bool    `json:"tls,omitempty"`
	TLSInsecure       bool    `json:"tls_insecure,omitempty"`       // accept any certificate
	TLSFingerprint    string  `json:"tls_fingerprint,omitempty"`    // SHA-256 of the certificate (DER), 64 hex digits, colons allowed; pins the certificate
	Workers           string  `json:"workers,omitempty"`            // WorkersAggregate or WorkersPass; empty: aggregate
	Mode              string  `json:"mode,omitempty"`               // ModeAggregate or ModeDirect; empty: aggregate
	Links             int     `json:"links,omitempty"`              // connections per account, 1..MaxLinks; 0: as many as needed
	SuggestDifficulty float64 `json:"suggest_difficulty,omitempty"` // sent before authorize; 0 sends nothing
}

// hostName matches the allowed host names, apart from IP addresses.
var hostName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// ParseAddress checks a pool's host:port and returns it in the stored form, with the
// host in lower case. ErrBadAddress.
func ParseAddress(text string) (string, error) {
	host, port, err := splitAddress(text)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

func splitAddress(text string) (host string, port int, err error) {
	if strings.Contains(text, "://") {
		return "", 0, failf(ErrBadAddress, "pool %.80q: expected host:port without a scheme, such as \"pool.example.com:3333\"", text)
	}
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, failf(ErrBadAddress, "pool %.80q: expected host:port, such as \"pool.example.com:3333\"", text)
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || number == 0 {
		return "", 0, failf(ErrBadAddress, "pool %.80q: expected a port from 1 to 65535", text)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		return ip.String(), int(number), nil
	}
	if len(host) > 253 || !hostName.MatchString(host) {
		return "", 0, failf(ErrBadAddress, "pool %.80q: expected a host name or an IP address before the port", text)
	}
	return host, int(number), nil
}

// check checks p and converts it to the stored form.
func (p *Pool) check() (err error) {
	if p.Host, p.Port, err = splitAddress(p.Address); err != nil {
		return err
	}
	p.Address = net.JoinHostPort(p.Host, strconv.Itoa(p.Port))
	p.Algorithm = AlgorithmName(p.Algorithm)
	o := &p.Options
	o.TLSFingerprint = strings.ToLower(strings.ReplaceAll(o.TLSFingerprint, ":", ""))
	bad := func(key string, value any, expected string) error {
		return failf(ErrBadValue, "%s %#v of pool %s: expected %s", key, value, p.Address, expected)
	}
	switch {
	case o.Workers != "" && o.Workers != WorkersAggregate && o.Workers != WorkersPass:
		return bad("workers", o.Workers, `"aggregate" or "pass"`)
	case o.Mode != "" && o.Mode != ModeAggregate && o.Mode != ModeDirect:
		return bad("mode", o.Mode, `"aggregate" or "direct"`)
	case o.Links < 0 || o.Links > MaxLinks:
		return bad("links", o.Links, "1 to "+strconv.Itoa(MaxLinks)+", or 0 for as many as are needed")
	case !(o.SuggestDifficulty >= 0) || math.IsInf(o.SuggestDifficulty, 0):
		return bad("suggest_difficulty", o.SuggestDifficulty, "a number above 0, or 0 to suggest none")
	case o.TLSFingerprint != "" && !fingerprint.MatchString(o.TLSFingerprint):
		return bad("tls_fingerprint", o.TLSFingerprint, "the SHA-256 of the certificate, 64 hex digits")
	case (o.TLSInsecure || o.TLSFingerprint != "") && !o.TLS:
		return bad("tls", o.TLS, "true where tls_insecure or tls_fingerprint is set")
	}
	return nil
}

var fingerprint = regexp.MustCompile(`^[0-9a-f]{64}$`)

// AddPool adds a pool; Host and Port come from Address. ErrBadAddress, ErrBadValue,
// ErrUnknownAlgorithm, ErrExists.
func (s *Store) AddPool(ctx context.Context, p Pool) error {
	if err := p.check(); err != nil {
		return err
	}
	return s.write(ctx, func(t *transaction, version int64) error {
		switch _, err := pool(t, p.Address); {
		case err == nil:
			return failf(ErrExists, "pool %s already exists: change it instead", p.Address)
		case !errors.Is(err, ErrUnknownPool):
			return err
		}
		if _, err := algorithm(t, p.Algorithm); err != nil {
			return err
		}
		return insertPool(t, p, version)
	})
}

// ChangePool changes the algorithm and options of the pool at p.Address, once prove,
// unless nil, confirms that the pool then still accepts accounts: it tries the first of
// the pool's accounts that uses reports in use. ErrBadAddress, ErrBadValue,
// ErrUnknownAlgorithm, ErrUnknownPool, ErrInGoals, and prove's.
func (s *Store) ChangePool(ctx context.Context, p Pool, uses func(account string) bool, prove Prove) error {
	if err := p.check(); err != nil {
		return err
	}
	if prove != nil {
		if err := s.provePool(ctx, p, uses, prove); err != nil {
			return err
		}
	}
	return s.write(ctx, func(t *transaction, version int64) error {
		if _, err := algorithm(t, p.Algorithm); err != nil {
			return err
		}
		if err := keepsAlgorithm(t, p); err != nil {
			return err
		}
		options, err := json.Marshal(p.Options)
		if err != nil {
			return err
		}
		changed, err := t.exec("UPDATE pools SET algorithm = ?, options = ?, version = ? WHERE address = ?",
			p.Algorithm, string(options), version, p.Address)
		if err == nil && changed == 0 {
			return unknownPool(p.Address)
		}
		return err
	})
}

// provePool makes sure that a pool with miners would keep them.
func (s *Store) provePool(ctx context.Context, p Pool, uses func(account string) bool, prove Prove) error {
	is, err := s.Pool(ctx, p.Address)
	if errors.Is(err, errUnreadable) { // nobody mines with it
		return nil
	}
	if err != nil || is == p {
		return err
	}
	if _, err := s.Algorithm(ctx, p.Algorithm); err != nil {
		return err
	}
	for a := range s.Snapshot().Accounts() {
		for _, at := range a.everywhere() {
			if at.Pool == p.Address && uses(a.Name) {
				return prove(ctx, p, at)
			}
		}
	}
	return nil
}

// DeletePool deletes a pool, and its accounts if withAccounts; it returns how many
// accounts. ErrBadAddress, ErrUnknownPool, ErrInUse, ErrInGoals.
func (s *Store) DeletePool(ctx context.Context, address string, withAccounts bool) (accounts int, err error) {
	if address, err = ParseAddress(address); err != nil {
		return 0, err
	}
	err = s.write(ctx, func(t *transaction, version int64) error {
		var names []string
		err := t.rows(func(r *sql.Rows) error {
			var name string
			err := r.Scan(&name)
			names = append(names, name)
			return err
		}, "SELECT name FROM accounts WHERE pool = ?", address)
		if err != nil {
			return err
		}
		if accounts = len(names); accounts > 0 && !withAccounts {
			return failf(ErrInUse, "pool %s has %d accounts: delete them first, or delete them together with the pool", address, accounts)
		}
		if _, err := t.exec("DELETE FROM accounts WHERE pool = ?", address); err != nil {
			return err
		}
		if err := inNoGoal(t, address); err != nil {
			return err
		}
		deleted, err := t.exec("DELETE FROM pools WHERE address = ?", address)
		if err != nil {
			return err
		}
		if deleted == 0 {
			return unknownPool(address)
		}
		return errors.Join(s.removed(t, version, kindAccount, names...), s.removed(t, version, kindPool, address))
	})
	if err != nil {
		return 0, err
	}
	return accounts, nil
}

// Pool returns the pool at host:port. ErrBadAddress, ErrUnknownPool.
func (s *Store) Pool(ctx context.Context, address string) (p Pool, err error) {
	if address, err = ParseAddress(address); err != nil {
		return Pool{}, err
	}
	err = s.read(ctx, func(t *transaction) error {
		p, err = pool(t, address)
		return err
	})
	return p, err
}

// Pools lists pools by address. It uses the filter's Algorithm and Search.
func (s *Store) Pools(ctx context.Context, f Filter) (Page[Pool], error) {
	q := query{table: "pools", columns: poolColumns, order: "address"}
	if f.Algorithm != "" {
		q.where("algorithm = ?", AlgorithmName(f.Algorithm))
	}
	q.search(f.Search, "address", "algorithm")
	return list(ctx, s, f, q, scanPool)
}

const poolColumns = "address, algorithm, options"

func scanPool(r scanner) (p Pool, err error) {
	var options string
	if err = r.Scan(&p.Address, &p.Algorithm, &options); err != nil {
		return p, err
	}
	if p.Host, p.Port, err = splitAddress(p.Address); err == nil {
		err = json.Unmarshal([]byte(options), &p.Options)
	}
	if err != nil {
		return p, fmt.Errorf("%w: pool %s: %v", errUnreadable, p.Address, err)
	}
	return p, nil
}

// errUnreadable means that a row holds something farmproxy never writes.
var errUnreadable = errors.New("damaged row")

// pool returns a stored pool. ErrUnknownPool.
func pool(t *transaction, address string) (Pool, error) {
	p, err := scanPool(t.tx.QueryRowContext(t.ctx, t.db.bind("SELECT "+poolColumns+" FROM pools WHERE address = ?"), address))
	if errors.Is(err, sql.ErrNoRows) {
		return p, unknownPool(address)
	}
	return p, err
}

func insertPool(t *transaction, p Pool, version int64) error {
	options, err := json.Marshal(p.Options)
	if err != nil {
		return err
	}
	_, err = t.exec("INSERT INTO pools (address, algorithm, options, version) VALUES (?, ?, ?, ?)",
		p.Address, p.Algorithm, string(options), version)
	return err
}

func unknownPool(address string) error {
	return failf(ErrUnknownPool, "pool %s is not known: add it with its algorithm first, or look up the right address in the list of pools", address)
}
