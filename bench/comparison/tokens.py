"""Access tokens of sessions that a script has filled into a database."""

import base64
import hashlib
import hmac
import json


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def session_id(number):
    """Spread over the index as random ones are."""
    return hashlib.md5(str(number).encode()).digest()


def token_of(key, sample, number, user):
    """As `sample`, which the service has signed with this key, for that session of that user."""
    head, body, _ = sample.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    session = session_id(number)
    claims |= {"sid": base64url(session) if len(claims["sid"]) == 22 else session.hex(), "sub": str(user), "jti": f"bench{number}"}
    signed = f"{head}.{base64url(json.dumps(claims).encode())}"
    return f"{signed}.{base64url(hmac.digest(key.encode(), signed.encode(), 'sha256'))}"
