-- What happened that matters to security. Written once, never changed, and
-- removed when it is old. Nothing refers to accounts and sessions: a record
-- outlives what it is about.
CREATE TABLE audit_log (
    at         INTEGER NOT NULL,
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    event      TEXT    NOT NULL,
    outcome    TEXT    NOT NULL CHECK (outcome IN ('success', 'failure')),
    reason     TEXT,
    -- Who did it: a user, or the operating system's name of whoever ran a command.
    actor_id   BLOB    CHECK (length(actor_id) = 16),
    operator   TEXT    CHECK (operator IS NULL OR actor_id IS NULL),
    -- To whom, and where.
    user_id    BLOB    CHECK (length(user_id) = 16),
    session_id BLOB    CHECK (length(session_id) = 16),
    room       TEXT,
    role       TEXT    CHECK (role IN ('owner', 'member', 'reader')),
    key        TEXT,
    count      INTEGER CHECK (count >= 0),
    address    TEXT,
    request_id TEXT,
    -- New records come at its end, and the purge takes from its beginning.
    PRIMARY KEY (at, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_log_by_user ON audit_log (user_id, at, id) WHERE user_id IS NOT NULL;

-- Most of what users do they do to their own account, which the other index has.
CREATE INDEX audit_log_by_actor ON audit_log (actor_id, at, id)
    WHERE actor_id IS NOT NULL AND actor_id IS NOT user_id;
