#!/bin/sh
# What says that a PostgreSQL (15, Debian 12) takes writes, when its disk is full: pg_isready, a query, a message put into the log
# (pg_logical_emit_message), and what careful readiness checks do, a row of their own that they change. And what services write.
#
# One would expect that a check that writes and commits fails when nothing can be written.
# Seen: it is done, a thousand times. A row that is changed finds its new place on its own page, where what it was before is cleared away, and the log
# goes on in files that were made before. What adds rows (a login, an audit record) fails with 53100 all the while. A temporary table of the
# transaction (`CREATE TEMPORARY TABLE .. ON COMMIT DROP AS SELECT 1`) needs new room and fails too: that is the check to make.
#
# For who runs a login service: a load balancer sends people to a service that logs nobody in, and the alert on readiness is silent.
# Doorward's own check was of this kind. Since a write failed for want of room it makes such a table, until that is possible again.
#
# Makes a small file system in a file (which needs root), runs PostgreSQL on it, and fails when that changes.
set -eu
[ "$(id -u)" = 0 ] || { echo "needs root, to mount a small file system" >&2; exit 1; }
programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
folder=$(mktemp -d)
as() { setpriv --reuid=nobody --clear-groups -- "$@"; }
trap 'as "$programs/pg_ctl" -D "$folder/disk/data" -m immediate stop > /dev/null 2>&1 || true; umount -l "$folder/disk" 2> /dev/null || true; rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
mkdir disk
truncate -s 200M image
mkfs.ext4 -q -m 0 image
mount -o loop image disk
chown nobody disk
as "$programs/initdb" -D disk/data -U ann --auth=trust --no-sync > /dev/null
as "$programs/pg_ctl" -D disk/data -w -l disk/log -o "-k $folder/disk -c listen_addresses=" start > /dev/null
ask() { "$programs/psql" -h "$folder/disk" -U ann postgres -qAtX "$@"; }
ask -c "CREATE TABLE heartbeat (id int PRIMARY KEY, at timestamptz); INSERT INTO heartbeat VALUES (1, now())" \
    -c "CREATE TABLE sessions (id bigserial PRIMARY KEY, name text); INSERT INTO sessions (name) SELECT repeat('x', 100) FROM generate_series(1, 1000)"
for size in 64k 1k; do dd if=/dev/zero bs=$size status=none 2> /dev/null >> disk/ballast || true; sync -f disk; done
says() { # name, command..
    name=$1
    shift
    if "$@" > answer 2>&1; then echo "$name: yes"; else echo "$name: no, $(sed -n 's/^.*ERROR:  \([0-9A-Z]*\):.*/\1/p' answer | head -1)"; fi
}
{
    says "pg_isready" "$programs/pg_isready" -q -h "$folder/disk"
    says "a query" ask -c "SELECT 1"
    # A page holds some two hundred of them.
    for number in $(seq 1000); do echo "UPDATE heartbeat SET at = clock_timestamp();"; done > beats
    says "a row that is changed, 1000 times" ask -v ON_ERROR_STOP=1 -f beats
    says "a message in the log" ask -c "SELECT pg_logical_emit_message(true, '', '')"
    for number in $(seq 100); do echo "INSERT INTO sessions (name) VALUES (repeat('x', 100));"; done > logins
    says "100 rows that are added" ask -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -f logins
    says "a row that is changed, after that" ask -v ON_ERROR_STOP=1 -f beats
    says "a temporary table" ask -v VERBOSITY=verbose -c "CREATE TEMPORARY TABLE room ON COMMIT DROP AS SELECT 1"
    rm disk/ballast
    says "a temporary table, with room" ask -c "CREATE TEMPORARY TABLE room ON COMMIT DROP AS SELECT 1"
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
pg_isready: yes
a query: yes
a row that is changed, 1000 times: yes
a message in the log: yes
100 rows that are added: no, 53100
a row that is changed, after that: yes
a temporary table: no, 53100
a temporary table, with room: yes
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
