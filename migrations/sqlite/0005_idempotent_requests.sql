-- One row for each request that was sent with a key and is remembered.
CREATE TABLE idempotent_requests (
    user_id     BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    key         TEXT    NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    -- By whom it is being done, too: it grows whenever somebody takes it over.
    begun_at    INTEGER NOT NULL,
    -- NULL is not done yet.
    answer      TEXT,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;

-- For the purge. New rows come at its end.
CREATE INDEX idempotent_requests_by_begin ON idempotent_requests (begun_at);
