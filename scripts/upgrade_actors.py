"""Who takes part in scripts/upgrade: servers, and the browsers of people."""

import base64
import http.client
import json
import re
import signal
import subprocess
import time

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from started import start

API = "/api/auth"
PASSWORD = "SecurePass123"
# How long, in seconds, a token of an ended session may still be taken by another node.
BOUND = 2.0


class Server:
    """A running server. Its address is in what it writes when it listens."""

    def __init__(self, name, program, folder, database):
        self.name, self.program, self.folder = name, program, folder
        folder.mkdir(exist_ok=True)
        limits = ("LOGIN_RATE_LIMIT", "REGISTER_RATE_LIMIT", "REFRESH_RATE_LIMIT", "ACCOUNT_RATE_LIMIT")
        self.settings = {
            "DATABASE_URL": database,
            "HOST": "127.0.0.1",
            "PORT": "0",
            "JWT_SECRET_KEY": "a-key-that-both-versions-have-5d8e31f0c2",
            "BCRYPT_COST": "4",
            # As in production: sessions can be bound to devices.
            "SECURE_COOKIES": "on",
            "LOG_LEVEL": "warn",
            **dict.fromkeys(limits, "off"),
        }
        self.log_path = folder / f"{name}.log"
        with open(self.log_path, "wb") as log:
            self.process = start([program], cwd=folder, env=self.settings, stdout=log, stderr=log)
        while not (found := re.search(r"http://[a-z0-9.]+:(\d+)", self.log())):
            assert self.process.poll() is None, f"{name} did not start:\n{self.log()}"
            time.sleep(0.02)
        self.port = int(found[1])

    def log(self):
        return self.log_path.read_text()

    def command(self, *words):
        """What `doorward user ..` prints."""
        done = subprocess.run(
            [self.program, "user", *words], cwd=self.folder, env=self.settings, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        told = [line for line in self.log().splitlines() if "ERROR" in line or "panicked" in line]
        assert not told, f"{self.name} logged errors: {told}"


class Browser:
    """A cookie jar that is led to one server or the other."""

    def __init__(self, email):
        self.email, self.password, self.cookies = email, PASSWORD, {}

    def call(self, server, method, path, body=None, expected=200, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **(headers or {})}
        text = None
        if body is not None:
            headers["Content-Type"], text = "application/json", json.dumps(body)
        connection.request(method, API + path, text, headers)
        answer = connection.getresponse()
        content = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
            if "max-age=0" in line.lower():
                del self.cookies[name]
        connection.close()
        self.told = answer.headers
        what = f"{server.name}: {method} {path} for {self.email}: {answer.status} {content}"
        assert answer.status < 500, what
        assert expected is None or answer.status == expected, f"{what}, expected {expected}"
        return answer.status, json.loads(content) if content else None

    def register(self, server):
        self.call(server, "POST", "/register", {"email": self.email, "password": self.password}, 201)

    def login(self, server, expected=200):
        self.call(server, "POST", "/login", {"email": self.email, "password": self.password}, expected)

    def refresh(self, server):
        self.call(server, "POST", "/refresh")

    def me(self, server, expected=200):
        return self.call(server, "GET", "/me", expected=expected)[0]

    def copy(self):
        other = Browser(self.email)
        other.password, other.cookies = self.password, dict(self.cookies)
        return other

    def is_refused(self, server, since):
        """Whoever asks when the bound has passed is refused, however long the answer takes."""
        while True:
            asked = time.monotonic()
            if self.me(server, expected=None) == 401:
                return
            assert asked - since < BOUND, f"{server.name} took a token of {self.email} {asked - since:.1f} s after its end"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class BoundBrowser(Browser):
    """One whose session is bound to a device, as browsers do it by themselves."""

    def login_bound(self, server):
        self.key = ec.generate_private_key(ec.SECP256R1())
        body = {"email": self.email, "password": self.password}
        self.call(server, "POST", "/login", body, headers={"X-Doorward-Bind": "device"})
        challenge = re.search('challenge="([^"]+)"', self.told["Secure-Session-Registration"])[1]
        _, config = self.call(server, "POST", "/device/register", headers=self.proof(challenge))
        self.session = config["session_identifier"]

    def proof(self, challenge):
        """What signs this challenge."""
        point = self.key.public_key().public_numbers()
        jwk = {name: encode(getattr(point, name).to_bytes(32)) for name in "xy"}
        header = {"alg": "ES256", "typ": "dbsc+jwt", "jwk": {"kty": "EC", "crv": "P-256", **jwk}}
        signed = ".".join(encode(json.dumps(part).encode()) for part in (header, {"jti": challenge}))
        parts = utils.decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return {"Secure-Session-Response": f"{signed}.{encode(b''.join(part.to_bytes(32) for part in parts))}"}

    def renew(self, server):
        """Goes on by a proof; whether the session does."""
        named = {"Sec-Secure-Session-Id": f'"{self.session}"'}
        status, answer = self.call(server, "POST", "/device/refresh", expected=None, headers=named)
        if status == 403:
            challenge = re.search('"([^"]+)"', self.told["Secure-Session-Challenge"])[1]
            _, answer = self.call(server, "POST", "/device/refresh", headers={**named, **self.proof(challenge)})
        return answer.get("continue", True)
