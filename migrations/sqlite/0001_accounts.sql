-- Times are milliseconds since 1970-01-01T00:00:00Z, ids the 16 bytes of a UUID.
CREATE TABLE accounts (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- Canonical already (RFC 8265), so equal names are equal bytes.
    username    TEXT    NOT NULL UNIQUE,
    -- A PHC string; 255 bytes is what the service's contract allows.
    hash        TEXT    NOT NULL CHECK (octet_length(hash) <= 255),
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT, WITHOUT ROWID;
