-- Mails that wait to be sent, and addresses: which are confirmed, and which somebody has left.

-- When it was shown that whoever has the account reads the mail of its address. None: never.
ALTER TABLE users ADD COLUMN email_verified_at INTEGER;
-- When the account is erased: its owner has deleted it, while whoever had its address before may still take it back.
ALTER TABLE users ADD COLUMN erase_at INTEGER;

-- Those that are due.
CREATE INDEX users_erase_at ON users (erase_at) WHERE erase_at IS NOT NULL;

-- What a mailed token is derived from, with a key of the server: the same link can be mailed again. None: nobody can make it again.
ALTER TABLE one_time_tokens ADD COLUMN seed BLOB;

-- One row a mail, written in the transaction of what it tells of. No foreign key: what tells of a deletion outlives the account.
CREATE TABLE outbox (
    id                  BLOB     NOT NULL PRIMARY KEY CHECK (length(id) = 16),                      -- in the Message-ID: the same at every attempt
    kind                TEXT     NOT NULL,                                                          -- domain::mail::Kind
    user_id             INTEGER, -- none: nobody's, or nobody's yet
    sent_to             TEXT     NOT NULL,                                                          -- empty once it was sent
    recipient           BLOB     NOT NULL,                                                          -- a keyed hash of the address: what budgets are counted by
    budget              TEXT     NOT NULL,                                                          -- domain::mail::Budget
    credentials_version INTEGER, -- of the event; a link is not sent once the account has another
    token_hash          BLOB,    -- the link's one_time_tokens row; not sent once that is gone
    facts               TEXT,    -- what the mail may tell: JSON
    created_at          INTEGER  NOT NULL,
    due_at              INTEGER  NOT NULL,
    claimed_until       INTEGER, -- somebody is sending it
    attempts            INTEGER  NOT NULL,
    done_at             INTEGER,
    outcome             TEXT,    -- domain::mail::Outcome
    error               TEXT,    -- of the last attempt
    CHECK ((done_at IS NULL) = (outcome IS NULL))
) STRICT;

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
    email          TEXT    NOT NULL PRIMARY KEY,
    user_id        INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    left_at        INTEGER NOT NULL,
    reserved_until INTEGER NOT NULL
) STRICT;

-- The foreign key when a user is deleted.
CREATE INDEX left_addresses_user ON left_addresses (user_id);
-- The purge.
CREATE INDEX left_addresses_reserved ON left_addresses (reserved_until);
