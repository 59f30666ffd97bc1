CREATE TABLE rooms (
    name       text    COLLATE "C" NOT NULL PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_-]{1,64}$'),
    title      text    NOT NULL CHECK (char_length(title) BETWEEN 1 AND 100),
    presence   boolean NOT NULL,
    created_at bigint  NOT NULL,
    -- How often its memberships were changed; never less, whatever is forgotten.
    revision   bigint  NOT NULL CHECK (revision >= 0),
    -- A deleted room keeps its name for as long as it is remembered.
    deleted_at bigint
);

CREATE INDEX rooms_by_deletion ON rooms (deleted_at) WHERE deleted_at IS NOT NULL;

-- One row for everybody who is in a room or was not long ago. Of a deleted room
-- nobody is a member.
CREATE TABLE memberships (
    room       text   COLLATE "C" NOT NULL REFERENCES rooms (name),
    user_id    uuid   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- NULL is not in the room any more.
    role       text   COLLATE "C" CHECK (role IN ('owner', 'member', 'reader')),
    -- The room's, when the membership was changed last.
    revision   bigint NOT NULL CHECK (revision >= 0),
    -- NULL is never: it is as old as the room.
    changed_at bigint CHECK (changed_at IS NOT NULL OR role IS NOT NULL),
    PRIMARY KEY (room, user_id)
);

-- For a user's rooms, in the order of their names.
CREATE INDEX memberships_by_user ON memberships (user_id, room);

-- Every node asks twice a second what was changed lately.
CREATE INDEX memberships_by_change ON memberships (changed_at) WHERE changed_at IS NOT NULL;

-- For the purge, which leaves all who are in a room alone.
CREATE INDEX memberships_by_removal ON memberships (changed_at) WHERE role IS NULL;
