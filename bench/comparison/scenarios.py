"""What is measured. A scenario is a row: runs by name, each a function that gives a rate, or a time where less is better."""

import asyncio
import contextlib
import json
import subprocess
import time
import urllib.error

from client import Connection, at_their_times, percentile
from comparison.contenders import EMAIL, PASSWORD, bare, better_auth, doorward, fastapi, person, post
from comparison.crowd import in_a_crowd
from comparison.footprint import footprint
from comparison.scenario import Figure, Scenario, answered, jar, load

LOGIN = json.dumps({"email": EMAIL, "password": PASSWORD})


def me(bench, contender, cookies):
    # Once, so that it is warm.
    alike(contender.me, contender.pid, 1, COOKIE=jar(cookies))
    done = alike(contender.me, contender.pid, bench.seconds, COOKIE=jar(cookies))
    assert done.refused == 0, f"{done.refused:.0f} refusals a second"
    return answered(done)


def alike(url, pid, seconds, **options):
    """From 64 connections, to which one thing is answered."""
    return load(url, pid, 64, seconds, script="same.lua", **options)


def refused(url, pid, seconds):
    """Logins that are all answered 429."""
    done = alike(url, pid, seconds, METHOD="POST", BODY=LOGIN)
    assert done.good == 0, f"{done.good:.0f} logins a second"
    assert status(url) == 429
    return answered(done, lambda done: done.refused)


def access_alone(cookies):
    return {"access_token": cookies["access_token"]}


def who_am_i(bench):
    def of_doorward():
        with doorward(bench.fresh("doorward")) as service:
            return me(bench, service, service.sign_up())

    def of_bare():
        with doorward(bench.fresh("doorward")) as service:
            cookies = access_alone(service.sign_up())
        with bare(bench.program) as service:
            service.me = service.url + "/verified"
            return me(bench, service, cookies)

    def of_plain():
        with bare(bench.program) as service:
            service.me = service.url + "/plain"
            return me(bench, service, {})

    def of_fastapi():
        with fastapi(bench.python, bench.postgres()) as service:
            return me(bench, service, access_alone(service.sign_up()))

    def of_better_auth():
        with better_auth(bench.better_auth) as service:
            return me(bench, service, service.sign_up(int(time.time())))

    runs = {"Doorward": of_doorward, "bare poem, token verified": of_bare, "bare poem": of_plain}
    if bench.python:
        runs["FastAPI"] = of_fastapi
    if bench.better_auth:
        runs["better-auth"] = of_better_auth
    return Scenario("me", "`/me`, 64 connections", "/s", "Doorward", "bare poem, token verified", 0.85, runs=runs)


def refused_logins(bench):
    def of_doorward():
        with doorward(bench.fresh("doorward"), LOGIN_RATE_LIMIT="5/1h") as service:
            service.sign_up()
            # Until the address has had its attempts.
            load(service.login, service.pid, 64, 1, METHOD="POST", BODY=LOGIN)
            return refused(service.login, service.pid, bench.seconds)

    def of_bare():
        with bare(bench.program) as service:
            return refused(service.url + "/limited", service.pid, bench.seconds)

    runs = {"Doorward": of_doorward, "bare poem 429": of_bare}
    return Scenario("429", "refused login (429), 64 connections", "/s", "Doorward", "bare poem 429", 0.85, runs=runs)


def status(url):
    """What a login is answered."""
    try:
        post(url, person())
    except urllib.error.HTTPError as refusal:
        return refusal.code
    return 200


def by_the_program(bench, *arguments):
    return lambda: Figure(float(subprocess.run([bench.program, *map(str, arguments)], check=True, capture_output=True, text=True).stdout))


def storm(bench, service, seconds):
    service.sign_up()
    done = load(service.login, service.pid, 32, seconds, METHOD="POST", BODY=LOGIN)
    return Figure(done.good, f"{done.refused:.0f} refusals a second")


def logins(bench):
    seconds = max(5, bench.seconds)

    def of_doorward(beside=contextlib.nullcontext, **settings):
        def run():
            with doorward(bench.fresh("doorward"), **settings) as service, beside(service.url + "/health"):
                return storm(bench, service, seconds)

        return run

    def of_fastapi():
        with fastapi(bench.python, bench.postgres()) as service:
            return storm(bench, service, seconds)

    def flood(url):
        return contextlib.closing(Flood(url, seconds + 15))

    waits, asks_again = {"HASH_QUEUE": "7s"}, {"HASH_QUEUE": "1s", "HASH_LANES": "6"}
    crate = by_the_program(bench, "crate", 2, seconds)
    runs = {"Doorward": of_doorward(**waits), "the crate, 2 threads": crate, "the crate, 1 thread": by_the_program(bench, "crate", 1, seconds)}
    if bench.python:
        runs["FastAPI"] = of_fastapi
    yield Scenario("logins", "logins at cost 12, 32 connections that wait", "/s", "Doorward", "the crate, 2 threads", 3.5, runs=runs)
    runs = {"waiting": of_doorward(**waits), "asking again at once": of_doorward(**asks_again)}
    yield Scenario("logins-again", "logins at cost 12, 32 connections that ask again at once when refused", "/s", "asking again at once", "waiting", 0.9, runs=runs)
    runs = {"undisturbed": of_doorward(**waits), "beside 32 connections on `/health`": of_doorward(flood, **waits)}
    title = "logins beside a flood of `/health`"
    yield Scenario("logins-health", title, "/s", "beside 32 connections on `/health`", "undisturbed", 0.9, runs=runs)


class Flood:
    """Asks one thing by 32 connections until it is closed."""

    def __init__(self, url, seconds):
        command = ["wrk", "-t1", "-c32", f"-d{seconds}s", url]
        self.running = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def close(self):
        self.running.terminate()
        self.running.wait()


def one_login(bench):
    def of_doorward():
        with doorward(bench.fresh("doorward")) as service:
            service.sign_up()
            took = []
            for _ in range(5):
                begin = time.perf_counter()
                service.cookies()
                took.append((time.perf_counter() - begin) * 1000)
            return Figure(sorted(took)[2])

    def of_the_crate():
        return Figure(1000 / by_the_program(bench, "crate", 1, 3)().value)

    runs = {"Doorward": of_doorward, "the crate": of_the_crate}
    return Scenario("login", "one login alone", "ms", "Doorward", "the crate", 1.05, less_is_better=True, runs=runs)


def beside_a_storm(bench):
    """Open loop, from when each was meant to be sent."""

    async def measured(service, cookies, logins):
        async def ask(connections, number):
            connection = connections[number % len(connections)]
            async with connection.turn:
                return (await connection.ask("GET", "/api/auth/me", Cookie=jar(cookies)))[0]

        port = int(service.url.split(":")[2].split("/")[0])
        connections = [Connection(port) for _ in range(32)]
        for connection in connections:
            connection.turn = asyncio.Lock()
        stormers = [Connection(port) for _ in range(32)]

        async def log_in(number):
            return (await stormers[number].ask("POST", "/api/auth/login", body=person()))[0]

        async def again(number):
            while True:
                await log_in(number)
                await asyncio.sleep(0.02)

        storming = [asyncio.create_task(again(number)) for number in range(32)] if logins else []
        results = await at_their_times(200, bench.seconds, lambda number: ask(connections, number))
        for task in storming:
            task.cancel()
        await asyncio.gather(*storming, return_exceptions=True)
        assert {status for status, _ in results} == {200}
        return percentile([took for _, took in results], 0.99)

    def of(logins):
        def run():
            with doorward(bench.fresh("doorward")) as service:
                # Somebody else, whose session is not the oldest of those that the storm begins.
                service.sign_up()
                return Figure(asyncio.run(measured(service, service.sign_up(1), logins)))

        return run

    runs = {"beside a storm": of(True), "quiet": of(False)}
    title = "p99 of `/me`, 200/s in an open loop, beside a login storm"
    return Scenario("storm", title, "ms", "beside a storm", "quiet", 3, less_is_better=True, runs=runs)


def refreshes(bench):
    def rotate(service):
        tokens = [service.sign_up(number)["refresh_token"] for number in range(16)]
        url = service.url + "/refresh"
        return answered(load(url, service.pid, 16, bench.seconds, script="rotate.lua", threads=16, TOKENS=",".join(tokens)))

    def of_doorward(database):
        def run():
            # What is measured is the refresh: the logins before it may be cheap.
            settings = {"REFRESH_GRACE": "0s", "BCRYPT_COST": "4", **({"DATABASE_URL": database()} if database else {})}
            with doorward(bench.fresh("doorward"), **settings) as service:
                return rotate(service)

        return run

    def of_fastapi():
        with fastapi(bench.python, bench.postgres()) as service:
            return rotate(service)

    def sqlite(callers):
        return lambda: by_the_program(bench, "sqlite", bench.fresh("sqlite"), callers, bench.seconds)()

    def postgres(callers):
        return lambda: by_the_program(bench, "postgres", "postgres://" + bench.postgres(), callers, bench.seconds)()

    shared, alone = "16 callers that share commits", "a caller alone"
    runs = {"Doorward": of_doorward(None), shared: sqlite(16), alone: sqlite(1)}
    yield Scenario("refresh-sqlite", "refresh, 16 sessions, every one a rotation, SQLite", "/s", "Doorward", shared, 0.4, runs=runs)
    bare_commits = "16 callers that commit"
    on_postgres = of_doorward(lambda: "postgres://" + bench.postgres())
    runs = {"Doorward": on_postgres, bare_commits: postgres(16), alone: postgres(1)}
    if bench.python:
        runs["FastAPI"] = of_fastapi
    yield Scenario("refresh-postgres", "refresh, 16 sessions, every one a rotation, PostgreSQL", "/s", "Doorward", bare_commits, 0.6, runs=runs)


def all_of_them(bench):
    """In the order of the page."""
    alone = [who_am_i(bench), refused_logins(bench), *logins(bench), one_login(bench), beside_a_storm(bench), *refreshes(bench)]
    # It takes minutes to make: not for the quick run, which has no peers either.
    return [*alone, *(in_a_crowd(bench) if bench.python else []), *footprint(bench)]
