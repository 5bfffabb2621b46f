-- Limits that hold across nodes: domain::throttle. SQLite is one node, which counts in its memory: the table is empty there.

CREATE TABLE throttle (
    key        BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 16), -- a keyed hash of what is counted
    log        BLOB    NOT NULL CHECK (length(log) % 8 = 0),          -- times of admissions, 8 bytes each, in order
    expires_at INTEGER NOT NULL                                       -- nothing in the log counts from then on
) STRICT;

-- The purge.
CREATE INDEX throttle_expires ON throttle (expires_at);

-- When an operator last forgave the failures that were counted against the account.
ALTER TABLE users ADD COLUMN unblocked_at INTEGER;
