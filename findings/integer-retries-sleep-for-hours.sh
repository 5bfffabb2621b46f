#!/bin/sh
# requests 2.34.2 on urllib3 2.8.0 (PyPI): `HTTPAdapter(max_retries=3)`, answered by 429 or 503 with `Retry-After`.
#
# One would expect what requests says of that argument: it is for failed look-ups and connections, and does nothing about a request that has
# reached the server. So a 429 comes back at once, and `timeout=5` bounds the call.
# Seen: a GET that is answered 429 or 503 with `Retry-After: 3600` sleeps an hour inside `session.get`, three times, and returns the fourth
# answer. `timeout` does not count the sleep; up to six hours of each answer's wish are granted. A POST comes back at once. Plain
# urllib3 does the same without being asked for retries at all. The integer becomes a `Retry`, which obeys `Retry-After` by
# default, and requests has switched off only the retry by status. `Retry(3, respect_retry_after_header=False)` does what the documentation says.
#
# For who runs a login service: one throttled GET holds a worker thread of the caller for hours, and sends the request three times more.
# Doorward's limits on GET are those of `/api/auth/me/export`: 429 with a `Retry-After` of up to an hour.
#
# Installs the packages in a temporary folder, runs them with a clock that does not wait, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'requests==2.34.2' 'urllib3==2.8.0'
cat > probe.py <<'PYTHON'
import http.server
import threading
import time

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

answer, seen, slept = (429, "60"), [], []

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen.append(self.command)
        self.send_response(answer[0])
        self.send_header("Retry-After", answer[1])
        self.send_header("Content-Length", "0")
        self.end_headers()
    do_POST = do_GET

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
time.sleep = slept.append

def session(retries):
    made = requests.Session()
    made.trust_env = False
    made.mount("http://", HTTPAdapter(max_retries=retries))
    return lambda method: made.request(method, url, timeout=5).status_code

ways = {
    "requests": session(0),
    "requests, max_retries=3": session(3),
    "requests, Retry(3, respect_retry_after_header=False)": session(Retry(3, respect_retry_after_header=False)),
    "urllib3": lambda method: urllib3.PoolManager().request(method, url, timeout=5).status,
}
for answer in [(429, "3600"), (503, "60"), (429, "86400")]:
    for name, way in ways.items():
        for method in ["GET", "POST"]:
            seen.clear()
            slept.clear()
            status = way(method)
            print(f"{answer[0]} with Retry-After {answer[1]}: {name}: {method} sent {len(seen)} times, slept {slept}, {status}")
PYTHON
env/bin/python probe.py > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
429 with Retry-After 3600: requests: GET sent 1 times, slept [], 429
429 with Retry-After 3600: requests: POST sent 1 times, slept [], 429
429 with Retry-After 3600: requests, max_retries=3: GET sent 4 times, slept [3600, 3600, 3600], 429
429 with Retry-After 3600: requests, max_retries=3: POST sent 1 times, slept [], 429
429 with Retry-After 3600: requests, Retry(3, respect_retry_after_header=False): GET sent 1 times, slept [], 429
429 with Retry-After 3600: requests, Retry(3, respect_retry_after_header=False): POST sent 1 times, slept [], 429
429 with Retry-After 3600: urllib3: GET sent 4 times, slept [3600, 3600, 3600], 429
429 with Retry-After 3600: urllib3: POST sent 1 times, slept [], 429
503 with Retry-After 60: requests: GET sent 1 times, slept [], 503
503 with Retry-After 60: requests: POST sent 1 times, slept [], 503
503 with Retry-After 60: requests, max_retries=3: GET sent 4 times, slept [60, 60, 60], 503
503 with Retry-After 60: requests, max_retries=3: POST sent 1 times, slept [], 503
503 with Retry-After 60: requests, Retry(3, respect_retry_after_header=False): GET sent 1 times, slept [], 503
503 with Retry-After 60: requests, Retry(3, respect_retry_after_header=False): POST sent 1 times, slept [], 503
503 with Retry-After 60: urllib3: GET sent 4 times, slept [60, 60, 60], 503
503 with Retry-After 60: urllib3: POST sent 1 times, slept [], 503
429 with Retry-After 86400: requests: GET sent 1 times, slept [], 429
429 with Retry-After 86400: requests: POST sent 1 times, slept [], 429
429 with Retry-After 86400: requests, max_retries=3: GET sent 4 times, slept [21600, 21600, 21600], 429
429 with Retry-After 86400: requests, max_retries=3: POST sent 1 times, slept [], 429
429 with Retry-After 86400: requests, Retry(3, respect_retry_after_header=False): GET sent 1 times, slept [], 429
429 with Retry-After 86400: requests, Retry(3, respect_retry_after_header=False): POST sent 1 times, slept [], 429
429 with Retry-After 86400: urllib3: GET sent 4 times, slept [21600, 21600, 21600], 429
429 with Retry-After 86400: urllib3: POST sent 1 times, slept [], 429
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
