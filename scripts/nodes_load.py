"""People behind browsers, those who watch over the nodes, and what became of all their requests."""

import asyncio
import base64
import json
import pathlib
import random
import sys
import time

from nodes_history import Operation

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "bench"))
from client import Connection, set_cookie  # noqa: E402

PASSWORD = "SecurePass123"


class Load:
    """People behind browsers, and what became of their requests."""

    def __init__(self, front):
        self.front, self.history, self.answers, self.lags, self.looks, self.begun = front, [], [], [], [], {}
        self.problems, self.ending = [], False

    async def ask(self, connection, method, path, cookies, body=None):
        """The status, the head, the code of a problem, and when it began and ended."""
        begun = time.monotonic()
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        try:
            status, head, content = await asyncio.wait_for(
                connection.ask(method, f"/api/auth/{path}", body, **({"Cookie": cookie} if cookie else {})), 30
            )
        except TimeoutError:
            connection.close()
            status, head, content = 0, "", b""
        ended = time.monotonic()
        code = ""
        if status >= 400 and b"problem" in content[:40]:
            code = json.loads(content)["code"]
        if status == 503:
            assert "retry-after:" in head.lower(), head
        # What the watcher asks of a node that was just killed is nobody's loss.
        if connection.port == self.front:
            self.answers.append((ended, status, code, path, ended - begun))
        return status, head, code, begun, ended

    async def person(self, number, rng):
        connection = Connection(self.front)
        credentials = {"email": f"person{number}@example.com", "password": PASSWORD}
        while not self.ending:
            status, head, *_ = await self.ask(connection, "POST", "login", {}, credentials)
            if status == 200:
                await self.session(connection, rng, self.cookies(head, {}))
            await asyncio.sleep(0.2)

    async def session(self, connection, rng, cookies):
        """Until the person has logged out, and is sure of it."""
        name = generation_and_body(cookies["refresh_token"])[2]
        self.begun[name] = time.monotonic()
        tab = Connection(self.front)
        while not self.ending:
            await asyncio.sleep(rng.expovariate(4))
            what = rng.choices(["me", "refresh", "tabs", "logout"], [60, 30, 5, 5])[0]
            if what == "me":
                await self.operation(connection, name, "me", cookies)
            elif what == "logout":
                while not self.ending:
                    outcome, _ = await self.operation(connection, name, "logout", cookies)
                    if outcome == "ok":
                        break
                    await asyncio.sleep(0.2)
                await asyncio.gather(self.operation(tab, name, "me", cookies), self.operation(connection, name, "refresh", cookies))
                return
            else:
                tabs = [connection] if what == "refresh" else [connection, tab]
                results = await asyncio.gather(*(self.operation(one, name, "refresh", cookies) for one in tabs))
                newest = max((new for _, new in results if new), key=lambda new: generation_and_body(new["refresh_token"])[0], default=None)
                cookies = newest or cookies
                if any(outcome == "refused" for outcome, _ in results):
                    return

    async def operation(self, connection, session, kind, cookies):
        method = "GET" if kind == "me" else "POST"
        status, head, code, begun, ended = await self.ask(connection, method, kind, cookies)
        new, received, token = None, 0, ""
        if kind == "refresh" and status == 200:
            new = self.cookies(head, cookies)
            received, token, _ = generation_and_body(new["refresh_token"])
        outcome = "ok" if status == 200 else "refused" if status == 401 and code != "token_expired" else "unknown"
        presented = generation_and_body(cookies["refresh_token"])[0]
        self.history.append(Operation(session, kind, begun, ended, outcome, presented, received, token))
        return outcome, new

    @staticmethod
    def cookies(head, before):
        return {name: set_cookie(head, name) or before.get(name) for name in ("access_token", "refresh_token")}

    async def watch_health(self, node):
        """What the node says of itself, five times a second; nothing while it does not run."""
        while not self.ending:
            for path in ("api/auth/health", "health"):
                connection, begun = Connection(node.port), time.monotonic()
                status, head, content = await connection.ask("GET", f"/{path}")
                ended = time.monotonic()
                connection.close()
                if status:
                    assert status == 200 or (status == 503 and "retry-after:" in head.lower()), (path, head)
                    self.looks.append((ended, path, ended - begun, json.loads(content)["detail"] if status != 200 else ""))
            await asyncio.sleep(0.2)

    async def watch_ends(self, nodes):
        """How long a token is taken by one node after another one has answered its logout: from that answer until the other one was last
        asked in vain, and until its answer that refuses."""
        while not self.ending:
            one, other = random.sample(nodes, 2)
            here, there = Connection(one.port), Connection(other.port)
            credentials = {"email": "watcher@example.com", "password": PASSWORD}
            status, head, *_ = await self.ask(here, "POST", "login", {}, credentials)
            if status == 200:
                cookies = self.cookies(head, {})
                await self.ask(there, "GET", "me", cookies)
                status, *_ = await self.ask(here, "POST", "logout", cookies)
                told, last = time.monotonic(), 0.0
                while status == 200 and time.monotonic() - told < 4:
                    status_there, _, _, begun, ended = await self.ask(there, "GET", "me", cookies)
                    if status_there == 401:
                        self.lags.append((told, last, ended - told))
                        break
                    if status_there == 200:
                        last = max(last, begun - told)
                    await asyncio.sleep(0.005)
            here.close(), there.close()
            await asyncio.sleep(0.2)


def generation_and_body(token):
    """The generation of a refresh token; its session, generation and expiry without the key; and its session."""
    raw = base64.urlsafe_b64decode(token)
    return int.from_bytes(raw[21:25], "big"), raw[5:31].hex(), raw[5:21].hex()


def failed(status):
    return status == 0 or status >= 500
