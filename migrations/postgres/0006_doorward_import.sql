-- Accounts from elsewhere: how they are called there, and which rows of which source have been taken.

-- The table is in use by the version before. All at once, or none and again: see 0003.
DO $$
DECLARE
    before TEXT := current_setting('lock_timeout');
BEGIN
    PERFORM set_config('lock_timeout', '250ms', true);
    LOOP
        BEGIN
            LOCK TABLE users IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', before, true);
END $$;

-- How the software that the account came from names it, where that is no number. Set when the account is made, and never changed.
ALTER TABLE users ADD COLUMN external_id TEXT;

CREATE UNIQUE INDEX users_external_id ON users (external_id) WHERE external_id IS NOT NULL;

-- One row for each that was taken. It outlives the account, so that whoever was erased does not come back with the next import.
CREATE TABLE imported (
    source  TEXT   NOT NULL,                                        -- the import's name
    key     BYTEA  NOT NULL CHECK (length(key) = 32),               -- SHA-256 of how the source names the row
    user_id BIGINT REFERENCES users (id) ON DELETE SET NULL,        -- none: erased since
    at      BIGINT NOT NULL,
    PRIMARY KEY (source, key)
);

-- The foreign key when a user is deleted.
CREATE INDEX imported_user ON imported (user_id);
