-- Mails that wait to be sent, and addresses: which are confirmed, and which somebody has left.

-- The tables are in use by the version before, whose transactions take them in more than one order: all at once, or none and again.
DO $$
DECLARE
    before TEXT := current_setting('lock_timeout');
BEGIN
    PERFORM set_config('lock_timeout', '250ms', true);
    LOOP
        BEGIN
            LOCK TABLE users, one_time_tokens IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', before, true);
END $$;

-- When it was shown that whoever has the account reads the mail of its address. None: never.
ALTER TABLE users ADD COLUMN email_verified_at BIGINT;
-- When the account is erased: its owner has deleted it, while whoever had its address before may still take it back.
ALTER TABLE users ADD COLUMN erase_at BIGINT;

-- Those that are due.
CREATE INDEX users_erase_at ON users (erase_at) WHERE erase_at IS NOT NULL;

-- What a mailed token is derived from, with a key of the server: the same link can be mailed again. None: nobody can make it again.
ALTER TABLE one_time_tokens ADD COLUMN seed BYTEA;

-- One row a mail, written in the transaction of what it tells of. No foreign key: what tells of a deletion outlives the account.
CREATE TABLE outbox (
    id                  BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 16),                      -- in the Message-ID: the same at every attempt
    kind                TEXT    NOT NULL,                                                          -- domain::mail::Kind
    user_id             BIGINT, -- none: nobody's, or nobody's yet
    sent_to             TEXT    NOT NULL,                                                          -- empty once it was sent
    recipient           BYTEA   NOT NULL,                                                          -- a keyed hash of the address: what budgets are counted by
    budget              TEXT    NOT NULL,                                                          -- domain::mail::Budget
    credentials_version BIGINT, -- of the event; a link is not sent once the account has another
    token_hash          BYTEA,  -- the link's one_time_tokens row; not sent once that is gone
    facts               TEXT,   -- what the mail may tell: JSON
    created_at          BIGINT  NOT NULL,
    due_at              BIGINT  NOT NULL,
    claimed_until       BIGINT, -- somebody is sending it
    attempts            BIGINT  NOT NULL,
    done_at             BIGINT,
    outcome             TEXT,   -- domain::mail::Outcome
    error               TEXT,   -- of the last attempt
    CHECK ((done_at IS NULL) = (outcome IS NULL))
);

-- What waits, the oldest first.
CREATE INDEX outbox_waiting ON outbox (created_at) WHERE done_at IS NULL;
-- Budgets.
CREATE INDEX outbox_recipient ON outbox (recipient, created_at);
-- What is erased and exported with a user.
CREATE INDEX outbox_user ON outbox (user_id);
-- The purge.
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;

-- How many were given up.
CREATE INDEX outbox_dead ON outbox (created_at) WHERE outcome = 'dead';

-- Addresses that accounts had: nobody else may take them for a while.
CREATE TABLE left_addresses (
    email          TEXT   NOT NULL PRIMARY KEY,
    user_id        BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    left_at        BIGINT NOT NULL,
    reserved_until BIGINT NOT NULL
);

-- The foreign key when a user is deleted.
CREATE INDEX left_addresses_user ON left_addresses (user_id);
-- The purge.
CREATE INDEX left_addresses_reserved ON left_addresses (reserved_until);
