-- Times are milliseconds since 1970-01-01T00:00:00Z.
CREATE TABLE accounts (
    id          uuid   NOT NULL PRIMARY KEY,
    -- Canonical already (RFC 8265), so equal names are equal bytes.
    username    text   COLLATE "C" NOT NULL UNIQUE,
    -- A PHC string; 255 bytes is what the service's contract allows.
    hash        text   COLLATE "C" NOT NULL CHECK (octet_length(hash) <= 255),
    created_at  bigint NOT NULL,
    disabled_at bigint
);
