"""Gives every case that Schemathesis makes an account and a session of its own: logging out is one of the things it tries."""

import itertools
import os

import requests
import schemathesis

API = os.environ["DOORWARD_URL"] + "/api/auth"
numbers = itertools.count()


@schemathesis.auth(refresh_interval=None)
class Session:
    def get(self, case, context):
        account = {"email": f"fuzz-{next(numbers)}@example.com", "password": "SecurePass123"}
        requests.post(f"{API}/register", json=account).raise_for_status()
        login = requests.post(f"{API}/login", json=account)
        login.raise_for_status()
        return login.cookies.get_dict()

    def set(self, case, data, context):
        case.cookies = {**(case.cookies or {}), **data}
