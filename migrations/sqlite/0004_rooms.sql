CREATE TABLE rooms (
    name       TEXT    NOT NULL PRIMARY KEY
               CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9_-]*'),
    title      TEXT    NOT NULL CHECK (length(title) BETWEEN 1 AND 100),
    presence   INTEGER NOT NULL CHECK (presence IN (0, 1)),
    created_at INTEGER NOT NULL,
    -- How often its memberships were changed; never less, whatever is forgotten.
    revision   INTEGER NOT NULL CHECK (revision >= 0),
    -- A deleted room keeps its name for as long as it is remembered.
    deleted_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX rooms_by_deletion ON rooms (deleted_at) WHERE deleted_at IS NOT NULL;

-- One row for everybody who is in a room or was not long ago. Of a deleted room
-- nobody is a member.
CREATE TABLE memberships (
    room       TEXT    NOT NULL REFERENCES rooms (name),
    user_id    BLOB    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- NULL is not in the room any more.
    role       TEXT    CHECK (role IN ('owner', 'member', 'reader')),
    -- The room's, when the membership was changed last.
    revision   INTEGER NOT NULL CHECK (revision >= 0),
    -- NULL is never: it is as old as the room.
    changed_at INTEGER CHECK (changed_at IS NOT NULL OR role IS NOT NULL),
    PRIMARY KEY (room, user_id)
) STRICT, WITHOUT ROWID;

-- For a user's rooms, in the order of their names: the primary key is part of it.
CREATE INDEX memberships_by_user ON memberships (user_id);

-- Every node asks twice a second what was changed lately.
CREATE INDEX memberships_by_change ON memberships (changed_at) WHERE changed_at IS NOT NULL;

-- For the purge, which leaves all who are in a room alone.
CREATE INDEX memberships_by_removal ON memberships (changed_at) WHERE role IS NULL;
