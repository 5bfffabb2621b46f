-- Sessions that are bound to a device's key (domain::session::Binding). Rows of the version before have none; it can't refresh those
-- that have, because their secret is stored sealed.

ALTER TABLE sessions ADD COLUMN device_key BLOB CHECK (device_key IS NULL OR length(device_key) = 65);
ALTER TABLE sessions ADD COLUMN device_session BLOB CHECK ((device_key IS NULL) = (device_session IS NULL));

-- What a browser asks with.
CREATE UNIQUE INDEX sessions_device ON sessions (device_session) WHERE device_session IS NOT NULL;
