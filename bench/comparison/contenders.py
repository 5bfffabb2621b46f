"""Those who are compared, each started with what the scenario needs; and somebody who has an account there."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from http.cookies import SimpleCookie

from server import BINARY, ROOT

EMAIL, PASSWORD = "user@example.com", "SecurePass123"
SECRET = "bench-bench-bench-bench-bench-bench-0123"
# Nobody is refused but where a scenario says so.
UNLIMITED = {
    name: "off"
    for name in ("LOGIN_RATE_LIMIT", "REGISTER_RATE_LIMIT", "ACCOUNT_RATE_LIMIT", "REFRESH_RATE_LIMIT", "PASSWORD_CHANGE_RATE_LIMIT")
}


class Contender:
    """A running service: where it is, and what its operations are called."""

    def __init__(self, url, pid, login="/login", register="/register", me="/me", name="full_name"):
        self.url, self.pid, self.login, self.register, self.me, self.name = url, pid, url + login, url + register, url + me, name

    def sign_up(self, number=0):
        """The cookies of somebody new."""
        post(self.register, {**person(number), self.name: "John Doe"})
        return self.cookies(number)

    def cookies(self, number=0):
        """Logs in."""
        jar = {}
        for line in post(self.login, person(number)).get_all("Set-Cookie"):
            jar |= {name: morsel.coded_value for name, morsel in SimpleCookie(line).items()}
        return jar


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return answer.headers


def person(number=0):
    return {"email": EMAIL if number == 0 else f"user{number}@example.com", "password": PASSWORD}


@contextlib.contextmanager
def process(command, cwd, **settings):
    environment = {"PATH": os.environ["PATH"], **settings}
    running = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    try:
        for line in running.stdout:
            lines.append(line)
            if found := re.search(r"http://[\w.]+:\d+", line):
                # What it says from now on is read by nobody: it must say nothing.
                yield found.group(), running.pid
                break
        else:
            sys.exit("".join(lines))
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait()


@contextlib.contextmanager
def doorward(folder, **settings):
    folder.mkdir(exist_ok=True)
    settings = {"PORT": "0", "LOG_LEVEL": "off", "JWT_SECRET_KEY": SECRET, **UNLIMITED, **settings}
    with process([BINARY], folder, **settings) as (url, pid):
        yield Contender(url + "/api/auth", pid)


@contextlib.contextmanager
def bare(program):
    with process([program, "serve"], ROOT, JWT_SECRET_KEY=SECRET) as (url, pid):
        yield Contender(url, pid)


@contextlib.contextmanager
def fastapi(python, database):
    folder = ROOT / "bench" / "fastapi"
    settings = {"DATABASE_URL": "postgresql+asyncpg://" + database, "SECRET_KEY": SECRET, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([python, "main.py"], cwd=folder, check=True, env={**os.environ, **settings})
    with socket.socket() as free:  # uvicorn does not tell which one it took
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "uvicorn", "main:app", "--workers", "2", "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    with process([*command, "--port", str(port)], folder, **settings) as (url, pid):
        answers(port)
        yield Contender(url, pid)


def answers(port):
    """Waits for the workers: their parent says that it serves before they do."""
    while True:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)


@contextlib.contextmanager
def better_auth(folder):
    with process(["node", folder / "server.mjs"], folder, DATABASE_FILE=str(folder / "database")) as (url, pid):
        url += "/api/auth"
        yield Contender(url, pid, login="/sign-in/email", register="/sign-up/email", me="/get-session", name="name")
