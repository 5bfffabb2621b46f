"""What one node carries, beside its PostgreSQL and the generator of the load, and what one session takes of its memory. Written into
docs/scaling.md, between its marks."""

import asyncio
import json
import os
import pathlib
import re
import time

from client import Connection, set_cookie
from comparison.machine import SCRIPTS, cpu, family, wrk
from comparison.tokens import token_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEY = "a-key-of-this-measurement-alone-0123"
PERSON = {"email": "ben@example.com", "password": "SecurePass123"}
SECONDS = int(os.environ.get("SECONDS", "10"))
# So many sessions are asked for, in less time than a node remembers them.
REMEMBERED = int(os.environ.get("REMEMBERED", "20000"))
# A day's refreshes of a session, and logins, and the peak: docs/scaling.md, "A calculation".
REFRESHES, LOGINS, PEAK, DAY = 4, 0.1, 3, 86_400


def settings(refresh_grace="30s"):
    return {"JWT_SECRET_KEY": KEY, "MAX_SESSIONS_PER_USER": "1000", "REFRESH_GRACE": refresh_grace, "BCRYPT_COST": "12"}


async def log_in(port, count):
    connection, jars = Connection(port), []
    await connection.ask("POST", "/api/auth/register", PERSON)
    for _ in range(count):
        status, head, _ = await connection.ask("POST", "/api/auth/login", PERSON)
        assert status == 200, status
        jars.append({name: set_cookie(head, name) for name in ("access_token", "refresh_token")})
    return jars


def resident(node):
    status = pathlib.Path(f"/proc/{node.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024


async def memory(node, sample, people):
    """Bytes that the node grows by for each session that it is asked for."""
    tokens = [token_of(KEY, sample, number, 1 + number % people) for number in range(1, REMEMBERED * 10 // 9 + 10) if number % 10][:REMEMBERED]
    before, begun = resident(node), time.monotonic()

    async def ask(some):
        connection = Connection(node.port)
        for token in some:
            status, _, _ = await connection.ask("GET", "/api/auth/me", Cookie=f"access_token={token}")
            assert status == 200, status

    await asyncio.gather(*(ask(tokens[at::16]) for at in range(16)))
    assert time.monotonic() - begun < 30, "the first are forgotten before the last are asked for: fewer, by REMEMBERED"
    return (resident(node) - before) / len(tokens)


def load(node, database, path, connections, script="get.lua", **variables):
    """Answers a second that are good; milliseconds of a core that each costs the node, and the database (these processes), with what was
    refused beside it; the generator's share of all cores."""
    before = sum(cpu(family(process)) for process in database)
    done = wrk(f"http://127.0.0.1:{node.port}/api/auth/{path}", node.process.pid, connections, SECONDS, script, SCRIPTS=str(SCRIPTS), **variables)
    spent = sum(cpu(family(process)) for process in database) - before
    good = max(done.good, 1 / SECONDS)
    return done.good, done.seconds_a_request * 1e3 * (done.good + done.refused) / good, spent * 1e3 / (SECONDS * good), done.generator


def carried(node, database, people):
    """Of each kind of request what `load` says, and the memory of a session. `node` has `settings()`."""
    [cookies] = asyncio.run(log_in(node.port, 1))
    size = asyncio.run(memory(node, cookies["access_token"], people))
    me = load(node, database, "me", 64, COOKIE=f"access_token={cookies['access_token']}")
    login = load(node, database, "login", os.cpu_count(), METHOD="POST", BODY=json.dumps(PERSON))
    # Every refresh rotates.
    node.settings = settings(refresh_grace="0s")
    node.restart()
    tokens = [one["refresh_token"] for one in asyncio.run(log_in(node.port, 16))]
    refresh = load(node, database, "refresh", 16, "rotate.lua", threads=16, TOKENS=",".join(tokens))
    return {"`/me`, 64 connections": me, "refresh that rotates, 16 sessions": refresh, "login, `BCRYPT_COST=12`, a connection for each core": login}, size


def written(rows, size, machine, build):
    """The text between the marks."""
    lines = [f"`bench/scale node`, {build} on {machine}, with PostgreSQL and the generator of the load beside it:", "",
             "| | answers a second | ms of a core of the node, each | ms of a core of PostgreSQL, each | the generator's share of the machine |",
             "|---|---|---|---|---|"]
    lines += [f"| {name} | {rate:,.0f} | {of_node:.3f} | {of_postgres:.3f} | {share:.0%} |" for name, (rate, of_node, of_postgres, share) in rows.items()]
    lines += ["", f"A session that a node remembers, with its token, takes {size:,.0f} bytes there: {size * 100_000 / 1e6:,.0f} MB for the 100,000 "
              "that it remembers at most.", "",
              "Calculated from that, for the people of the calculation below: at the peak half of all sessions are in use, and each asks `/me` "
              "once a minute.", "", "| sessions | 1 million | 100 million | 1 billion |", "|---|---|---|---|"]
    me, refresh, login = (of_node / 1e3 for _, of_node, *_ in rows.values())
    table = {"cores of nodes at the peak, for `/me`": lambda n: n / 2 / 60 * me,
             "for refreshes": lambda n: n * REFRESHES * PEAK / DAY * refresh,
             "for logins": lambda n: n * LOGINS * PEAK / DAY * login,
             "GB of the sessions that are remembered at a time (for 30 s), of all nodes": lambda n: n / 4 * size / 1e9,
             "nodes that remember all of them (100,000 each)": lambda n: n / 4 / 1e5}
    return "\n".join([*lines, *(f"| {name} | {' | '.join(f'{number(n):,.3g}' if number(n) < 1e3 else f'{number(n):,.0f}' for n in (1e6, 1e8, 1e9))} |"
                                for name, number in table.items())])


def write(text):
    page = ROOT / "docs" / "scaling.md"
    begin, end = "<!-- what one node carries: bench/scale node -->\n", "\n<!-- until here -->"
    before, rest = page.read_text().split(begin)
    page.write_text(before + begin + text + end + rest.split(end, 1)[1])
