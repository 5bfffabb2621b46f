-- What expires is found by the day of `idle_expires_at`, and not by the time itself, which each rotation moves: see PostgreSQL's. The same
-- tables on both.

-- `idle_expires_at`, in whole days since the Unix epoch.
ALTER TABLE sessions ADD COLUMN idle_day INTEGER;

-- The purge, and what has no day yet.
CREATE INDEX sessions_idle_day ON sessions (idle_day);
DROP INDEX sessions_idle;
