#!/bin/sh
# PostgreSQL 15 (Debian 12): `pg_stat_get_xact_tuples_updated` and its like, which `pg_stat_xact_user_tables` shows, count "within the current transaction".
#
# One would expect a transaction that updates one row to be told one.
# Seen: four, after three updates in the transaction before it, on the same connection; and four still where nothing has been updated since. They count
# what the session has not yet handed to the shared statistics, which it does once a second at most: between two transactions, and not while it is busy.
#
# For who tests that updates touch no index (HOT), as of sessions that rotate: the counters of one transaction tell nothing by themselves, and pass or fail by how
# fast the test is. Compare two of them, or the same one before and after. Doorward's own test compares HOT updates with all updates.
#
# Fails when that changes.
set -eu
programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
folder=$(mktemp -d)
as=
# Not as root, as which it does not run.
[ "$(id -u)" != 0 ] || { as="setpriv --reuid=nobody --clear-groups --"; chown nobody "$folder"; }
trap '$as "$programs/pg_ctl" -D "$folder/data" -m immediate stop > /dev/null 2>&1 || true; rm -rf "$folder"' EXIT
cd "$folder"
$as "$programs/initdb" -D data -U ann --auth=trust --no-sync > /dev/null
$as "$programs/pg_ctl" -D data -w -l log -o "-k $folder -c listen_addresses=" start > /dev/null
told() { psql -h "$folder" -U ann -d postgres -XAtq; }
told <<'SQL'
CREATE TABLE sessions (id INT PRIMARY KEY, generation INT NOT NULL);
INSERT INTO sessions SELECT id, 1 FROM generate_series(1, 3) AS id;
SQL
seen=$(told <<'SQL'
UPDATE sessions SET generation = 2;
BEGIN;
UPDATE sessions SET generation = 3 WHERE id = 1;
SELECT 'a transaction with one update: ' || pg_stat_get_xact_tuples_updated('sessions'::regclass);
COMMIT;
SELECT 'a transaction without one: ' || pg_stat_get_xact_tuples_updated('sessions'::regclass);
SQL
)
"$programs/postgres" --version
echo "$seen"
[ "$seen" = "a transaction with one update: 4
a transaction without one: 4" ]
