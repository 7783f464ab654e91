-- When an account was registered again last, as it is: that makes no new version, and
-- is no sign of a miner, but it is a use (accounts.expire).
CREATE TABLE IF NOT EXISTS registrations (
	account TEXT   NOT NULL PRIMARY KEY REFERENCES accounts (name) ON DELETE CASCADE,
	at      BIGINT NOT NULL
);
