-- Plain types and plain SQL, so that SQLite, PostgreSQL, CockroachDB and
-- YugabyteDB all take it. Times are milliseconds since 1970. Keys are what
-- people call a thing: there is nothing that a sequence would be needed for.

-- One row. Every change of the registry raises version first, which also
-- makes the writers queue up here.
CREATE TABLE IF NOT EXISTS registry (
	id      BIGINT NOT NULL PRIMARY KEY,
	version BIGINT NOT NULL
);
INSERT INTO registry (id, version) VALUES (1, 1) ON CONFLICT (id) DO NOTHING;

-- key_check: a known text, sealed with the key. seeded: the shipped lists are in.
-- horizon: removals up to this version are forgotten.
CREATE TABLE IF NOT EXISTS meta (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS algorithms (
	name    TEXT             NOT NULL PRIMARY KEY,
	divider DOUBLE PRECISION NOT NULL,
	version BIGINT           NOT NULL
);

CREATE TABLE IF NOT EXISTS pools (
	address   TEXT   NOT NULL PRIMARY KEY,
	algorithm TEXT   NOT NULL REFERENCES algorithms (name),
	options   TEXT   NOT NULL,
	version   BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS accounts (
	name      TEXT   NOT NULL PRIMARY KEY,
	pool      TEXT   NOT NULL REFERENCES pools (address),
	pool_user TEXT   NOT NULL,
	password  BYTEA  NOT NULL,
	created   BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	version   BIGINT NOT NULL,
	UNIQUE (pool, pool_user)
);

-- What was removed, so that other boxes hear of it.
CREATE TABLE IF NOT EXISTS removals (
	version BIGINT NOT NULL,
	kind    TEXT   NOT NULL,
	name    TEXT   NOT NULL,
	at      BIGINT NOT NULL,
	PRIMARY KEY (version, kind, name)
);

CREATE INDEX IF NOT EXISTS algorithms_by_version ON algorithms (version);
CREATE INDEX IF NOT EXISTS pools_by_version ON pools (version);
CREATE INDEX IF NOT EXISTS accounts_by_version ON accounts (version);
CREATE INDEX IF NOT EXISTS accounts_by_age ON accounts (last_seen, created);
CREATE INDEX IF NOT EXISTS removals_by_age ON removals (at);
