-- What a second factor keeps of an account that has one; sealed, or not, by
-- whoever wrote it.
CREATE TABLE second_factors (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    -- Another one with each write.
    version BLOB NOT NULL CHECK (length(version) = 16),
    data    BLOB NOT NULL CHECK (length(data) <= 65536)
) STRICT, WITHOUT ROWID;
