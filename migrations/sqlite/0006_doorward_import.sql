-- Accounts from elsewhere: how they are called there, and which rows of which source have been taken.

-- How the software that the account came from names it, where that is no number. Set when the account is made, and never changed.
ALTER TABLE users ADD COLUMN external_id TEXT;

CREATE UNIQUE INDEX users_external_id ON users (external_id) WHERE external_id IS NOT NULL;

-- One row for each that was taken. It outlives the account, so that whoever was erased does not come back with the next import.
CREATE TABLE imported (
    source  TEXT    NOT NULL,                                        -- the import's name
    key     BLOB    NOT NULL CHECK (length(key) = 32),               -- SHA-256 of how the source names the row
    user_id INTEGER REFERENCES users (id) ON DELETE SET NULL,        -- none: erased since
    at      INTEGER NOT NULL,
    PRIMARY KEY (source, key)
) STRICT;

-- The foreign key when a user is deleted.
CREATE INDEX imported_user ON imported (user_id);
