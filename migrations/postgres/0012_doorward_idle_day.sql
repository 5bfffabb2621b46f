-- What expires is found by the day of `idle_expires_at`: each rotation moves that time, and with it moved an entry of its index, so PostgreSQL
-- wrote a new entry into every index of the table. The day moves once a day; with no indexed column changed, and room on the page, the next
-- version of a row stands beside the one before and no index is touched (HOT). Rows of the version before have no day yet, or after its
-- rotations an earlier one, and are found all the same: the purge gives days to those without, and looks at the time itself. Without the
-- old index the purge of the version before reads the whole table, until its last node has ended.

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

-- `idle_expires_at`, in whole days since the Unix epoch.
ALTER TABLE sessions ADD COLUMN idle_day BIGINT;

-- The purge, and what has no day yet.
CREATE INDEX sessions_idle_day ON sessions (idle_day);
DROP INDEX sessions_idle;

-- The room for the next version of a row: of pages that are filled from now on.
ALTER TABLE sessions SET (fillfactor = 85);
