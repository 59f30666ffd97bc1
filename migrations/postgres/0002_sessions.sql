-- One row for each session; refresh tokens have no rows.
CREATE TABLE sessions (
    id              uuid   NOT NULL PRIMARY KEY,
    user_id         uuid   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    seed            bytea  NOT NULL CHECK (octet_length(seed) = 32),
    -- The number of the one refresh token that is current; a 32-bit number.
    counter         bigint NOT NULL CHECK (counter BETWEEN 0 AND 4294967295),
    user_agent      text,
    created_at      bigint NOT NULL,
    rotated_at      bigint NOT NULL,
    idle_expires_at bigint NOT NULL CHECK (idle_expires_at <= expires_at),
    expires_at      bigint NOT NULL,
    -- When the session was ended by somebody, not by time. It is remembered
    -- until no access token of it can be valid any more.
    ended_at        bigint
-- A refresh writes the row anew. In the room that is left on each page it does
-- so without touching an index (a heap-only tuple).
) WITH (fillfactor = 80);

-- For listing and ending a user's sessions. There is no index on the expiry: it
-- moves with every refresh, and no refresh could be heap-only, to save the
-- purge, once in a while, from reading the table through.
CREATE INDEX sessions_by_user ON sessions (user_id);

-- Refreshes never touch it: only ended sessions are in it.
CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL;
