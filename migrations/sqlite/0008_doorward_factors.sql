-- Factors beside the password: authenticator apps, and recovery codes in their place.

-- The authenticator app of an account. The row's being there is what makes the password one of two.
CREATE TABLE totp (
    user_id      INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret       BLOB    NOT NULL,                           -- sealed: platform::sealed
    key_id       BLOB    NOT NULL CHECK (length(key_id) = 4), -- of the server's key that opens it
    last_step    INTEGER NOT NULL,                           -- of the last code that was used: none up to it is good any more
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT;

-- One that is being set up, by whoever holds what it is bound to: a session, or a ticket.
CREATE TABLE totp_pending (
    user_id    INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    bound_to   BLOB    NOT NULL CHECK (length(bound_to) = 16),
    secret     BLOB    NOT NULL,
    key_id     BLOB    NOT NULL CHECK (length(key_id) = 4),
    expires_at INTEGER NOT NULL
) STRICT;

-- The purge.
CREATE INDEX totp_pending_expires ON totp_pending (expires_at);

-- Codes that were written down, each good once; stored as SHA-256 of 80 random bits behind the salt of their row.
CREATE TABLE recovery_codes (
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    salt       BLOB    NOT NULL CHECK (length(salt) = 16),
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL,
    used_at    INTEGER,                                       -- set once
    PRIMARY KEY (user_id, salt)
) STRICT;
