-- One row, written to find out whether the database takes writes.

CREATE TABLE heartbeat (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    at BIGINT NOT NULL
);

INSERT INTO heartbeat (id, at) VALUES (1, 0);
