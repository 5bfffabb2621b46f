-- Sessions that are bound to a device's key (domain::session::Binding). Rows of the version before have none; it can't refresh those
-- that have, because their secret is stored sealed.

-- One table and one lock, waited for in short turns: a waiting one holds up all requests, and each may be longer than 1 s in an export.
DO $$
DECLARE
    before TEXT := current_setting('lock_timeout');
BEGIN
    PERFORM set_config('lock_timeout', '250ms', true);
    LOOP
        BEGIN
            LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', before, true);
END $$;

ALTER TABLE sessions ADD COLUMN device_key BYTEA CHECK (device_key IS NULL OR length(device_key) = 65);
ALTER TABLE sessions ADD COLUMN device_session BYTEA CHECK ((device_key IS NULL) = (device_session IS NULL));

-- What a browser asks with.
CREATE UNIQUE INDEX sessions_device ON sessions (device_session) WHERE device_session IS NOT NULL;
