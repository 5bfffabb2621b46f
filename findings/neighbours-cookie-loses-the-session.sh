#!/bin/sh
# Cookie headers as browsers send them, with the session's cookie and one that some other script of the site has set, read by Bottle 0.13.4,
# CherryPy 18.10.0, Werkzeug 3.1.9 (Flask), Starlette 1.10.0 (FastAPI) and aiohttp 3.14.5 (PyPI; on CPython 3.11).
#
# One would expect that a cookie which a framework does not like is left out, and the others are read.
# Seen: Bottle and CherryPy read *none* of the header's cookies, also those before it, as soon as one has no `=` (a script wrote
# `document.cookie = "seen"`) or a blank within; with JSON as a value, or brackets in a name, those behind it are lost. Both use `http.cookies`,
# which is meant for what servers write. A name with `/` or `@` is worse: Bottle raises in the handler, CherryPy answers 400 before
# it. The others read the session's cookie every time.
#
# For who runs a login service: a person is "not logged in" at one backend, and only in the browser that met the banner, the experiment or
# the other application on the same domain. Read the `Cookie` header by hand there.
# Doorward reads cookies as bytes between semicolons, and takes no notice of others.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'bottle==0.13.4' 'CherryPy==18.10.0' 'Werkzeug==3.1.9' 'starlette==1.10.0' \
    'aiohttp==3.14.5'
cat > probe.py <<'PYTHON'
import io
import warnings

warnings.simplefilter("ignore")
import bottle
import cherrypy
import werkzeug
from aiohttp.test_utils import make_mocked_request
from starlette.requests import Request

NEIGHBOURS = {
    "no equals sign": "seen",
    "a blank in the value": "name=Ann Example",
    "JSON as the value": 'choice={"a":1}',
    "a blank in the name": "my choice=1",
    "brackets in the name": "filter[a]=1",
    "a slash in the name": "a/b=1",
    "an at sign in the name": "user@shop=1",
}

def environ(header):
    return {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "1", "HTTP_COOKIE": header,
        "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(), "wsgi.url_scheme": "http", "wsgi.version": (1, 0),
        "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }

class Root:
    @cherrypy.expose
    def index(self):
        cookie = cherrypy.request.cookie.get("access_token")
        return cookie.value if cookie else "none"

cherrypy.config.update({"log.screen": False, "environment": "embedded"})
application = cherrypy.Application(Root(), "")

def cherrypys(header):
    status = []
    body = b"".join(application(environ(header), lambda line, *_: status.append(line)))
    return body.decode() if status[0].startswith("200") else f"answers {status[0]}"

READERS = {
    "Bottle": lambda header: bottle.BaseRequest(environ(header)).get_cookie("access_token"),
    "CherryPy": cherrypys,
    "Werkzeug": lambda header: werkzeug.Request(environ(header)).cookies.get("access_token"),
    "Starlette": lambda header: Request({"type": "http", "headers": [(b"cookie", header.encode())]}).cookies.get("access_token"),
    "aiohttp": lambda header: make_mocked_request("GET", "/", headers={"Cookie": header}).cookies.get("access_token"),
}
for what, neighbour in NEIGHBOURS.items():
    for place, header in [("before", f"{neighbour}; access_token=T"), ("behind", f"access_token=T; {neighbour}")]:
        lost = {}
        for name, read in READERS.items():
            try:
                value = read(header)
            except Exception as error:
                value = f"raises {type(error).__name__}"
            if value != "T":
                lost[name] = value or "none"
        print(f"{what}, {place}: {', '.join(f'{name} {value}' for name, value in lost.items()) or 'read by all'}")
PYTHON
env/bin/python probe.py > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
no equals sign, before: Bottle none, CherryPy none
no equals sign, behind: Bottle none, CherryPy none
a blank in the value, before: Bottle none, CherryPy none
a blank in the value, behind: Bottle none, CherryPy none
JSON as the value, before: Bottle none, CherryPy none
JSON as the value, behind: read by all
a blank in the name, before: Bottle none, CherryPy none
a blank in the name, behind: Bottle none, CherryPy none
brackets in the name, before: Bottle none, CherryPy none
brackets in the name, behind: read by all
a slash in the name, before: Bottle raises CookieError, CherryPy answers 400 Bad Request
a slash in the name, behind: Bottle raises CookieError, CherryPy answers 400 Bad Request
an at sign in the name, before: Bottle raises CookieError, CherryPy answers 400 Bad Request
an at sign in the name, behind: Bottle raises CookieError, CherryPy answers 400 Bad Request
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
