"""Gives every case that Schemathesis makes an account and a session of its own: logging out is one of the things it tries."""

import itertools
import os

import requests
import schemathesis
from hypothesis import strategies as st

API = os.environ["DOORWARD_URL"] + "/api/auth"
PASSWORD = "SecurePass123"
numbers = itertools.count()

# Now and then the password that is right.
schemathesis.openapi.format("password", st.just(PASSWORD) | st.text(min_size=8, max_size=71))


@schemathesis.auth(refresh_interval=None)
class Session:
    def get(self, case, context):
        account = {"email": f"fuzz-{next(numbers)}@example.com", "password": PASSWORD}
        requests.post(f"{API}/register", json=account).raise_for_status()
        login = requests.post(f"{API}/login", json=account)
        login.raise_for_status()
        return login.cookies.get_dict()

    def set(self, case, data, context):
        case.cookies = {**(case.cookies or {}), **data}
