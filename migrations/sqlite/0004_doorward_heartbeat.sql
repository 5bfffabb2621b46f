-- One row, written to find out whether the database takes writes.

CREATE TABLE heartbeat (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;

INSERT INTO heartbeat (id, at) VALUES (1, 0);
