-- How a factor comes to an account first, and how it goes without its holder.

-- Where no mail is sent: the code that an operator has given to somebody whose factors they took away. While the row is there the
-- account gets no factor without it. The code is derived from this by a key of the server.
CREATE TABLE enrolment_codes (
    user_id    INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    seed       BLOB    NOT NULL CHECK (length(seed) = 32),
    created_at INTEGER NOT NULL
) STRICT;

-- Somebody who knows the password and reads the mail waits for the factors to be removed.
CREATE TABLE factor_recoveries (
    user_id    INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    version    INTEGER NOT NULL, -- users.credentials_version then: with another one it is void
    started_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL, -- from then on a mailed link removes them
    next_at    INTEGER NOT NULL  -- when its owner is told again; at last, when it is over
) STRICT;

-- Those who are to be told.
CREATE INDEX factor_recoveries_next ON factor_recoveries (next_at);
