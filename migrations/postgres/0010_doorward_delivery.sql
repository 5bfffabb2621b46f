-- How the tokens of a session come to its client (domain::session::Delivery). Rows of the version before say nothing: by cookies. It can't
-- refresh those whose tokens come in bodies, because their secret is stored sealed.

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

ALTER TABLE sessions ADD COLUMN token_delivery TEXT CHECK (token_delivery IN ('cookies', 'body'));
