-- One row for each session that has not ended; refresh tokens have no rows.
CREATE TABLE sessions (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id         BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    seed            BLOB    NOT NULL CHECK (length(seed) = 32),
    -- The number of the one refresh token that is current; a 32-bit number.
    counter         INTEGER NOT NULL CHECK (counter BETWEEN 0 AND 4294967295),
    user_agent      TEXT,
    created_at      INTEGER NOT NULL,
    rotated_at      INTEGER NOT NULL,
    idle_expires_at INTEGER NOT NULL CHECK (idle_expires_at <= expires_at),
    expires_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- For listing and ending a user's sessions. There is no index on the expiry: it
-- moves with every refresh, and would more than double what a refresh writes to
-- save the purge, once in a while, from reading the table through.
CREATE INDEX sessions_by_user ON sessions (user_id);
