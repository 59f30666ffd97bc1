-- One row for each request that was sent with a key and is remembered.
CREATE TABLE idempotent_requests (
    user_id     uuid   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    key         text   COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
    fingerprint bytea  NOT NULL CHECK (octet_length(fingerprint) = 32),
    -- By whom it is being done, too: it grows whenever somebody takes it over.
    begun_at    bigint NOT NULL,
    -- NULL is not done yet.
    answer      text,
    PRIMARY KEY (user_id, key)
-- The answer comes into the room that is left on each page, without touching an
-- index (a heap-only tuple).
) WITH (fillfactor = 70);

-- For the purge. New rows come at its end.
CREATE INDEX idempotent_requests_by_begin ON idempotent_requests (begun_at);
