-- Times are seconds since 1970; minutes count what was recorded, see the package's comment.

CREATE TABLE clock (minutes INTEGER NOT NULL);
INSERT INTO clock VALUES (0);

-- Every series that has chunks: a class's ids are dense, since 64 neighbours share one.
CREATE TABLE series (
	class INTEGER NOT NULL,
	id    INTEGER NOT NULL,
	kind  TEXT NOT NULL, -- worker, farm, pool, group
	name  TEXT NOT NULL,
	seen  INTEGER NOT NULL, -- the minute of its last sample
	PRIMARY KEY (class, id),
	UNIQUE (kind, name)
) WITHOUT ROWID;

CREATE TABLE chunks (
	tier   INTEGER NOT NULL,
	start  INTEGER NOT NULL,
	block  INTEGER NOT NULL,
	folded INTEGER NOT NULL, -- its sum is in the coarse tier
	data   BLOB NOT NULL,
	PRIMARY KEY (tier, start, block)
) WITHOUT ROWID;
CREATE INDEX unfolded ON chunks (tier, start) WHERE folded = 0;

CREATE TABLE workers (
	name       TEXT PRIMARY KEY,
	expected   INTEGER NOT NULL, -- an operator listed it: it is never forgotten
	up         INTEGER NOT NULL,
	since      INTEGER NOT NULL, -- it is up, or down
	first_seen INTEGER NOT NULL, -- 0: never
	last_seen  INTEGER NOT NULL,
	minute     INTEGER NOT NULL, -- of last_seen
	address    TEXT NOT NULL,
	agent      TEXT NOT NULL,
	grp        TEXT NOT NULL,
	account    TEXT NOT NULL,
	pool       TEXT NOT NULL,
	algorithm  TEXT NOT NULL,
	difficulty REAL NOT NULL,
	usual      REAL NOT NULL -- H/s while it is up; 0: unknown
) WITHOUT ROWID;

CREATE TABLE events (
	id      INTEGER PRIMARY KEY,
	at      INTEGER NOT NULL,
	minute  INTEGER NOT NULL,
	kind    TEXT NOT NULL,
	subject TEXT NOT NULL,
	text    TEXT NOT NULL
);
CREATE INDEX events_at ON events (at);
