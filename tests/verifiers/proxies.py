"""Requests that every proxy is sent, and what must come out behind it."""

import json

from conftest import ORIGIN, ask

# What a visitor may write to pass for somebody else.
FORGED = [
    ("X-User-Id", "1"),
    ("X-User-Id", "2"),
    ("x-user-id", "3"),
    ("X-User-Email", "admin@example.com"),
    ("X-Session-Id", "forged"),
    ("X-SESSION-ID", "forged"),
]
# The same to what knows headers as CGI has them: HTTP_X_USER_ID.
UNDERSCORES = [("X_User_Id", "1"), ("X-User_Id", "1"), ("x_user-id", "1"), ("X_SESSION_ID", "1"), ("X-Session_Id", "1")]


def told(answer):
    """Status, and the headers that say who asks, as the service behind saw them."""
    status, _, body = answer
    seen = json.loads(body) if status == 200 else []
    return status, sorted(pair for pair in map(tuple, seen) if pair[0].startswith(("x-user", "x-session", "x_")))


def says_who_asks_whatever_is_forged(port, token, claims, path="/api/hello"):
    me = [("x-session-id", claims["sid"]), ("x-user-id", claims["sub"])]
    for forged in ([], FORGED, FORGED[:1], FORGED[4:5], UNDERSCORES):
        for method in ("GET", "POST", "DELETE"):
            cookie = [("Cookie", f"a=b; access_token={token}")]
            assert told(ask(port, path, method, forged + cookie)) == (200, me), f"{method} {forged}"
            assert told(ask(port, "/public", method, forged + cookie)) == (200, []), f"{method} {forged}"
            assert told(ask(port, "/public", method, forged)) == (200, []), f"{method} {forged}"
            assert told(ask(port, path, method, forged)) == (401, []), f"{method} {forged}"
            assert told(ask(port, path, method, forged + [("Cookie", "access_token=forged")])) == (401, [])


def refuses_pages_of_other_sites(port, token):
    cookie = ("Cookie", f"access_token={token}")
    for method, origin, expected in [
        ("POST", "https://evil.example", 403),
        ("POST", "null", 403),
        ("DELETE", "https://evil.example", 403),
        ("POST", ORIGIN, 200),
        ("GET", ORIGIN, 200),
        ("GET", None, 200),
    ]:
        headers = [cookie] + ([("Origin", origin)] if origin else [])
        assert ask(port, "/api/hello", method, headers)[0] == expected, f"{method} from {origin}"


def takes_the_browsers_word(port, token):
    """Where Doorward judges: by `Sec-Fetch-Site`, and the method that the proxy tells."""
    cookie = ("Cookie", f"access_token={token}")
    for method, site, expected in [
        ("GET", "cross-site", 200),
        ("GET", "same-origin", 200),
        ("POST", "same-origin", 200),
        ("POST", "cross-site", 403),
        ("POST", "same-site", 403),
        ("DELETE", "cross-site", 403),
    ]:
        # The visitor's own word of the method counts for nothing.
        headers = [cookie, ("Sec-Fetch-Site", site), ("X-Forwarded-Method", "GET")]
        assert ask(port, "/api/hello", method, headers)[0] == expected, f"{method} {site}"


def hands_on_a_confirmed_address(port, doorward, email):
    """With CHECK_USER_EMAIL=on, and a proxy that hands it on."""
    cookie = ("Cookie", f"access_token={doorward.login(email)}")

    def addresses(forged):
        status, seen = told(ask(port, "/api/hello", headers=forged + [cookie]))
        return status, [value for name, value in seen if name == "x-user-email"]

    for forged in ([], FORGED, FORGED[3:4]):
        assert addresses(forged) == (200, ["-"]), "nobody has confirmed it"
    doorward.run("user", "confirm-email", email)
    cookie = ("Cookie", f"access_token={doorward.login_again(email)}")
    for forged in ([], FORGED, FORGED[3:4]):
        assert addresses(forged) == (200, [email])
    assert told(ask(port, "/public", headers=FORGED + [cookie])) == (200, [])
