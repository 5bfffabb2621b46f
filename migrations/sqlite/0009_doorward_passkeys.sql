-- Passkeys.

-- How an account is called among passkeys: random, and nothing else.
CREATE TABLE passkey_users (
    user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    handle  BLOB    NOT NULL UNIQUE CHECK (length(handle) = 16)
) STRICT;

-- What authenticators have made for accounts. A row's being there makes the password one of two.
CREATE TABLE passkeys (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- random: how its owner's pages call it
    user_id       INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id BLOB    NOT NULL UNIQUE CHECK (length(credential_id) BETWEEN 16 AND 1023), -- by which authenticators know it
    rp_id         TEXT    NOT NULL,                           -- the domain that it is good for
    public_key    BLOB    NOT NULL CHECK (length(public_key) <= 1024), -- a COSE_Key
    synced        INTEGER NOT NULL,                           -- 1: it may be copied to other devices of its owner
    sign_count    INTEGER NOT NULL,                           -- as its authenticator counts
    transports    TEXT    NOT NULL,                           -- words with a space between them
    name          TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER
) STRICT;

CREATE INDEX passkeys_user ON passkeys (user_id, created_at);
