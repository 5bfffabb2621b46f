"""What is done to the nodes of scripts/nodes and to their PostgreSQL."""

import asyncio
import os
import random
import signal
import subprocess
import time

from nodes_history import Loss
from nodes_load import failed
from nodes_postgres import Standby
from nodes_servers import LongWire

# How long what the standby is sent takes, in seconds.
LAG = 0.15


class Troubles:
    """Each begins, lasts for a while, and is over when it returns. What readiness must say meanwhile stands in MUST_SAY."""

    MUST_SAY = {
        "stopped": "does not answer", "frozen": "does not answer", "standby": "finishes no writes", "read_only": "set to be read-only",
        "full": "disk is full", "full_log": "does not answer", "promote": "does not answer",
    }

    def __init__(self, clusters, wire, nodes, disk, settings, now, load, options):
        # The last of the clusters is the one that serves.
        self._clusters, self._wire, self._nodes, self._disk, self._settings = clusters, wire, nodes, disk, settings
        self._now, self._load, self._options, self._keys = now, load, options, 0
        # When the one that is under way began, and the databases that took over.
        self.begun, self.losses = 0.0, []

    @property
    def _postgres(self):
        return self._clusters[-1]

    def _lasts(self, seconds, at_least):
        """In the short form as little as shows it."""
        return seconds if self._options.seconds else at_least

    async def calm(self):
        await asyncio.sleep(self._lasts(30, 2))

    async def kill(self):
        """A node is killed, and started again."""
        victim = random.choice(self._nodes)
        victim.process.kill()
        await asyncio.sleep(1)
        await asyncio.to_thread(victim.start)

    async def rolling(self):
        """One node after the other is stopped in good order and started again, with SHUTDOWN_DELAY, by nobody who tells the proxy: nothing fails."""
        self._settings["SHUTDOWN_DELAY"] = "2s"
        for node in self._nodes:
            await asyncio.to_thread(node.restart)
        # From here on they have the setting.
        self.begun = time.monotonic()
        for node in self._nodes:
            await asyncio.to_thread(node.restart)
        del self._settings["SHUTDOWN_DELAY"]
        assert not (broken := [answer for answer in self._load.answers if answer[0] > self.begun and failed(answer[1])]), broken

    async def crash(self):
        """A process of PostgreSQL is killed: it ends all others, and recovers."""
        await asyncio.to_thread(self._postgres.crash, random.choice(self._postgres.backends()))

    async def stopped(self):
        """Stopped as by `pg_ctl stop -m immediate`, and started three seconds later."""
        self._postgres.stop(signal.SIGQUIT)
        await asyncio.sleep(3)
        await asyncio.to_thread(self._postgres.start)

    async def frozen(self):
        """All of PostgreSQL."""
        self._postgres.signal(signal.SIGSTOP)
        await asyncio.sleep(self._lasts(8, 3))
        self._postgres.signal(signal.SIGCONT)

    async def some(self):
        """Eight of each 22 processes that serve connections."""
        backends = self._postgres.backends()
        some = random.sample(backends, max(1, len(backends) * 8 // 22))
        for process in some:
            os.kill(process, signal.SIGSTOP)
        await asyncio.sleep(self._lasts(8, 3))
        for process in some:
            os.kill(process, signal.SIGCONT)
        print(f"({len(some)} of {len(backends)})", flush=True)

    async def cut(self):
        """All connections to PostgreSQL are cut, again and again."""
        for _ in range(5):
            self._postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'doorward'")
            await asyncio.sleep(0.3)

    async def silent(self):
        """All connections to PostgreSQL are silent for ever, and new ones work. Over as soon as it has begun."""
        self._wire.fall_silent()

    async def standby(self):
        """A synchronous standby is gone."""
        await self._set("synchronous_standby_names", "gone")
        await asyncio.sleep(self._lasts(12, 9))
        print(f"({len(self._postgres.backends())} connections of nodes to PostgreSQL at its end)", flush=True)
        await self._set("synchronous_standby_names", None)

    async def _set(self, name, value):
        await self._ask(f"ALTER SYSTEM {f'''SET {name} = '{value}' ''' if value else f'RESET {name}'}")
        await self._ask("SELECT pg_reload_conf()")

    async def _ask(self, sql):
        return await asyncio.to_thread(self._postgres.query, sql)

    async def read_only(self):
        """Every session is read-only."""
        for value in ("on", "off"):
            await self._ask(f"SET transaction_read_only = off; ALTER DATABASE doorward SET default_transaction_read_only = {value}")
            await self.cut()
            await asyncio.sleep(self._lasts(2, 1) if value == "on" else 0)

    async def full(self):
        """The disk is full: tables do not grow, and the log has room in the files that it has."""
        await asyncio.to_thread(self._disk.fill)
        # There is room in the last pages of tables.
        while not any(failed(status) for at, status, *_ in self._load.answers[-100:] if at > self.begun):
            await asyncio.sleep(0.01)
        self.begun = time.monotonic()
        await asyncio.sleep(self._lasts(8, 4))
        self._disk.empty()

    async def full_log(self):
        """The log needs a file more than the disk has room for: PostgreSQL ends itself. Somebody makes room, and starts it."""
        await asyncio.to_thread(self._disk.fill)
        self.begun = float("inf")
        while self._postgres.process.poll() is None:
            try:
                await self._ask("SELECT pg_logical_emit_message(false, '', 'x'), pg_switch_wal()")
            except subprocess.CalledProcessError:
                self.begun = min(self.begun, time.monotonic())
                await asyncio.sleep(0.1)
        self.begun = min(self.begun, time.monotonic())
        await asyncio.sleep(3)
        self._disk.empty()
        await asyncio.to_thread(self._postgres.start)

    async def promote(self):
        """The machine of PostgreSQL is gone, and a standby takes its place without what was under way to it."""
        await self._take_over(synchronous=False)

    async def promote_synchronous(self):
        """The same, and nothing was acknowledged that the standby had not."""
        await self._take_over(synchronous=True)

    async def _take_over(self, synchronous):
        primary = self._postgres
        link = LongWire(primary.port, LAG)
        standby = await asyncio.to_thread(Standby, primary.folder.with_name(f"pg{len(self._clusters)}"), primary, link)
        self._clusters.insert(0, standby)
        if synchronous:
            await self._set("synchronous_standby_names", "standby")
        await asyncio.sleep(self._lasts(8, 2))
        # What was answered before this is there, once the standby has the log up to here.
        kept = time.monotonic()
        least = int(await self._ask("SELECT pg_current_wal_lsn() - '0/0'"))
        while int(await asyncio.to_thread(standby.received)) < least:
            await asyncio.sleep(0.01)
        link.fall_silent()
        self.begun = time.monotonic()
        await asyncio.to_thread(primary.stop, signal.SIGQUIT)
        # So long it takes until somebody notices.
        await asyncio.sleep(2)
        await asyncio.to_thread(standby.promote)
        self._clusters.append(self._clusters.pop(0))
        if synchronous:
            await self._set("synchronous_standby_names", None)
        rows = await self._ask("SELECT encode(id, 'hex'), generation, ended_at IS NULL FROM sessions")
        rows = {one: (int(number), lives == "t") for one, number, lives in (line.split("|") for line in rows.splitlines())}
        self._wire.server = standby.port
        # An answer may take a moment to be read.
        before = max((loss.ended for loss in self.losses), default=0.0)
        begun = frozenset(one for one, at in self._load.begun.items() if at > before)
        loss = Loss(kept, time.monotonic() + 0.5, begun - frozenset(rows))
        newest = self._acknowledged(before)
        behind = sum(max(0, number - rows[one][0]) for one, (number, _) in newest.items() if one in rows)
        undone = sum(ended and rows[one][1] for one, (_, ended) in newest.items() if one in rows)
        print(f"(acknowledged, and not there: {behind} rotations, {len(loss.sessions)} logins, {undone} ends)", flush=True)
        assert not synchronous or behind == undone == len(loss.sessions) == 0, "a synchronous standby lacks something"
        if not synchronous:
            self.losses.append(loss)

    def _acknowledged(self, since):
        """Of each session: the newest generation that anybody was given, and whether anybody was told of its end."""
        newest = {}
        for one in (one for one in self._load.history if one.ended > since):
            number, ended = newest.get(one.session, (1, False))
            newest[one.session] = max(number, one.received), ended or (one.kind == "logout" and one.outcome == "ok")
        return newest

    async def messages(self):
        """Every NOTIFY is lost: a function of the same name is found first."""
        await self._ask(
            "CREATE OR REPLACE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT NULL::void';"
            "ALTER DATABASE doorward SET search_path = public, pg_catalog"
        )
        await self.cut()
        await asyncio.sleep(self._lasts(30, 3))
        await self._ask("ALTER DATABASE doorward RESET search_path")
        await self.cut()

    async def clock(self):
        """A node's clock is an hour ahead, and then an hour behind."""
        for step in ("+1h", "-1h", "+0"):
            self._nodes[-1].set_clock(step)
            await asyncio.sleep(self._lasts(4, 1.5))

    async def key(self):
        """The root of secrets is changed (given, where there was none) in its three steps, each by a restart of one node after the other: REFRESH_TOKEN_TTL goes by before
        the last of them."""
        await self._change_key("SECRET_KEY", 60)

    async def jwt_key(self):
        """The same with the key that signs access tokens, the other node first: ACCESS_TOKEN_TTL goes by before the last step."""
        await self._change_key("JWT_SECRET_KEY", 50, reverse=True)

    async def _change_key(self, name, wait, reverse=False):
        nodes = self._nodes[::-1] if reverse else self._nodes
        for step in self._steps(name):
            if step == 2:
                await asyncio.sleep(wait)
            for node in nodes:
                await asyncio.to_thread(node.restart)

    def _steps(self, name, count=3):
        """Each sets the settings of the nodes that are started from then on."""
        self._keys += 1
        # Without a root of its own that is JWT_SECRET_KEY.
        before = self._settings.get(name)
        old, new = before or self._settings["JWT_SECRET_KEY"], f"{name.lower()}-number-{self._keys}-0123456789abcdef"
        for step in range(count):
            for key, value in zip((name, f"{name}_PREVIOUS"), ((before, new), (new, old), (new, None))[step]):
                self._settings.pop(key, None)
                self._settings |= {key: value} if value else {}
            yield step

    async def upgrade(self):
        """From the version before, one node after the other, in the middle of a change of the key that both know: first the version before
        learns the new one, then the first node of this version signs with it."""
        # Without the last step: what the old key has signed has not expired.
        for step in self._steps("JWT_SECRET_KEY", 2):
            for node in self._nodes[::-1] if step == 0 else self._nodes:
                node.program = self._now if step == 1 else node.program
                await asyncio.to_thread(node.restart)
                await asyncio.sleep(self._lasts(8, 2) if step == 1 else 0)
