-- Accounts, their sessions, and the audit. Times are integer microseconds since the Unix epoch.
-- What each column means: domain::user::User, domain::session::Session, domain::audit::Record.

CREATE TABLE users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused
    email         TEXT    NOT NULL UNIQUE,           -- in canonical form
    full_name     TEXT,
    password_hash TEXT    NOT NULL,
    is_active     INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    is_superuser  INTEGER NOT NULL CHECK (is_superuser IN (0, 1)),
    created_at    INTEGER NOT NULL,
    last_login    INTEGER,
    updated_at    INTEGER NOT NULL                   -- moved by every change: how other nodes find it
) STRICT;

CREATE INDEX users_updated_at ON users (updated_at);

CREATE TABLE sessions (
    id                   BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id              INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    secret               BLOB    NOT NULL CHECK (length(secret) = 32),
    generation           INTEGER NOT NULL CHECK (generation >= 1),
    rotated_at           INTEGER NOT NULL,
    confirmed_generation INTEGER NOT NULL CHECK (confirmed_generation BETWEEN 0 AND generation),
    lost_replies         INTEGER NOT NULL,
    lost_reply_at        INTEGER,
    lost_replies_total   INTEGER NOT NULL,
    created_at           INTEGER NOT NULL,
    last_used_at         INTEGER NOT NULL,
    client_ip            TEXT,
    user_agent           TEXT,
    idle_expires_at      INTEGER NOT NULL,
    expires_at           INTEGER NOT NULL CHECK (idle_expires_at <= expires_at),
    ended_at             INTEGER,
    end_reason           TEXT,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT;

-- The live sessions of a user; the foreign key when a user is deleted.
CREATE INDEX sessions_user ON sessions (user_id, ended_at);
-- What ended lately, asked every second; the purge.
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
-- The purge.
CREATE INDEX sessions_idle ON sessions (idle_expires_at);

-- No foreign keys: a record outlives the user and the session.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    event      TEXT    NOT NULL,
    user_id    INTEGER,
    session_id BLOB,
    ip         TEXT,
    user_agent TEXT,
    detail     TEXT
) STRICT;

CREATE INDEX audit_user ON audit (user_id, at);
CREATE INDEX audit_at ON audit (at);

-- Resets that wait to be used; stored as SHA-256 of a random token.
CREATE TABLE password_resets (
    user_id    INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token_hash BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    expires_at INTEGER NOT NULL
) STRICT;
