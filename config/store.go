package config

import (
	"net/url"
	"path/filepath"
	"strings"
)

// keyFile is the default name of the store's key file.
const keyFile = "store.key"

// The schemes of Store.URL.
const (
	schemeSQLite     = "sqlite"
	schemePostgres   = "postgres"
	schemePostgreSQL = "postgresql"
)

// StoreKeyFile returns the file with the key that encrypts the store's passwords:
// Store.KeyFile, or else store.key beside the SQLite file, or else in stateDir. It
// returns "" if there is none of these: key_file is then required.
func (c *Config) StoreKeyFile(stateDir string) string {
	if c.Store.KeyFile != "" {
		return c.Store.KeyFile
	}
	if file := c.Store.SQLiteFile(); file != "" {
		return filepath.Join(filepath.Dir(file), keyFile)
	}
	if stateDir == "" {
		return ""
	}
	return filepath.Join(stateDir, keyFile)
}

// SQLiteFile returns the SQLite file, or "" if the store is not SQLite.
func (s *Store) SQLiteFile() string {
	u, err := url.Parse(string(s.URL))
	if err != nil || u.Scheme != schemeSQLite {
		return ""
	}
	return u.Host + u.Path
}

func (c *Config) store(ps *Problems) {
	s := &c.Store
	s.validate(ps)
	switch {
	case s.URL == "" && s.KeyFile != "":
		ps.add("store.key_file", show(s.KeyFile), "has no effect without store.url", `url = "sqlite:///var/lib/farmproxy/farmproxy.db"`)
	case s.KeyFile != "" && !filepath.IsAbs(s.KeyFile):
		ps.add("store.key_file", show(s.KeyFile), "expected an absolute path", `"/var/lib/farmproxy/store.key"`)
	}
}

func (c *Config) accounts(ps *Problems) {
	if e := c.Accounts.Expire; e != 0 {
		lasting(ps, "accounts.expire", e, minExpire, maxExpire, `"2160h", which is 90 days, or "0s" for never`)
		if c.Store.URL == "" && e > 0 {
			ps.add("accounts.expire", show(e), "has no effect without store.url: there are no registered accounts", `[store] with url = "sqlite:///var/lib/farmproxy/farmproxy.db"`)
		}
	}
	if c.Accounts.MultiUser && len(c.Pools) == 0 {
		ps.add("accounts.multi_user", "true", "has no effect without a [[pool]]: the accounts in miners' logins are accounts at these pools", `[[pool]] with url = "stratum+tcp://host:port"`)
	}
}

const wantStore = "expected sqlite:///path/file.db or postgres://user:password@host:5432/database"

// validate quotes only the parts of a URL that can't be its password.
func (s *Store) validate(ps *Problems) {
	const key = "store.url"
	if s.URL == "" {
		return
	}
	u, err := url.Parse(string(s.URL))
	if err != nil {
		ps.add(key, "", wantStore+"; this is not a URL", "%40 for an @ in the password, and %2F for a /")
		return
	}
	switch u.Scheme {
	case schemeSQLite:
		if !strings.HasPrefix(s.SQLiteFile(), "/") || strings.HasSuffix(s.SQLiteFile(), "/") || u.RawQuery != "" || u.User != nil {
			ps.add(key, "", "expected sqlite:// and the absolute path of a file", `"sqlite:///var/lib/farmproxy/farmproxy.db", with three slashes`)
		}
	case schemePostgres, schemePostgreSQL:
		if u.Host == "" && u.RawQuery == "" {
			ps.add(key, "", wantStore+"; the host is missing", `"postgres://farmproxy:password@db.example:5432/farmproxy"`)
		}
	default:
		ps.add(key, "", wantStore, `"sqlite:///var/lib/farmproxy/farmproxy.db"`)
	}
}
