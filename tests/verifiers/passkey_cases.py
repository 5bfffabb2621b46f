"""The table that every verifier of passkeys is held against: an answer, and each of its parts changed, one at a time."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from authenticators import ALGORITHMS, ATTESTED, BACKED_UP, ELIGIBLE, EXTENDED, PRESENT, VERIFIED, Key, key
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from fido2 import cbor
from fido2.utils import websafe_decode, websafe_encode

# The order of P-256.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass
class Case:
    name: str
    # What Doorward does.
    taken: bool
    change: Callable
    algorithms: tuple = ALGORITHMS
    # Libraries that refuse what Doorward takes, by design: docs/design/factors.md says why.
    refused_by: tuple = ()
    # So plain that every library must refuse it, too: or the table shows nothing.
    plain: bool = False


def good(name, change, *algorithms, refused_by=()):
    return Case(name, True, change, algorithms or ALGORITHMS, refused_by)


def bad(name, change, *algorithms):
    return Case(name, False, change, algorithms or ALGORITHMS)


def plain(name, change):
    return Case(name, False, change, plain=True)


def client(**members):
    """Other members; None: left out."""

    def change(parts):
        parts.client = {name: value for name, value in (parts.client | members).items() if value is not None}

    return change


def written(write):
    return lambda parts: setattr(parts, "write_client", write)


def flags(on=0, off=0):
    return lambda parts: setattr(parts, "flags", parts.flags & ~off | on)


def extended(extensions, on=EXTENDED):
    def change(parts):
        parts.flags |= on
        parts.extensions = extensions

    return change


def cose(**entries):
    """`_1=..` is the entry 1, `m1=..` the entry -1; None: left out."""

    def change(parts):
        for name, value in entries.items():
            number = int(name[1:]) * (-1 if name[0] == "m" else 1)
            parts.cose[number] = value
            if value is None:
                del parts.cose[number]

    return change


def sets(**values):
    def change(parts):
        for name, value in values.items():
            setattr(parts, name, value)

    return change


def after(**members):
    """Members of the JSON; `response_..` those of `response`; None: left out."""

    def change(answer):
        for name, value in members.items():
            where = answer["response"] if name.startswith("response_") else answer
            name = name.removeprefix("response_")
            where[name] = value(where[name]) if callable(value) else value
            if value is None:
                del where[name]

    return lambda parts: setattr(parts, "after", change)


def flipped(at):
    def change(text):
        data = bytearray(websafe_decode(text))
        data[at] ^= 1
        return websafe_encode(bytes(data))

    return change


def signed(sign):
    """With a signature made otherwise of the key and the message."""
    return lambda parts: setattr(parts, "sign", lambda message: sign(parts.key, message))


def high(pair, message):
    """The other one of the two signatures with the same `r`."""
    r, s = decode_dss_signature(pair.sign(message))
    return encode_dss_signature(r, ORDER - s)


def raw(pair, message):
    return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(pair.sign(message)))


def pss(pair, message):
    return pair.private.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def sized(bits):
    return lambda parts: setattr(parts, "cose", Key("RS256", bits).cose)


def identified(length):
    return lambda parts: setattr(parts, "id", secrets.token_bytes(length))


def reordered(entries):
    return bytes([0xA0 + len(entries)]) + b"".join(cbor.encode(name) + cbor.encode(value) for name, value in reversed(entries.items()))


def longer(entries):
    """The number of entries in a byte more than it takes."""
    return bytes([0xB8, len(entries)]) + cbor.encode(entries)[1:]


def endless(entries):
    return b"\xbf" + cbor.encode(entries)[1:] + b"\xff"


def reversed_json(data):
    return json.dumps(dict(reversed(data.items())), indent=1).replace("/", "\\/").encode()


def nothing(_):
    pass


OTHER = "A" * 43

# Of answers of both kinds.
BOTH = [
    good("as it is", nothing),
    good("members that are added later", client(later={"a": [1]})),
    good("no crossOrigin", client(crossOrigin=None)),
    good("written otherwise", written(reversed_json)),
    good("a token binding, as in Level 2", client(tokenBinding={"status": "supported"})),
    good("a token binding of a status that there never was", client(tokenBinding={"status": "maybe"}), refused_by=("py_webauthn", "SimpleWebAuthn")),
    plain("another type", client(type="payment.get")),
    plain("no type", client(type=None)),
    plain("another challenge", client(challenge=OTHER)),
    plain("no challenge", client(challenge=None)),
    bad("a longer challenge", lambda parts: client(challenge=parts.client["challenge"] + "AAAA")(parts)),
    plain("another origin", client(origin="https://example.com")),
    plain("a page of another scheme", client(origin="http://app.example.com")),
    plain("a page of another port", client(origin="https://app.example.com:8443")),
    plain("a page of a host below", client(origin="https://a.app.example.com")),
    bad("an origin with a path", client(origin="https://app.example.com/")),
    bad("no origin", client(origin=None)),
    bad("a page inside another one", client(crossOrigin=True)),
    bad("a page inside another one, which is told", client(crossOrigin=True, topOrigin="https://example.com")),
    plain("no client data", written(lambda _: b"")),
    plain("client data that is no object", written(lambda _: b"[]")),
    plain("another domain", sets(rp_id="example.com")),
    plain("nobody was there", flags(off=PRESENT)),
    plain("nobody was verified", flags(off=VERIFIED)),
    bad("copied, and can't be", flags(BACKED_UP)),
    good("bits that mean nothing yet", flags(1 << 1 | 1 << 5)),
    good("extensions that nobody has asked for", extended(cbor.encode({"credProtect": 2, "hmac-secret": True}))),
    bad("extensions that are not there", flags(EXTENDED)),
    bad("extensions that are no map", extended(b"\x81\x01")),
    bad("extensions in longer words", extended(longer({"credProtect": 2}))),
    bad("extensions that nothing tells of", extended(cbor.encode({"credProtect": 2}), 0)),
    bad("something behind it", sets(tail=b"\x00")),
    good("a large counter", sets(count=2**32 - 1)),
    bad("another id", after(id=OTHER)),
    bad("another raw id", after(rawId=OTHER)),
    bad("no raw id", after(rawId=None)),
    bad("another kind", after(type="password")),
    bad("no client data in the JSON", after(response_clientDataJSON=None)),
    good("where it was attached", after(authenticatorAttachment="cross-platform")),
]

# Of new ones.
NEW = [
    *BOTH,
    bad("made for signing in", client(type="webauthn.get")),
    good("can be copied", flags(ELIGIBLE)),
    good("copied", flags(ELIGIBLE | BACKED_UP)),
    good("an authenticator that does not say its make", sets(aaguid=bytes(16))),
    good("no word of how it is reached", after(response_transports=None)),
    good("reached in ways that are added later", after(response_transports=["internal", "telepathy"])),
    plain("no new key", flags(off=ATTESTED)),
    bad("a new key that nothing tells of", lambda parts: sets(flags=parts.flags & ~ATTESTED, attested=True)(parts)),
    plain("a new key that is not there", sets(attested=False)),
    bad("a key of another id", after(id=OTHER, rawId=OTHER)),
    *(good(f"an id of {length} bytes", identified(length)) for length in (16, 64, 1023)),
    *(bad(f"an id of {length} bytes", identified(length)) for length in (0, 15, 1024)),
    good("made by itself, and proved so", sets(fmt="packed")),
    good(
        "a make that is proved wrong",
        sets(fmt="packed", statement={"alg": -7, "sig": b"\x30\x00"}),
        refused_by=("py_webauthn", "SimpleWebAuthn"),
    ),
    good("a make of a kind that nobody knows", sets(fmt="acme", statement={"a": 1}), refused_by=("py_webauthn", "SimpleWebAuthn")),
    bad("no make, and a word of it", sets(statement={"a": 1})),
    good("more beside it", sets(beside={"epAtt": False})),
    bad("no format", sets(beside={"fmt": None})),
    bad("no statement", sets(beside={"attStmt": None})),
    plain("no data", sets(beside={"authData": None})),
    bad("something behind the object", sets(write_object=lambda whole: cbor.encode(whole) + b"\x00")),
    bad("half an object", sets(write_object=lambda whole: cbor.encode(whole)[:-1])),
    bad("no object in the JSON", after(response_attestationObject=None)),
    # The key.
    good("the entries of the key in another order", sets(write_key=reordered)),
    bad("the key in longer words", sets(write_key=longer)),
    bad("a key that does not say how long it is", sets(write_key=endless)),
    bad("an object in longer words", sets(write_object=longer)),
    bad("an object that does not say how long it is", sets(write_object=endless)),
    bad("a key with one entry more", cose(_4=[2])),
    bad("a key of another type", lambda parts: cose(_1=parts.cose[1] % 3 + 1)(parts)),
    bad("no type of key", cose(_1=None)),
    bad("a key of an algorithm that was not asked for", cose(_3=-35)),
    bad("no algorithm", cose(_3=None)),
    bad("a curve of another name", cose(m1=7), "ES256", "EdDSA"),
    bad("no curve", cose(m1=None), "ES256", "EdDSA"),
    bad("half a point", lambda parts: cose(m2=parts.cose[-2][:31])(parts), "ES256", "EdDSA"),
    bad("a point that is not on the curve", lambda parts: cose(m3=parts.cose[-2])(parts), "ES256"),
    bad("an RSA key of 1024 bits", sized(1024), "RS256"),
    good("an RSA key of 3072 bits", sized(3072), "RS256"),
    bad("another exponent", cose(m2=b"\x03"), "RS256"),
    bad("no exponent", cose(m2=None), "RS256"),
]

# Of those that are used.
USED = [
    *BOTH,
    bad("made for a new one", client(type="webauthn.create")),
    bad("another passkey", after(id=OTHER, rawId=OTHER)),
    bad("can be copied now", flags(ELIGIBLE)),
    good("a counter that goes back", sets(count=3), refused_by=("py_webauthn", "SimpleWebAuthn")),
    good("a counter that stands still", sets(count=7), refused_by=("py_webauthn", "SimpleWebAuthn")),
    bad("with a new key", flags(ATTESTED)),
    bad("with a new key that is not there", lambda parts: sets(flags=parts.flags | ATTESTED, attested=False)(parts)),
    plain("the signature of another key", lambda parts: sets(sign=key(parts.algorithm, 1).sign)(parts)),
    plain("the signature of something else", signed(lambda pair, message: pair.sign(message[:-1]))),
    plain("a signature with another bit", after(response_signature=flipped(-1))),
    plain("half a signature", after(response_signature=lambda text: text[: len(text) // 2])),
    plain("no signature", after(response_signature="")),
    plain("data with another bit", after(response_authenticatorData=flipped(-1))),
    plain("client data with another bit", after(response_clientDataJSON=flipped(20))),
    good("the other signature of the same", signed(high), "ES256"),
    bad("a signature that is not in DER", signed(raw), "ES256"),
    bad("a signature with something behind it", signed(lambda pair, message: pair.sign(message) + b"\x00")),
    bad("another padding", signed(pss), "RS256"),
    bad("another digest", signed(lambda pair, message: pair.sign(message, hashes.SHA512)), "ES256", "RS256"),
    bad("of somebody else", after(response_userHandle=websafe_encode(b"\x05" * 16))),
    bad("of nobody", after(response_userHandle=None)),
    bad("no data in the JSON", after(response_authenticatorData=None)),
]
