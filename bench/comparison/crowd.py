"""A database that has grown: what a million people, their sessions and ten million audit rows cost those who ask."""

import json
import sqlite3
import time

from comparison.contenders import SECRET, doorward, person
from comparison.scenario import Scenario, answered, load
from comparison.tokens import session_id, token_of

PEOPLE, AUDIT = 1_000_000, 10_000_000
# Each is asked for once: nothing of them is remembered.
ASKED = 100_000
DAY = 86_400_000_000
NUMBERS = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


def fill(file, people, audit):
    """Accounts with ids from 1001 on, a session each, and what they did in the last month."""
    database = sqlite3.connect(file)
    database.create_function("session_id", 1, session_id, deterministic=True)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA cache_size = -1000000")
    now = int(time.time() * 1e6)
    with database:
        database.execute(
            f"{NUMBERS.format(count=people)} INSERT INTO users (id, email, full_name, password_hash, is_active, is_superuser, created_at, updated_at)"
            " SELECT 1000 + n, 'person' || n || '@example.com', 'Jane Doe', '$2b$12$' || printf('%.53c', 'x'), 1, 0, ?, ? FROM numbers",
            (now - 40 * DAY, now - 40 * DAY),
        )
        database.execute(
            f"{NUMBERS.format(count=people)} INSERT INTO sessions (id, user_id, secret, generation, rotated_at, confirmed_generation, lost_replies,"
            " lost_replies_total, created_at, last_used_at, client_ip, user_agent, idle_expires_at, idle_day, expires_at)"
            " SELECT session_id(n), 1000 + n, randomblob(32), 7, ?1, 7, 0, 0, ?1, ?1, '198.51.100.' || (n % 256), ?2, ?3, ?3 / ?4, ?5 FROM numbers",
            (now, AGENT, now + 7 * DAY, DAY, now + 30 * DAY),
        )
        database.execute(
            f"{NUMBERS.format(count=audit)} INSERT INTO audit (at, event, user_id, session_id, ip, user_agent, actor)"
            f" SELECT ?1 + n * {30 * DAY // AUDIT}, 'login', 1001 + n * 7919 % ?2, NULL, '198.51.100.7', ?3, 'person' FROM numbers",
            (now - 30 * DAY, people, AGENT),
        )
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def database(bench, everybody):
    """A folder with one, made when it is first asked for: with everybody, or with those alone whose sessions are asked for."""
    folder = bench.folder / f"crowd-{everybody}"
    if not folder.exists():
        with doorward(folder) as service:
            sample = service.sign_up()["access_token"]
        fill(folder / "data" / "doorward.db", *((PEOPLE, AUDIT) if everybody else (ASKED, 0)))
        tokens = (token_of(SECRET, sample, number, 1000 + number) for number in range(1, ASKED + 1))
        (folder / "cookies").write_text("".join(f"access_token={token}\n" for token in tokens))
    return folder


def in_a_crowd(bench):
    seconds = min(5, bench.seconds)

    def who_am_i(folder, service):
        return load(service.me, service.pid, 64, seconds, script="crowd.lua", COOKIES=str(folder / "cookies"))

    def log_in(_, service):
        # Renews the hash, whose cost is another: that is done once.
        service.cookies()
        return load(service.login, service.pid, 16, seconds, METHOD="POST", BODY=json.dumps(person()))

    def refresh(_, service):
        tokens = [service.cookies()["refresh_token"] for _ in range(16)]
        return load(service.url + "/refresh", service.pid, 16, seconds, script="rotate.lua", threads=16, TOKENS=",".join(tokens))

    def of(run, everybody, **settings):
        def measured():
            folder = database(bench, everybody)
            with doorward(folder, **settings) as service:
                return answered(run(folder, service))

        return measured

    crowd, alone = "a million people", "few"
    cheap = {"BCRYPT_COST": "4", "REFRESH_GRACE": "0s"}
    for key, title, run, settings in [
        ("crowd-me", "`/me` of sessions that nobody remembers, among a million, with ten million audit rows", who_am_i, {}),
        ("crowd-login", "logins at cost 4 there", log_in, cheap),
        ("crowd-refresh", "refresh there, 16 sessions, every one a rotation", refresh, cheap),
    ]:
        runs = {crowd: of(run, True, **settings), alone: of(run, False, **settings)}
        yield Scenario(key, title, "/s", crowd, alone, 1 / 1.2, runs=runs)
