-- Factors beside the password: authenticator apps, and recovery codes in their place.

-- The tables refer to one that is in use by the version before. All at once, or none and again: see 0003.
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

-- The authenticator app of an account. The row's being there is what makes the password one of two.
CREATE TABLE totp (
    user_id      BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret       BYTEA  NOT NULL,                           -- sealed: platform::sealed
    key_id       BYTEA  NOT NULL CHECK (length(key_id) = 4), -- of the server's key that opens it
    last_step    BIGINT NOT NULL,                           -- of the last code that was used: none up to it is good any more
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);

-- One that is being set up, by whoever holds what it is bound to: a session, or a ticket.
CREATE TABLE totp_pending (
    user_id    BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    bound_to   BYTEA  NOT NULL CHECK (length(bound_to) = 16),
    secret     BYTEA  NOT NULL,
    key_id     BYTEA  NOT NULL CHECK (length(key_id) = 4),
    expires_at BIGINT NOT NULL
);

-- The purge.
CREATE INDEX totp_pending_expires ON totp_pending (expires_at);

-- Codes that were written down, each good once; stored as SHA-256 of 80 random bits behind the salt of their row.
CREATE TABLE recovery_codes (
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    salt       BYTEA  NOT NULL CHECK (length(salt) = 16),
    hash       BYTEA  NOT NULL CHECK (length(hash) = 32),
    created_at BIGINT NOT NULL,
    used_at    BIGINT,                                       -- set once
    PRIMARY KEY (user_id, salt)
);

-- Whatever the version before writes in the place of a password, which it sets by a reset, keeps the mark of an account that has a
-- factor: it lets nobody in with half. (SQLite has one node, and so one version.)
CREATE FUNCTION doorward_keep_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF left(NEW.password_hash, 4) <> 'mfa$' AND EXISTS (SELECT FROM totp WHERE user_id = NEW.id) THEN
        NEW.password_hash := 'mfa$' || NEW.password_hash;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER doorward_keep_mark BEFORE UPDATE OF password_hash ON users
    FOR EACH ROW EXECUTE FUNCTION doorward_keep_mark();
