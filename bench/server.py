"""What the scripts of this folder share: the binary, and a server of it in a folder of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "scripts"))
import started  # noqa: E402

BINARY = Path(os.environ.get("DOORWARD_BIN", ROOT / "target/release/doorward")).absolute()


def start(folder, **settings):
    """Starts a server; returns its process and its port, which it prints when it serves."""
    process = started.start(
        [BINARY], cwd=folder, env={"PORT": "0", **settings}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return process, int(re.search(r":(\d+)", process.stdout.readline()).group(1))


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def command(folder, *arguments, typed="", **settings):
    """Runs a command beside the server."""
    subprocess.run([BINARY, *arguments], cwd=folder, env=settings, input=typed, text=True, check=True, capture_output=True)


def megabytes(pid):
    """Resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


def post(port, path, body=None, headers=()):
    """Returns the status and the headers."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/auth/{path}",
        data=json.dumps(body).encode() if body else b"",
        headers={**({"Content-Type": "application/json"} if body else {}), **dict(headers)},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers


def cookie(headers, name):
    """The value of a cookie that an answer sets."""
    found = [line for line in headers.get_all("Set-Cookie") if line.startswith(f"{name}=")]
    return found[0].split(";")[0].partition("=")[2]
