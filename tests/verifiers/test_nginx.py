"""The configuration of docs/verify.md in a real nginx, before the real binary and a service that tells what it was sent."""

import concurrent.futures
import os
import re

import jwt
import pytest
from conftest import Doorward, Process, ask, free_port, program, replaced, snippet
from proxies import hands_on_a_confirmed_address, refuses_pages_of_other_sites, says_who_asks_whatever_is_forged, takes_the_browsers_word


def nginx(start, site):
    """Starts it with this site, whose port is 443."""
    folder, port = start.folder(), free_port()
    site = re.sub(r"\n +ssl_certificate.*", "", site)
    site = replaced(site, **{"listen 443 ssl;": f"listen 127.0.0.1:{port};"})
    temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;"
        f"events {{}} http {{ access_log off; {temporary} {site} }}"
    )
    command = [program("nginx"), "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]
    return start(Nginx, command, port, folder)


class Nginx(Process):
    def stop(self):
        # Its worker ends with it.
        self.process.terminate()
        self.process.wait()
        self.log.close()


def site(doorward, echo):
    ports = {"127.0.0.1:8000": f"127.0.0.1:{doorward}", "127.0.0.1:9000": f"127.0.0.1:{echo}"}
    return replaced(snippet("app.conf"), **ports)


@pytest.fixture(scope="session")
def proxy(start, es256, echo):
    return nginx(start, site(es256.port, echo.port)).port


def person(doorward, email):
    token = doorward.login(email)
    return token, jwt.decode(token, options={"verify_signature": False})


def test_who_asks(proxy, es256):
    # Somebody else has the id that is forged.
    es256.login("first@example.com")
    says_who_asks_whatever_is_forged(proxy, *person(es256, "nginx@example.com"))


def test_pages_of_other_sites(proxy, es256):
    token, _ = person(es256, "sites@example.com")
    refuses_pages_of_other_sites(proxy, token)
    takes_the_browsers_word(proxy, token)


def test_refusals(proxy, es256):
    status, headers, _ = ask(proxy, "/api/hello")
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="doorward"')
    # The sub-request is nobody else's.
    assert ask(proxy, "/_check")[0] == 404
    # Doorward itself is there, with its own headers.
    token, _ = person(es256, "me@example.com")
    assert ask(proxy, "/api/auth/me", headers=[("Cookie", f"access_token={token}")])[0] == 200


def test_the_address_of_whoever_asks(start, echo):
    doorward = start(Doorward, start.folder(), CHECK_USER_EMAIL="on")
    _, asked, handed_on = snippet("The address").splitlines()
    session = "auth_request_set $session_id $upstream_http_x_session_id;"
    text = replaced(site(doorward.port, echo.port), **{session: f"{session}\n{asked}"})
    before, after = text.split("@check_failed;", 1)
    empty = '        proxy_set_header X-User-Email "";'
    port = nginx(start, f"{before}@check_failed;{after.replace(empty, handed_on, 1)}").port
    hands_on_a_confirmed_address(port, doorward, "ann@example.com")


def test_an_ended_session_is_refused_at_once(proxy, es256):
    token, _ = person(es256, "leaves@example.com")
    cookie = [("Cookie", f"access_token={token}")]
    assert ask(proxy, "/api/hello", headers=cookie)[0] == 200
    assert ask(es256.port, "/api/auth/logout", "POST", cookie)[0] == 200
    assert ask(proxy, "/api/hello", headers=cookie)[0] == 401


def test_without_doorward_it_is_503_and_says_when_to_try_again(start, echo):
    port = nginx(start, site(free_port(), echo.port)).port
    status, headers, _ = ask(port, "/api/hello")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert ask(port, "/public")[0] == 200


@pytest.mark.parametrize("path", ["/api/auth/check", "/api/auth/me", "/health", "/nowhere"])
def test_a_promise_of_a_body_mixes_up_nobody(path, start, es256, echo):
    """Who forgets the two lines promises a body that never comes, on connections that all visitors share."""
    forgotten = {"        proxy_pass_request_body off;\n": "", '        proxy_set_header Content-Length "";\n': ""}
    # One connection at a time is kept, so that it is shared.
    forgotten |= {"keepalive 32; }\nupstream app": "keepalive 1; }\nupstream app"}
    forgotten |= {"http://doorward/api/auth/check": f"http://doorward{path}"}
    session = "auth_request_set $session_id $upstream_http_x_session_id;"
    told = "auth_request_set $kept $upstream_http_connection; add_header X-Check-Connection $kept always;"
    forgotten |= {session: f"{session} {told}"}
    port = nginx(start, replaced(site(es256.port, echo.port), **forgotten)).port
    people = [person(es256, f"{number}@{path.strip('/').replace('/', '.')}.example.com") for number in range(4)]
    expected = {"/nowhere": 503}.get(path, 200)

    def visit(number):
        token, claims = people[number % 4]
        body = None if number % 3 == 0 else b"GET /api/auth/me HTTP/1.1\r\nhost: x\r\n\r\n" + b"x" * (number % 50)
        headers = [("Cookie", f"access_token={token}")]
        status, answered, seen = ask(port, "/api/hello", "GET" if body is None else "POST", headers, body)
        assert status == expected, f"request {number}: {status}"
        if status == 200:
            assert answered["X-Check-Connection"] == (None if body is None else "close")
        if path == "/api/auth/check":
            assert f'["x-user-id", "{claims["sub"]}"]' in seen.decode(), f"request {number} is another visitor's"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, range(1000 if path == "/api/auth/check" else 100)))
