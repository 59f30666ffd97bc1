-- Attempts to give a password, counted until they are forgotten: of names that
-- nobody has as of any other. All keys are keyed hashes.
CREATE TABLE login_attempts (
    account      BLOB    NOT NULL CHECK (length(account) = 32),
    -- Attempts from here and there are counted apart.
    budget       BLOB    NOT NULL CHECK (length(budget) = 32),
    failures     INTEGER NOT NULL CHECK (failures > 0),
    attempted_at INTEGER NOT NULL,
    -- When the next attempt is admitted.
    next_at      INTEGER NOT NULL,
    PRIMARY KEY (account, budget)
) STRICT, WITHOUT ROWID;

-- For the purge.
CREATE INDEX login_attempts_by_time ON login_attempts (attempted_at);

-- From where accounts have signed in lately.
CREATE TABLE login_sources (
    account      BLOB    NOT NULL CHECK (length(account) = 32),
    source       BLOB    NOT NULL CHECK (length(source) = 32),
    signed_in_at INTEGER NOT NULL,
    PRIMARY KEY (account, source)
) STRICT, WITHOUT ROWID;

-- For the purge.
CREATE INDEX login_sources_by_time ON login_sources (signed_in_at);
