-- What a second factor keeps of an account that has one; sealed, or not, by
-- whoever wrote it.
CREATE TABLE second_factors (
    user_id uuid  NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    -- Another one with each write.
    version uuid  NOT NULL,
    data    bytea NOT NULL CHECK (octet_length(data) <= 65536)
);
