-- Limits that hold across nodes: domain::throttle. What they count is worth no write-ahead log; after a crash it starts anew.

CREATE UNLOGGED TABLE throttle (
    key        BYTEA  NOT NULL PRIMARY KEY CHECK (length(key) = 16), -- a keyed hash of what is counted
    log        BYTEA  NOT NULL CHECK (length(log) % 8 = 0),          -- times of admissions, 8 bytes each, in order
    expires_at BIGINT NOT NULL                                       -- nothing in the log counts from then on
);

-- The purge.
CREATE INDEX throttle_expires ON throttle (expires_at);

-- When an operator last forgave the failures that were counted against the account.
ALTER TABLE users ADD COLUMN unblocked_at BIGINT;
