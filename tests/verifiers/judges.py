"""What libraries of others say of a passkey's answer: nothing, or they raise."""

import secrets

from authenticators import websafe_decode, websafe_encode
from conftest import ORIGIN
from fido2.server import Fido2Server
from fido2.webauthn import AuthenticatorData, AttestationObject, AttestedCredentialData, PublicKeyCredentialRpEntity
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier

RP_ID = "app.example.com"


class Stored:
    """What a server keeps of a passkey: from the answer that made it."""

    def __init__(self, answer):
        data = AttestationObject(websafe_decode(answer["response"]["attestationObject"])).auth_data
        self.attested = data.credential_data
        self.id = answer["id"]
        bytes_of_key = bytes(self.attested)[18 + len(self.attested.credential_id):]
        self.public_key, self.count = bytes_of_key, data.counter


class PyWebAuthn:
    algorithms = [COSEAlgorithmIdentifier(number) for number in (-7, -8, -257)]

    def register(self, answer, challenge):
        verify_registration_response(
            credential=answer,
            expected_challenge=websafe_decode(challenge),
            expected_rp_id=RP_ID,
            expected_origin=ORIGIN,
            require_user_verification=True,
            supported_pub_key_algs=self.algorithms,
        )

    def sign_in(self, answer, challenge, stored):
        verify_authentication_response(
            credential=answer,
            expected_challenge=websafe_decode(challenge),
            expected_rp_id=RP_ID,
            expected_origin=ORIGIN,
            credential_public_key=stored.public_key,
            credential_current_sign_count=stored.count,
            require_user_verification=True,
        )


class Fido2:
    def __init__(self):
        rp = PublicKeyCredentialRpEntity(id=RP_ID, name="Doorward")
        self.server = Fido2Server(rp, verify_origin=lambda origin: origin == ORIGIN)

    def register(self, answer, challenge):
        self.server.register_complete({"challenge": challenge, "user_verification": "required"}, answer)

    def sign_in(self, answer, challenge, stored):
        self.server.authenticate_complete({"challenge": challenge, "user_verification": "required"}, [stored.attested], answer)


class SimpleWebAuthn:
    def __init__(self, node):
        self.node = node

    def expected(self, challenge):
        return {"expectedChallenge": challenge, "expectedOrigin": ORIGIN, "expectedRPID": RP_ID, "requireUserVerification": True}

    def register(self, answer, challenge):
        self.node.ask("register", answer=answer, expected=self.expected(challenge))

    def sign_in(self, answer, challenge, stored):
        credential = {"id": stored.id, "publicKey": websafe_encode(stored.public_key), "counter": stored.count}
        self.node.ask("signIn", answer=answer, expected=self.expected(challenge), credential=credential)


def judges(node):
    return {"py_webauthn": PyWebAuthn(), "python-fido2": Fido2(), "SimpleWebAuthn": SimpleWebAuthn(node)}


def refusals(judges, judge):
    """Who refuses, and why."""
    found = {}
    for name, one in judges.items():
        try:
            judge(one)
        except Exception as refusal:  # each library has its own
            found[name] = f"{type(refusal).__name__}: {refusal}"
    return found
