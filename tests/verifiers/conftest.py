"""The real binary, the snippets of docs/verify.md, and what stands behind them."""

import http.client
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BINARY = ROOT / "target/debug/doorward"
PASSWORD = "SecurePass123"
SECRETS = {
    "JWT_SECRET_KEY": "a-shared-secret-of-these-tests-9f2c71aa",
    "SECRET_KEY": "a-root-of-these-tests-e07d3f5b9a164c28f1",
}
ORIGIN = "https://app.example.com"


def snippet(name):
    """The code block of docs/verify.md whose first two lines hold this."""
    blocks = re.findall(r"```\w+\n(.*?)```", (ROOT / "docs/verify.md").read_text(), re.S)
    found = [block for block in blocks if name in "\n".join(block.split("\n", 2)[:2])]
    assert len(found) == 1, f"{len(found)} snippets are called {name}"
    return found[0]


def replaced(text, **changes):
    """The text with each of these, which must be there, replaced."""
    for old, new in changes.items():
        assert old in text, f"no {old!r} in the snippet"
        text = text.replace(old, new)
    return text


HELD = []


def free_port():
    """A port that the system gives to nobody who asks for any port, as long as this process lives; a server that asks for it by its number, with
    SO_REUSEADDR as servers do, has it. Who connects before is refused."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    HELD.append(held)
    return held.getsockname()[1]


def until_listening(port, process):
    for _ in range(600):
        assert process.poll() is None, f"{process.args} ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"{process.args} does not listen")


def ask(port, path, method="GET", headers=(), body=None):
    """The status, the headers and the body of one answer; `headers` are pairs, so that a name may stand twice."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest(method, path)
    for name, value in headers:
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    result = answer.status, answer.headers, answer.read()
    connection.close()
    return result


def bearer(token):
    return [("Authorization", f"Bearer {token}")]


class Process:
    """A program that listens on a port; it is killed at the end."""

    def __init__(self, arguments, port, folder, **environment):
        self.port = port
        self.log = open(folder / "log", "w+b")
        self.process = subprocess.Popen(
            arguments, cwd=folder, env=os.environ | environment, stdout=self.log, stderr=self.log
        )
        until_listening(port, self.process)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Doorward:
    def __init__(self, folder, **settings):
        self.folder = folder
        self.settings = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": "0", "BCRYPT_COST": "4"} | SECRETS
        self.settings |= {"LOGIN_RATE_LIMIT": "off", "REGISTER_RATE_LIMIT": "off", "PUBLIC_URL": ORIGIN}
        self.settings |= {"TRUSTED_PROXIES": "127.0.0.1/32"} | settings
        with open(folder / "doorward.log", "wb") as log:
            self.process = subprocess.Popen([BINARY], cwd=folder, env=self.settings, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        self.port = int(re.search(r":(\d+)", line)[1])
        self.origin = f"http://127.0.0.1:{self.port}"

    def run(self, *command):
        """What a command beside the server prints."""
        command = [BINARY, *command]
        return subprocess.run(command, cwd=self.folder, env=self.settings, stdout=subprocess.PIPE, text=True, check=True).stdout

    def keys(self, *arguments):
        return self.run("keys", "show", *arguments)

    def jwks(self):
        return json.loads(ask(self.port, "/.well-known/jwks.json")[2])

    def login(self, email):
        """A new person's access token."""
        account = json.dumps({"email": email, "password": PASSWORD}).encode()
        assert ask(self.port, "/api/auth/register", "POST", [("Content-Type", "application/json")], account)[0] == 201
        return self.login_again(email)

    def login_again(self, email):
        account = json.dumps({"email": email, "password": PASSWORD}).encode()
        json_body = [("Content-Type", "application/json")]
        status, headers, _ = ask(self.port, "/api/auth/login", "POST", json_body, account)
        assert status == 200
        return re.search(r"access_token=([^;]+)", str(headers.get_all("Set-Cookie")))[1]

    def stop(self):
        self.process.kill()
        self.process.wait()


class Echo(http.server.ThreadingHTTPServer):
    """A team's service: it tells which headers it was sent."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = json.dumps([[name.lower(), value] for name, value in self.headers.items()]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_DELETE = do_GET

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        # A proxy that closes its connections is no error.
        self.handle_error = lambda *_: None
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """Starts what is stopped at the end of all tests."""
    running = []

    def begin(make, *arguments, **settings):
        running.append(make(*arguments, **settings))
        return running[-1]

    begin.folder = lambda: tmp_path_factory.mktemp("run")
    yield begin
    for one in reversed(running):
        one.stop() if hasattr(one, "stop") else one.shutdown()


@pytest.fixture(scope="session")
def es256(start):
    return start(Doorward, start.folder(), JWT_ALGORITHM="ES256")


@pytest.fixture(scope="session")
def echo(start):
    return start(Echo)


def program(*names):
    """The first of these programs that is installed, or what says that it must be."""
    return next(filter(None, (shutil.which(name) for name in (*names, f"/usr/sbin/{names[0]}"))), None) or pytest.fail(
        f"{names[0]} is not installed"
    )
