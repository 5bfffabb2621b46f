"""The Go and Rust snippets of docs/verify.md."""

import json
import os
import shutil
import subprocess

import jwt
import pytest
from conftest import ROOT, Process, ask, bearer, free_port, snippet
from tokens import cases, forged, rubbish


@pytest.fixture(scope="module")
def real(es256):
    return es256.login("languages@example.com")


def held_against_the_table(es256, real, verdict, differs=()):
    """`verdict`: the status for a token. `differs`: what this library takes otherwise than the snippets of CI."""
    own = es256.keys("--secret")
    foreign = subprocess.run([es256.process.args[0], "keys", "generate"], stdout=subprocess.PIPE, text=True).stdout
    found = {}
    for case in cases():
        found[case.name] = verdict(forged(case, "PyJWT", real, own, foreign))
    expected = {case.name: case.snippets for case in cases()} | dict(differs)
    assert found == expected
    header, claims = jwt.get_unverified_header(real), jwt.decode(real, options={"verify_signature": False})
    for token in rubbish(es256, header, claims):
        assert verdict(token) == 401, token


def test_go(start, es256, real):
    folder, port = start.folder(), free_port()
    (folder / "main.go").write_text(snippet("main.go"))
    go = os.environ | {"GOFLAGS": "-mod=mod", "GOPATH": str(ROOT / "target/go"), "GOCACHE": str(ROOT / "target/go/cache")}
    commands = [["mod", "init", "example.com/verify"], ["mod", "tidy"], ["build", "-o", "server", "."]]
    # Where no module proxy is reached: a go.mod that names sources on this machine.
    if modules := os.environ.get("DOORWARD_GO_MOD"):
        shutil.copy(modules, folder / "go.mod")
        commands = commands[2:]
    for command in commands:
        subprocess.run(["go", *command], cwd=folder, env=go, check=True, capture_output=True)
    server = start(Process, ["./server"], port, folder, DOORWARD=es256.origin, ACCESS_COOKIE="access_token", PORT=str(port))
    held_against_the_table(es256, real, lambda token: ask(server.port, "/api/hello", headers=bearer(token))[0])
    cookie = [("Cookie", f"access_token={real}")]
    assert ask(server.port, "/api/hello", "POST", [*cookie, ("Origin", "https://evil.example")])[0] == 403
    assert ask(server.port, "/api/hello", "POST", [*cookie, ("Origin", "https://app.example.com")])[0] == 200


def test_rust(start, es256, real):
    folder = start.folder()
    (folder / "src").mkdir()
    (folder / "src/verify.rs").write_text(snippet("verify.rs"))
    (folder / "src/main.rs").write_text(
        """mod verify;
        fn main() {
            let keys = serde_json::from_str(&std::env::args().nth(1).unwrap()).unwrap();
            for token in std::io::stdin().lines() {
                println!("{}", verify::verify(&token.unwrap(), &keys).map_or(401, |claims| { assert!(!claims.sid.is_empty() && !claims.sub.is_empty()); 200 }));
            }
        }"""
    )
    (folder / "Cargo.toml").write_text(
        """[package]\nname = "verify"\nversion = "0.1.0"\nedition = "2024"\n[dependencies]
        jsonwebtoken = { version = "11.1", default-features = false, features = ["aws_lc_rs"] }
        serde = { version = "1", features = ["derive"] }\nserde_json = "1"\n"""
    )
    shutil.copy(ROOT / "Cargo.lock", folder)
    cargo = os.environ | {"CARGO_TARGET_DIR": str(ROOT / "target")}
    subprocess.run(["cargo", "build", "--quiet"], cwd=folder, env=cargo, check=True)

    def verdict(token):
        run = [ROOT / "target/debug/verify", json.dumps(es256.jwks())]
        return int(subprocess.run(run, input=f"{token}\n", stdout=subprocess.PIPE, text=True, check=True).stdout)

    held_against_the_table(es256, real, verdict)
