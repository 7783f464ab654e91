-- Accounts whose miners are divided among goals: a row for each pool of a goal, in the
-- order of number (the goal's) and level (the pool's). pool_user '': the account's own
-- user and password.
CREATE TABLE IF NOT EXISTS goals (
	account   TEXT             NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
	number    BIGINT           NOT NULL,
	level     BIGINT           NOT NULL,
	goal      TEXT             NOT NULL,
	weight    DOUBLE PRECISION NOT NULL,
	pool      TEXT             NOT NULL REFERENCES pools (address),
	pool_user TEXT             NOT NULL,
	password  BYTEA            NOT NULL,
	PRIMARY KEY (account, number, level)
);

CREATE INDEX IF NOT EXISTS goals_by_pool ON goals (pool);
