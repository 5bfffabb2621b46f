"""What libraries of others make of our tokens, and what we and the snippets of docs/verify.md make of theirs."""

import json
import subprocess
import sys

import joserfc.jwt
import jwt
import pytest
from conftest import ORIGIN, SECRETS, Doorward, Process, ask, bearer, free_port, snippet
from joserfc.jwk import KeySet, OctKey
from tokens import FORGERS, HERE, cases, forged, rubbish


@pytest.fixture(scope="session")
def python(start, es256):
    """The dependency of FastAPI."""
    folder, port = start.folder(), free_port()
    (folder / "main.py").write_text(snippet("main.py"))
    command = [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port)]
    return start(Process, command, port, folder, DOORWARD=es256.origin, ACCESS_COOKIE="access_token")


@pytest.fixture(scope="session")
def node(start, es256):
    """The server of Node."""
    folder, port = start.folder(), free_port()
    (folder / "main.mjs").write_text(snippet("main.mjs"))
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    return start(Process, ["node", "main.mjs"], port, folder, DOORWARD=es256.origin, ACCESS_COOKIE="access_token", PORT=str(port))


@pytest.fixture(scope="session")
def snippets(python, node):
    return {"Python": python.port, "Node": node.port}


@pytest.fixture(scope="session")
def real(es256):
    return es256.login("forged@example.com")


@pytest.mark.parametrize("forger", FORGERS)
def test_forged_tokens(forger, es256, snippets, real):
    own = es256.keys("--secret")
    foreign = subprocess.run([es256.process.args[0], "keys", "generate"], stdout=subprocess.PIPE, text=True).stdout
    for case in cases():
        token = forged(case, forger, real, own, foreign)
        status, headers, _ = ask(es256.port, "/api/auth/check", headers=bearer(token))
        assert status == (204 if case.doorward == 200 else 401), f"Doorward, {case.name}"
        for name, port in snippets.items():
            status, headers, body = ask(port, "/api/hello", headers=bearer(token))
            assert status == case.snippets, f"{name}, {case.name}: {body}"
            assert ("WWW-Authenticate" in headers) == (status == 401), f"{name}, {case.name}"


def test_rubbish(es256, snippets, real):
    header, claims = jwt.get_unverified_header(real), jwt.decode(real, options={"verify_signature": False})
    for token in rubbish(es256, header, claims):
        for name, port, path in [("Doorward", es256.port, "/api/auth/me"), *((*s, "/api/hello") for s in snippets.items())]:
            assert ask(port, path, headers=bearer(token))[0] == 401, f"{name}: {token}"
    for name, port in snippets.items():
        assert ask(port, "/api/hello")[0] == 401, name
        status, _, body = ask(port, "/api/hello", headers=[("Cookie", f"other=1; access_token={real}")])
        assert (status, json.loads(body)) == (200, {"user": int(claims["sub"])}), name


def test_pages_of_other_sites(snippets, real):
    for name, port in snippets.items():
        for method, origin, expected in [
            ("GET", "https://evil.example", 200),
            ("POST", "https://evil.example", 403),
            ("POST", "null", 403),
            ("POST", ORIGIN, 200),
            ("POST", None, 200),
        ]:
            headers = bearer(real) + ([("Origin", origin)] if origin else [])
            assert ask(port, "/api/hello", method, headers)[0] == expected, f"{name}: {method} from {origin}"


def test_no_way_to_the_keys_is_no_fault_of_the_token(start, real):
    nowhere = f"http://127.0.0.1:{free_port()}"
    for file, command in [("main.py", [sys.executable, "-m", "uvicorn", "main:app", "--port"]), ("main.mjs", None)]:
        folder, port = start.folder(), free_port()
        (folder / file).write_text(snippet(file))
        if command is None:
            (folder / "node_modules").symlink_to(HERE / "node_modules")
        command = [*command, str(port)] if command else ["node", file]
        server = start(Process, command, port, folder, DOORWARD=nowhere, PORT=str(port))
        status, headers, _ = ask(server.port, "/api/hello", headers=bearer(real))
        assert (status, headers["Retry-After"]) == (503, "1"), file


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
@pytest.mark.parametrize("settings", [{}, {"JWT_TYP": "JWT"}], ids=["at+jwt", "JWT"])
def test_libraries_take_what_is_published(algorithm, settings, start):
    doorward = start(Doorward, start.folder(), JWT_ALGORITHM=algorithm, **settings)
    token = doorward.login("ann@example.com")
    key = jwt.PyJWKClient(f"{doorward.origin}/.well-known/jwks.json").get_signing_key_from_jwt(token)
    # No leeway: the token says that it was made ten seconds ago.
    claims = jwt.decode(token, key, [algorithm], issuer="doorward", audience="doorward", options={"require": ["exp", "sub"]})
    taken = joserfc.jwt.decode(token, KeySet.import_key_set(doorward.jwks()), algorithms=[algorithm])
    joserfc.jwt.JWTClaimsRegistry(leeway=0, aud={"essential": True, "value": "doorward"}).validate(taken.claims)
    assert taken.claims == claims
    program = """
        import { createRemoteJWKSet, jwtVerify } from "jose";
        const [origin, token, algorithm] = process.argv.slice(1);
        const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", origin));
        const { payload } = await jwtVerify(token, keys, { issuer: "doorward", audience: "doorward", algorithms: [algorithm] });
        process.stdout.write(JSON.stringify(payload));
    """
    command = ["node", "--input-type=module", "--eval", program, doorward.origin, token, algorithm]
    assert json.loads(subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, check=True).stdout) == claims


def test_libraries_take_what_is_signed_with_a_shared_secret(start):
    doorward = start(Doorward, start.folder())
    token, secret = doorward.login("ann@example.com"), SECRETS["JWT_SECRET_KEY"]
    claims = jwt.decode(token, secret, ["HS256"], issuer="doorward", audience="doorward")
    assert joserfc.jwt.decode(token, OctKey.import_key(secret), algorithms=["HS256"]).claims == claims
    assert doorward.keys("--secret").strip() == secret
