"""Tokens as others make them, good and bad: the table that every verifier is held against."""

import base64
import hmac
import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import joserfc.jwt
import jwt
from joserfc.jwk import ECKey

HERE = Path(__file__).parent


@dataclass
class Case:
    name: str
    # What Doorward and the snippets say: 200 or 401.
    doorward: int
    snippets: int
    header: dict = field(default_factory=dict)
    # What is changed; None: left out.
    claims: dict = field(default_factory=dict)
    # Signed with another key.
    foreign: bool = False


def cases():
    now = int(time.time())
    return [
        # The time counts: it goes first.
        Case("exp 1 s ago", 200, 200, claims={"exp": now - 1}),
        Case("good", 200, 200),
        Case("aud list", 401, 200, claims={"aud": ["doorward"]}),
        Case("typ JWT", 200, 200, {"typ": "JWT"}),
        Case("typ AT+JWT", 401, 200, {"typ": "AT+JWT"}),
        Case("unknown kid", 401, 401, {"kid": "unknown"}),
        Case("exp 11 s ago", 401, 401, claims={"exp": now - 11}),
        Case("wrong aud", 401, 401, claims={"aud": "others"}),
        Case("missing aud", 401, 401, claims={"aud": None}),
        Case("wrong iss", 401, 401, claims={"iss": "others"}),
        Case("missing iss", 401, 401, claims={"iss": None}),
        Case("missing exp", 401, 401, claims={"exp": None}),
        Case("missing sub", 401, 401, claims={"sub": None}),
        Case("another key", 401, 401, foreign=True),
    ]


def unsigned(header, claims):
    text = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    return f"{text(header)}.{text(claims)}"


def rubbish(doorward, header, claims):
    """What no library would make."""
    body = unsigned(header | {"alg": "HS256"}, claims)
    confused = []
    # The public key as a shared secret, in the forms that a careless verifier would take it in.
    for secret in [doorward.keys("--pem").encode(), doorward.jwks()["keys"][0]["x"].encode(), b""]:
        mac = base64.urlsafe_b64encode(hmac.digest(secret, body.encode(), "sha256")).rstrip(b"=").decode()
        confused.append(f"{body}.{mac}")
    none = unsigned(header | {"alg": "none"}, claims)
    return [*confused, f"{none}.", none, "rubbish", "a.b.c", "..", "a" * 5000]


def by_pyjwt(header, claims, pem):
    return jwt.encode(claims, pem, "ES256", header)


def by_joserfc(header, claims, pem):
    return joserfc.jwt.encode({"alg": "ES256"} | header, claims, ECKey.import_key(pem), algorithms=["ES256"])


def by_jose(header, claims, pem):
    given = json.dumps([header, claims, pem])
    made = subprocess.run(["node", HERE / "forge.mjs"], input=given, stdout=subprocess.PIPE, text=True, check=True)
    return made.stdout


FORGERS = {"PyJWT": by_pyjwt, "joserfc": by_joserfc, "jose": by_jose}


def forged(case, forger, real, own, foreign):
    """The real token as the case changes it, signed by another's library."""
    header = jwt.get_unverified_header(real) | case.header
    header.pop("alg")
    claims = jwt.decode(real, options={"verify_signature": False}) | case.claims
    claims = {name: value for name, value in claims.items() if value is not None}
    return FORGERS[forger](header, claims, foreign if case.foreign else own)
