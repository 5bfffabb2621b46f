"""Authenticators that are none of ours: one put together of python-fido2, which writes what is told, and cryptography, which has the keys and signs; and
a whole one, nid-webauthn-emulator, in Node.js."""

import json
import secrets
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from conftest import ORIGIN
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from fido2 import cbor, cose
from fido2.utils import sha256, websafe_decode, websafe_encode

HERE = Path(__file__).parent
ALGORITHMS = ("ES256", "EdDSA", "RS256")
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED, EXTENDED = 1, 1 << 2, 1 << 3, 1 << 4, 1 << 6, 1 << 7


class Key:
    """A key pair. `cose`: its public half, as authenticators tell it."""

    def __init__(self, algorithm, bits=2048):
        self.algorithm = algorithm
        make = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
            "RS256": lambda: rsa.generate_private_key(65537, bits),
        }
        self.private = make[algorithm]()
        self.cose = dict(getattr(cose, algorithm).from_cryptography_key(self.private.public_key()))

    def sign(self, message, digest=hashes.SHA256):
        if self.algorithm == "ES256":
            return self.private.sign(message, ec.ECDSA(digest()))
        if self.algorithm == "RS256":
            return self.private.sign(message, padding.PKCS1v15(), digest())
        return self.private.sign(message)


KEYS = {}


def key(algorithm, which=0):
    """One of each kind for all tests: making them takes long."""
    if (algorithm, which) not in KEYS:
        KEYS[algorithm, which] = Key(algorithm)
    return KEYS[algorithm, which]


@dataclass
class Parts:
    """What an answer is made of, before it is written and signed."""

    algorithm: str
    key: Key
    client: dict
    rp_id: str
    flags: int
    count: int
    id: bytes
    cose: dict
    aaguid: bytes = b"\x11" * 16
    # Whether it has a new key: as its flag says, or otherwise.
    attested: bool | None = None
    extensions: bytes = b""
    # Behind all else that is signed.
    tail: bytes = b""
    fmt: str = "none"
    statement: dict = field(default_factory=dict)
    # Beside `fmt`, `attStmt` and `authData`.
    beside: dict = field(default_factory=dict)
    write_client: Callable = lambda client: json.dumps(client, separators=(",", ":")).encode()
    write_key: Callable = cbor.encode
    write_object: Callable = cbor.encode
    sign: Callable | None = None
    # What is changed after it was signed: the JSON that goes to the server.
    after: Callable = lambda answer: None

    def data(self):
        data = sha256(self.rp_id.encode()) + struct.pack(">BI", self.flags, self.count)
        if self.flags & ATTESTED if self.attested is None else self.attested:
            data += self.aaguid + struct.pack(">H", len(self.id)) + self.id + self.write_key(self.cose)
        return data + self.extensions + self.tail

    def signature(self, client, data):
        return (self.sign or self.key.sign)(data + sha256(client))


class Passkey:
    """One passkey on an authenticator: `create` makes it, `get` uses it, both as `PublicKeyCredential.toJSON()` tells it."""

    def __init__(self, algorithm, origin=ORIGIN):
        self.algorithm, self.origin = algorithm, origin
        self.key = key(algorithm)
        self.id = secrets.token_bytes(32)
        self.handle = None
        self.count = 7

    def parts(self, question, rp_id, challenge, flags):
        client = {"type": question, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        flags |= PRESENT | VERIFIED
        return Parts(self.algorithm, self.key, client, rp_id, flags, self.count, self.id, dict(self.key.cose))

    def create(self, options, change=lambda parts: None):
        self.handle = websafe_decode(options["user"]["id"])
        assert self.key.cose[3] in [kind["alg"] for kind in options["pubKeyCredParams"]]
        parts = self.parts("webauthn.create", options["rp"]["id"], options["challenge"], ATTESTED)
        change(parts)
        client, data = parts.write_client(parts.client), parts.data()
        if parts.fmt == "packed" and not parts.statement:
            parts.statement = {"alg": parts.cose[3], "sig": parts.signature(client, data)}
        whole = {"fmt": parts.fmt, "attStmt": parts.statement, "authData": data} | parts.beside
        whole = {name: value for name, value in whole.items() if value is not None}
        response = {"attestationObject": parts.write_object(whole)}
        return told(parts, client, response, {"transports": ["internal", "hybrid"]})

    def get(self, options, change=lambda parts: None):
        self.count += 1
        parts = self.parts("webauthn.get", options["rpId"], options["challenge"], 0)
        change(parts)
        client, data = parts.write_client(parts.client), parts.data()
        response = {"authenticatorData": data, "signature": parts.signature(client, data), "userHandle": self.handle}
        return told(parts, client, response, {})


def told(parts, client, response, more):
    id = websafe_encode(parts.id)
    response = {name: websafe_encode(value) for name, value in ({"clientDataJSON": client} | response).items()} | more
    answer = {"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {}}
    parts.after(answer)
    return answer


class Node:
    """passkeys.mjs: SimpleWebAuthn, and the authenticator of nid-webauthn-emulator."""

    def __init__(self):
        self.process = subprocess.Popen(["node", HERE / "passkeys.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what, **words):
        """What it says; raises what it raises."""
        self.process.stdin.write(json.dumps({"what": what, **words}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["value"]

    def stop(self):
        self.process.kill()
        self.process.communicate()


class Emulated:
    """An authenticator of nid-webauthn-emulator that makes keys of one kind."""

    def __init__(self, node, algorithm, origin=ORIGIN):
        self.ask = lambda what, options: node.ask(what, algorithm=algorithm, origin=origin, options=options)

    def create(self, options):
        return self.ask("create", options)

    def get(self, options):
        return self.ask("get", options)
