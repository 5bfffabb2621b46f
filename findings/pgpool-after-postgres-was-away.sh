#!/bin/sh
# PostgreSQL 15 behind Pgpool-II 4.3.5, PgBouncer 1.18 and HAProxy 2.6 (Debian 12): it is stopped while somebody asks, and started again.
#
# One would expect that what stands before one PostgreSQL leads to it again once it is back.
# Seen: PgBouncer and HAProxy do. Pgpool takes the first error for the loss of a server, of the only one too, and refuses everybody from then on ("all
# backend nodes are down"): nothing in its defaults looks again (`health_check_period = 0`), with `health_check_period = 1` neither. With
# `backend_flag0 = 'DISALLOW_TO_FAILOVER'` it leads there again.
#
# For who runs a login service: a restart of the database, for a security update, logs in nobody any more until somebody attends to Pgpool.
# Doorward answers 503 all the while; docs/deployment.md names the setting.
#
# Runs all of them on free ports, and fails when that changes.
set -eu
programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
folder=$(mktemp -d)
started=
# shellcheck disable=SC2086 # a command and its words
trap 'for one in $started; do kill $one 2> /dev/null || true; done; $as "$programs/pg_ctl" -D "$folder/data" -m immediate stop > /dev/null 2>&1 || true; sleep 1; rm -rf "$folder"' EXIT
# Not as root, as which these do not run.
as=
[ "$(id -u)" != 0 ] || as="setpriv --reuid=nobody --clear-groups --"
port() { python3 -c 'import socket; one = socket.socket(); one.bind(("127.0.0.1", 0)); print(one.getsockname()[1])'; }
[ "$(id -u)" != 0 ] || chown nobody "$folder"
cd "$folder"
server=$(port)
$as "$programs/initdb" -D data -U ann --auth=trust --no-sync > /dev/null
database() { $as "$programs/pg_ctl" -D data -w -l log -m immediate -o "-k $folder -p $server" "$1" > /dev/null; }
database start
pgbouncer=$(port)
cat > bouncer.ini <<INI
[databases]
* = host=127.0.0.1 port=$server user=ann
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pgbouncer
unix_socket_dir =
auth_type = any
pool_mode = session
INI
haproxy=$(port)
cat > haproxy.cfg <<CFG
defaults
    mode tcp
    timeout connect 2s
    timeout client 1m
    timeout server 1m
listen database
    bind 127.0.0.1:$haproxy
    server one 127.0.0.1:$server
CFG
pool() { # name, further lines: starts a Pgpool and leaves its port in the variable `pool`
    pool=$(port)
    mkdir "$1"
    [ "$(id -u)" != 0 ] || chown nobody "$1"
    cat > "$1/conf" <<CONF
backend_clustering_mode = 'raw'
listen_addresses = '127.0.0.1'
port = $pool
pcp_port = $(port)
socket_dir = '$folder/$1'
pcp_socket_dir = '$folder/$1'
pid_file_name = '$folder/$1/pid'
logdir = '$folder/$1'
backend_hostname0 = '127.0.0.1'
backend_port0 = $server
num_init_children = 4
sr_check_period = 0
$2
CONF
    touch "$1/pcp" "$1/hba"
    $as pgpool -n -f "$1/conf" -F "$1/pcp" -a "$1/hba" > "$1/log" 2>&1 &
    started="$started $!"
}
PATH="$PATH:/usr/sbin"
$as pgbouncer -q bouncer.ini > bouncer.log 2>&1 & started="$started $!"
$as haproxy -f haproxy.cfg > haproxy.log 2>&1 & started="$started $!"
pool default ""
default=$pool
pool checked "health_check_period = 1
health_check_user = 'ann'"
checked=$pool
pool told "backend_flag0 = 'DISALLOW_TO_FAILOVER'"
told=$pool
ways="PgBouncer:$pgbouncer HAProxy:$haproxy Pgpool:$default Pgpool-with-health-checks:$checked Pgpool-with-DISALLOW_TO_FAILOVER:$told"
asks() { timeout 3 "$programs/psql" -h 127.0.0.1 -p "$1" -U ann postgres -qAtXc "SELECT 1" > answer 2>&1; }
within() { # seconds, port: whether there is an answer
    until=$(($(date +%s) + $1))
    while [ "$(date +%s)" -lt "$until" ]; do
        if asks "$2"; then return 0; fi
        sleep 0.3
    done
    return 1
}
for way in $ways; do within 20 "${way#*:}" || { echo "$way does not answer at all" >&2; cat answer >&2; exit 1; }; done
database stop
for round in 1 2 3; do for way in $ways; do asks "${way#*:}" && exit 1; done; sleep 1; done
database start
for way in $ways; do
    if within 20 "${way#*:}"; then echo "${way%:*}: answers again"; else echo "${way%:*}: does not, in 20 s"; fi
done > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
PgBouncer: answers again
HAProxy: answers again
Pgpool: does not, in 20 s
Pgpool-with-health-checks: does not, in 20 s
Pgpool-with-DISALLOW_TO_FAILOVER: answers again
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
