#!/bin/sh
# One `DATABASE_URL` for PostgreSQL, with and without `sslmode`, given to psycopg 3.3.9 (libpq), asyncpg 0.32.0 (PyPI), pg 8.23.1 and postgres
# 3.4.9 (npm). The server offers TLS with a certificate that nobody knows, as a database of one's own does.
#
# One would expect that the URL means for all of them what PostgreSQL's manual says: without `sslmode` it is `prefer`, encrypted where the server
# can, and `require` encrypts without a look at the certificate.
# Seen: without `sslmode` both npm packages never ask for TLS, and send the password's proof and all data in the clear. With `require`
# pg asks for a certificate that it can verify, and does not connect; so it does with `prefer`, which to libpq may even be plain.
# `uselibpqcompat=true` makes it do as libpq, which does not know the word and refuses the URL. `no-verify`, pg's word for encryption
# without a check, means a check to postgres. `verify-full` with `sslrootcert` connects for three; postgres does not read `sslrootcert`. No
# URL of these connects encrypted for all four.
#
# For who runs a login service: a URL copied from one program of the team to the next connects to the same database in the clear, or does not
# connect. `verify-full` with the root certificate is the one to write; the postgres package needs its certificate in code.
# Doorward's README says to write that across a network; without `sslmode` Doorward encrypts where the server offers it.
#
# Installs the packages in a temporary folder, runs them against the first steps of PostgreSQL's protocol, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'psycopg[binary]==3.3.9' 'asyncpg==0.32.0'
npm install --silent --no-audit --no-fund --ignore-scripts pg@8.23.1 postgres@3.4.9
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out certificate.pem -days 2 -subj /CN=database.internal -addext subjectAltName=IP:127.0.0.1 2> /dev/null
cat > server.py <<'PYTHON'
import socket
import ssl
import struct
import threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("certificate.pem", "key.pem")
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)

def refuse(connection, detail):
    """Ends the connection as PostgreSQL does when nobody may connect so."""
    fields = b"SFATAL\0VFATAL\0C57P03\0M" + detail + b"\0\0"
    connection.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)
    connection.close()

def serve(connection):
    try:
        _, code = struct.unpack("!ii", connection.recv(8))
        if code == 80877103:  # SSLRequest
            connection.sendall(b"S")
            encrypted = context.wrap_socket(connection, server_side=True)
            encrypted.recv(4096)
            refuse(encrypted, b"encrypted")
        else:
            connection.recv(4096)
            refuse(connection, b"in the clear")
    except OSError:
        connection.close()

while True:
    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
PYTHON
python3 server.py > port & server=$!
while [ ! -s port ]; do sleep 0.1; done
cat > modes <<'TEXT'

?sslmode=disable
?sslmode=prefer
?sslmode=require
?sslmode=no-verify
?sslmode=require&uselibpqcompat=true
?sslmode=verify-full&sslrootcert=certificate.pem
TEXT
cat > probe.py <<'PYTHON'
import asyncio

import asyncpg
import psycopg

def first(error):
    """How the first of its attempts came to the server."""
    text = str(error)
    found = [word for word in ["encrypted", "in the clear"] if word in text]
    return min(found, key=text.index) if found else "does not connect"

for mode in open("modes").read().split("\n")[:-1]:
    url = f"postgres://ann:secret@127.0.0.1:{open('port').read().strip()}/db{mode}"
    for name, connect in {"psycopg": lambda: psycopg.connect(url), "asyncpg": lambda: asyncio.run(asyncpg.connect(url))}.items():
        try:
            connect()
        except Exception as error:
            print(f"{mode or 'no sslmode'}: {name} {first(error)}")
PYTHON
cat > probe.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import pg from "pg";
import postgres from "postgres";

process.removeAllListeners("warning");
for (const mode of readFileSync("modes", "utf8").split("\n").slice(0, -1)) {
  const url = `postgres://ann:secret@127.0.0.1:${readFileSync("port", "utf8").trim()}/db${mode}`;
  const ways = { pg: () => new pg.Client({ connectionString: url }).connect(), postgres: () => postgres(url, { max: 1, connect_timeout: 5 })`SELECT 1` };
  for (const [name, connect] of Object.entries(ways)) {
    const error = await connect().then(() => "", (reason) => reason);
    const how = ["encrypted", "in the clear"].find((word) => error.message.includes(word)) ?? `does not connect (${error.code})`;
    console.log(`${mode || "no sslmode"}: ${name} ${how}`);
  }
}
process.exit();
JAVASCRIPT
{
    env/bin/python probe.py
    node --no-warnings probe.mjs
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
no sslmode: psycopg encrypted
no sslmode: asyncpg encrypted
?sslmode=disable: psycopg in the clear
?sslmode=disable: asyncpg in the clear
?sslmode=prefer: psycopg encrypted
?sslmode=prefer: asyncpg encrypted
?sslmode=require: psycopg encrypted
?sslmode=require: asyncpg encrypted
?sslmode=no-verify: psycopg does not connect
?sslmode=no-verify: asyncpg does not connect
?sslmode=require&uselibpqcompat=true: psycopg does not connect
?sslmode=require&uselibpqcompat=true: asyncpg encrypted
?sslmode=verify-full&sslrootcert=certificate.pem: psycopg encrypted
?sslmode=verify-full&sslrootcert=certificate.pem: asyncpg encrypted
no sslmode: pg in the clear
no sslmode: postgres in the clear
?sslmode=disable: pg in the clear
?sslmode=disable: postgres in the clear
?sslmode=prefer: pg does not connect (DEPTH_ZERO_SELF_SIGNED_CERT)
?sslmode=prefer: postgres encrypted
?sslmode=require: pg does not connect (DEPTH_ZERO_SELF_SIGNED_CERT)
?sslmode=require: postgres encrypted
?sslmode=no-verify: pg encrypted
?sslmode=no-verify: postgres does not connect (DEPTH_ZERO_SELF_SIGNED_CERT)
?sslmode=require&uselibpqcompat=true: pg encrypted
?sslmode=require&uselibpqcompat=true: postgres encrypted
?sslmode=verify-full&sslrootcert=certificate.pem: pg encrypted
?sslmode=verify-full&sslrootcert=certificate.pem: postgres does not connect (DEPTH_ZERO_SELF_SIGNED_CERT)
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
