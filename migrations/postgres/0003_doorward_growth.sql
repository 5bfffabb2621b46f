-- What a session's beginning proved, who did what the audit tells, and tokens that are good once. All of it may be missing in rows of
-- the version before, which works beside this one.

-- The tables are in use by the version before, whose transactions take them in more than one order: waiting for one while holding
-- another would end in a deadlock. All at once, or none and again; each wait is shorter than what PostgreSQL takes for a deadlock (1 s).
DO $$
DECLARE
    before TEXT := current_setting('lock_timeout');
BEGIN
    PERFORM set_config('lock_timeout', '250ms', true);
    LOOP
        BEGIN
            LOCK TABLE users, sessions, audit IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', before, true);
END $$;

-- How the person proved who they are (domain::session::AuthMethod), and when.
ALTER TABLE sessions ADD COLUMN amr TEXT;
ALTER TABLE sessions ADD COLUMN proved_at BIGINT;

-- Moved by whatever makes proofs from before void: another password, a disabled account. Not by another hash of the same password.
ALTER TABLE users ADD COLUMN credentials_version BIGINT NOT NULL DEFAULT 1;

-- domain::audit::Actor. Records of the version before have none.
ALTER TABLE audit ADD COLUMN actor TEXT;

-- Tokens that are sent to somebody; stored as SHA-256. They take the place of `password_resets`, which is read for one release more.
CREATE TABLE one_time_tokens (
    hash       BYTEA  NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    purpose    TEXT   NOT NULL,
    user_id    BIGINT REFERENCES users (id) ON DELETE CASCADE, -- none: there is no account yet
    sent_to    TEXT,
    payload    TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT                                          -- set once
);

-- The live ones of a user; the foreign key when a user is deleted.
CREATE INDEX one_time_tokens_user ON one_time_tokens (user_id, purpose);
-- The purge.
CREATE INDEX one_time_tokens_expires ON one_time_tokens (expires_at);

-- Signed tokens that are kept nowhere, and that somebody has used: the SHA-256 of each, until it would have expired.
CREATE TABLE spent (
    hash       BYTEA  NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    expires_at BIGINT NOT NULL
);

-- The purge.
CREATE INDEX spent_expires ON spent (expires_at);
