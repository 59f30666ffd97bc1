-- What happened that matters to security. Written once, never changed, and
-- removed when it is old. Nothing refers to accounts and sessions: a record
-- outlives what it is about.
CREATE TABLE audit_log (
    at         bigint NOT NULL,
    id         uuid   NOT NULL,
    event      text   COLLATE "C" NOT NULL,
    outcome    text   COLLATE "C" NOT NULL CHECK (outcome IN ('success', 'failure')),
    reason     text   COLLATE "C",
    -- Who did it: a user, or the operating system's name of whoever ran a command.
    actor_id   uuid,
    operator   text   CHECK (operator IS NULL OR actor_id IS NULL),
    -- To whom, and where.
    user_id    uuid,
    session_id uuid,
    room       text   COLLATE "C",
    role       text   COLLATE "C" CHECK (role IN ('owner', 'member', 'reader')),
    key        text   COLLATE "C",
    count      bigint CHECK (count >= 0),
    address    text   COLLATE "C",
    request_id text   COLLATE "C",
    -- New records come at its end, and the purge takes from its beginning.
    PRIMARY KEY (at, id)
);

CREATE INDEX audit_log_by_user ON audit_log (user_id, at, id) WHERE user_id IS NOT NULL;

-- Most of what users do they do to their own account, which the other index has.
CREATE INDEX audit_log_by_actor ON audit_log (actor_id, at, id)
    WHERE actor_id IS NOT NULL AND actor_id IS DISTINCT FROM user_id;
