-- Passkeys.

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

-- How an account is called among passkeys: random, and nothing else.
CREATE TABLE passkey_users (
    user_id BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    handle  BYTEA  NOT NULL UNIQUE CHECK (length(handle) = 16)
);

-- What authenticators have made for accounts. A row's being there makes the password one of two.
CREATE TABLE passkeys (
    id            BYTEA  NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- random: how its owner's pages call it
    user_id       BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id BYTEA  NOT NULL UNIQUE CHECK (length(credential_id) BETWEEN 16 AND 1023), -- by which authenticators know it
    rp_id         TEXT   NOT NULL,                           -- the domain that it is good for
    public_key    BYTEA  NOT NULL CHECK (length(public_key) <= 1024), -- a COSE_Key
    synced        BIGINT NOT NULL,                           -- 1: it may be copied to other devices of its owner
    sign_count    BIGINT NOT NULL,                           -- as its authenticator counts
    transports    TEXT   NOT NULL,                           -- words with a space between them
    name          TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    last_used_at  BIGINT
);

CREATE INDEX passkeys_user ON passkeys (user_id, created_at);

-- A passkey marks an account as an app does: see 0008.
CREATE OR REPLACE FUNCTION doorward_keep_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF left(NEW.password_hash, 4) <> 'mfa$' AND (
        EXISTS (SELECT FROM totp WHERE user_id = NEW.id) OR EXISTS (SELECT FROM passkeys WHERE user_id = NEW.id)
    ) THEN
        NEW.password_hash := 'mfa$' || NEW.password_hash;
    END IF;
    RETURN NEW;
END $$;
