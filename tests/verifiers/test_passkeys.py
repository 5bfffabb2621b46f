"""What we make of passkeys that others have made, and what libraries of others make of the same answers."""

import json

import pytest
from authenticators import ALGORITHMS, Emulated, Node, Passkey
from conftest import ORIGIN, PASSWORD, Doorward, ask
from judges import RP_ID, Stored, judges, refusals
from passkey_cases import NEW, USED


@pytest.fixture(scope="module")
def doorward(start):
    return start(Doorward, start.folder(), PASSKEY_RP_ID=RP_ID)


@pytest.fixture(scope="module")
def node(start):
    return start(Node)


@pytest.fixture(scope="module")
def libraries(node):
    return judges(node)


class Browser:
    """The cookies of one; what it is asked comes from our page."""

    def __init__(self, doorward):
        self.port, self.cookies = doorward.port, {}

    def post(self, path, body=None):
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = [("Content-Type", "application/json")] * (body is not None) + [("Cookie", cookies)] * bool(cookies) + [("Origin", ORIGIN)]
        body = json.dumps(body).encode() if body is not None else b""
        status, headers, answer = ask(self.port, f"/api/auth{path}", "POST", headers, body)
        for cookie in headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return status, json.loads(answer or b"null")

    def ok(self, path, body=None):
        status, answer = self.post(path, body)
        assert status in (200, 201), (path, status, answer)
        return answer


PEOPLE = iter(range(10_000))


def somebody(doorward):
    """A new person who is logged in, and what they log in with."""
    browser = Browser(doorward)
    account = {"email": f"{next(PEOPLE)}@passkeys.example.com", "password": PASSWORD}
    browser.ok("/register", account)
    browser.ok("/login", account)
    return browser, account


def add(browser, answer):
    return browser.post("/me/passkeys", {"credential": answer, "name": "A key"})


def compared(case, taken, refused, libraries):
    """No library refuses what we take, but where that is our design."""
    assert taken == case.taken, refused
    if case.taken:
        assert set(refused) == set(case.refused_by), refused
    if case.plain:
        assert refused.keys() == libraries.keys(), refused


def each(cases):
    """Every case with every kind of key that it is about."""
    rows = [(algorithm, case) for case in cases for algorithm in case.algorithms]
    return pytest.mark.parametrize("algorithm,case", [pytest.param(*row, id=f"{row[0]}: {row[1].name}") for row in rows])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_authenticator_of_others_signs_in(algorithm, doorward, node, libraries):
    browser, account = somebody(doorward)
    authenticator = Emulated(node, algorithm)
    options = browser.ok("/me/passkeys/options")
    made = authenticator.create(options)
    assert refusals(libraries, lambda judge: judge.register(made, options["challenge"])) == {}
    status, added = add(browser, made)
    assert (status, len(added["recovery_codes"])) == (200, 10), added
    stored = Stored(made)

    def used(browser, path):
        options = browser.ok(path)
        answer = authenticator.get(options)
        assert refusals(libraries, lambda judge: judge.sign_in(answer, options["challenge"], stored)) == {}
        stored.count += 1
        return answer

    # By it alone, beside the password, and once more in a session.
    browser = Browser(doorward)
    browser.ok("/login/passkey", {"passkey": used(browser, "/login/passkey/options")})
    browser = Browser(doorward)
    assert browser.post("/login", account)[1]["code"] == "second_factor_required"
    browser.ok("/login/second-factor", {"passkey": used(browser, "/login/second-factor/options")})
    browser.ok("/reauthenticate", {"passkey": used(browser, "/reauthenticate/options")})


@each(NEW)
def test_a_new_one(algorithm, case, doorward, libraries):
    browser, _ = somebody(doorward)
    options = browser.ok("/me/passkeys/options")
    answer = Passkey(algorithm).create(options, case.change)
    status, told = add(browser, answer)
    assert status == 200 or told["code"] in ("invalid_passkey", "passkey_challenge_expired", "validation_failed"), told
    refused = refusals(libraries, lambda judge: judge.register(answer, options["challenge"]))
    compared(case, status == 200, refused, libraries)


@each(USED)
def test_one_that_is_used(algorithm, case, doorward, libraries):
    browser, _ = somebody(doorward)
    passkey = Passkey(algorithm)
    made = passkey.create(browser.ok("/me/passkeys/options"))
    assert add(browser, made)[0] == 200
    browser = Browser(doorward)
    options = browser.ok("/login/passkey/options")
    answer = passkey.get(options, case.change)
    status, told = browser.post("/login/passkey", {"passkey": answer})
    assert status == 200 or told["code"] in ("incorrect_passkey", "passkey_challenge_expired", "validation_failed"), told
    stored = Stored(made)
    refused = refusals(libraries, lambda judge: judge.sign_in(answer, options["challenge"], stored))
    compared(case, status == 200, refused, libraries)
