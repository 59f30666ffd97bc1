-- Attempts to give a password, counted until they are forgotten: of names that
-- nobody has as of any other. All keys are keyed hashes.
CREATE TABLE login_attempts (
    account      bytea  NOT NULL CHECK (octet_length(account) = 32),
    -- Attempts from here and there are counted apart.
    budget       bytea  NOT NULL CHECK (octet_length(budget) = 32),
    failures     bigint NOT NULL CHECK (failures > 0),
    attempted_at bigint NOT NULL,
    -- When the next attempt is admitted.
    next_at      bigint NOT NULL,
    PRIMARY KEY (account, budget)
);

-- For the purge.
CREATE INDEX login_attempts_by_time ON login_attempts (attempted_at);

-- From where accounts have signed in lately.
CREATE TABLE login_sources (
    account      bytea  NOT NULL CHECK (octet_length(account) = 32),
    source       bytea  NOT NULL CHECK (octet_length(source) = 32),
    signed_in_at bigint NOT NULL,
    PRIMARY KEY (account, source)
);

-- For the purge.
CREATE INDEX login_sources_by_time ON login_sources (signed_in_at);
