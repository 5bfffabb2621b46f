"""Caddy and HAProxy, with the configurations of docs/verify.md."""

import subprocess

import jwt
import pytest
from conftest import ask, free_port, program, replaced, snippet, Process, Doorward
from proxies import hands_on_a_confirmed_address, refuses_pages_of_other_sites, says_who_asks_whatever_is_forged, takes_the_browsers_word
from tokens import cases, forged, rubbish


def person(doorward, email):
    token = doorward.login(email)
    return token, jwt.decode(token, options={"verify_signature": False})


def run_caddy(start, doorward, echo, **changes):
    folder, port = start.folder(), free_port()
    ports = changes | {"127.0.0.1:8000": doorward.origin, "127.0.0.1:9000": f"127.0.0.1:{echo.port}", "app.example.com {": f":{port} {{"}
    site = replaced(snippet("PUBLIC_URL=https://app.example.com TRUSTED_PROXIES=127.0.0.1/32\napp.example.com"), **ports)
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + site)
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    return start(Process, [program("caddy"), "run", "--adapter", "caddyfile", "--config", "Caddyfile"], port, folder, **home).port


@pytest.fixture(scope="module")
def haproxy(start, es256, echo):
    folder, port = start.folder(), free_port()
    (folder / "doorward.pem").write_text(es256.keys("--pem"))
    changes = {
        "127.0.0.1:8000": f"127.0.0.1:{es256.port}",
        "127.0.0.1:9000": f"127.0.0.1:{echo.port}",
        "bind :443 ssl crt /etc/haproxy/app.pem": f"bind 127.0.0.1:{port}",
        "/etc/haproxy/doorward.pem": str(folder / "doorward.pem"),
        "__Host-access_token": "access_token",
    }
    (folder / "haproxy.cfg").write_text(replaced(snippet("JWT_ALGORITHM=ES256\ndefaults"), **changes))
    return start(Process, [program("haproxy"), "-f", "haproxy.cfg"], port, folder).port


@pytest.fixture(scope="module")
def caddy(start, es256, echo):
    return run_caddy(start, es256, echo)


def test_caddy_who_asks(caddy, es256):
    says_who_asks_whatever_is_forged(caddy, *person(es256, "caddy@example.com"))


def test_caddy_pages_of_other_sites(caddy, es256):
    token, _ = person(es256, "caddy-sites@example.com")
    refuses_pages_of_other_sites(caddy, token)
    takes_the_browsers_word(caddy, token)


def test_caddy_the_address_of_whoever_asks(start, echo):
    doorward = start(Doorward, start.folder(), CHECK_USER_EMAIL="on")
    port = run_caddy(start, doorward, echo, **{"copy_headers X-User-Id X-Session-Id": "copy_headers X-User-Id X-Session-Id X-User-Email"})
    hands_on_a_confirmed_address(port, doorward, "caddy-address@example.com")


def test_caddy_hands_refusals_on(caddy, es256):
    status, headers, body = ask(caddy, "/api/hello")
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="doorward"')
    assert b"not_authenticated" in body


def test_haproxy_who_asks(haproxy, es256):
    says_who_asks_whatever_is_forged(haproxy, *person(es256, "haproxy@example.com"))


def test_haproxy_pages_of_other_sites(haproxy, es256):
    refuses_pages_of_other_sites(haproxy, person(es256, "haproxy-sites@example.com")[0])


# It knows nothing of `kid`, and takes no list of audiences.
HAPROXY = {"unknown kid": 200, "aud list": 401}


def test_haproxy_forged_tokens(haproxy, es256):
    real, claims = person(es256, "haproxy-forged@example.com")
    own = es256.keys("--secret")
    foreign = subprocess.run([es256.process.args[0], "keys", "generate"], stdout=subprocess.PIPE, text=True).stdout
    for case in cases():
        token = forged(case, "PyJWT", real, own, foreign)
        status = ask(haproxy, "/api/hello", headers=[("Cookie", f"access_token={token}")])[0]
        assert status == HAPROXY.get(case.name, case.snippets), case.name
    for token in rubbish(es256, jwt.get_unverified_header(real), claims):
        assert ask(haproxy, "/api/hello", headers=[("Cookie", f"access_token={token}")])[0] == 401, token
