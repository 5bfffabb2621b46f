-- How a factor comes to an account first, and how it goes without its holder.

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

-- Where no mail is sent: the code that an operator has given to somebody whose factors they took away. While the row is there the
-- account gets no factor without it. The code is derived from this by a key of the server.
CREATE TABLE enrolment_codes (
    user_id    BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    seed       BYTEA  NOT NULL CHECK (length(seed) = 32),
    created_at BIGINT NOT NULL
);

-- Somebody who knows the password and reads the mail waits for the factors to be removed.
CREATE TABLE factor_recoveries (
    user_id    BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    version    BIGINT NOT NULL, -- users.credentials_version then: with another one it is void
    started_at BIGINT NOT NULL,
    due_at     BIGINT NOT NULL, -- from then on a mailed link removes them
    next_at    BIGINT NOT NULL  -- when its owner is told again; at last, when it is over
);

-- Those who are to be told.
CREATE INDEX factor_recoveries_next ON factor_recoveries (next_at);
