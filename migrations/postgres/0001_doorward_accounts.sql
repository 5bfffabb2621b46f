-- Accounts, their sessions, and the audit. Times are integer microseconds since the Unix epoch.
-- What each column means: domain::user::User, domain::session::Session, domain::audit::Record.

CREATE TABLE users (
    id            BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- never reused
    email         TEXT    NOT NULL UNIQUE,                          -- in canonical form
    full_name     TEXT,
    password_hash TEXT    NOT NULL,
    is_active     BOOLEAN NOT NULL,
    is_superuser  BOOLEAN NOT NULL,
    created_at    BIGINT  NOT NULL,
    last_login    BIGINT,
    updated_at    BIGINT  NOT NULL                                  -- moved by every change: how other nodes find it
);

CREATE INDEX users_updated_at ON users (updated_at);

CREATE TABLE sessions (
    id                   BYTEA  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id              BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    secret               BYTEA  NOT NULL CHECK (length(secret) = 32),
    generation           BIGINT NOT NULL CHECK (generation >= 1),
    rotated_at           BIGINT NOT NULL,
    confirmed_generation BIGINT NOT NULL CHECK (confirmed_generation BETWEEN 0 AND generation),
    lost_replies         BIGINT NOT NULL,
    lost_reply_at        BIGINT,
    lost_replies_total   BIGINT NOT NULL,
    created_at           BIGINT NOT NULL,
    last_used_at         BIGINT NOT NULL,
    client_ip            TEXT,
    user_agent           TEXT,
    idle_expires_at      BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL CHECK (idle_expires_at <= expires_at),
    ended_at             BIGINT,
    end_reason           TEXT,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);

-- The live sessions of a user; the foreign key when a user is deleted.
CREATE INDEX sessions_user ON sessions (user_id, ended_at);
-- What ended lately, asked every second; the purge.
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
-- The purge.
CREATE INDEX sessions_idle ON sessions (idle_expires_at);

-- No foreign keys: a record outlives the user and the session.
CREATE TABLE audit (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         BIGINT NOT NULL,
    event      TEXT   NOT NULL,
    user_id    BIGINT,
    session_id BYTEA,
    ip         TEXT,
    user_agent TEXT,
    detail     TEXT
);

CREATE INDEX audit_user ON audit (user_id, at);
CREATE INDEX audit_at ON audit (at);

-- Resets that wait to be used; stored as SHA-256 of a random token.
CREATE TABLE password_resets (
    user_id    BIGINT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token_hash BYTEA  NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    expires_at BIGINT NOT NULL
);
