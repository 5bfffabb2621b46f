#!/bin/sh
# `X-Forwarded-For: 203.0.113.7:51234`, as Azure's Application Gateway and IIS write it (address and port), read behind one trusted proxy by
# proxy-addr 2.0.8 (npm; Express), Werkzeug 3.1.9's ProxyFix (Flask), uvicorn 0.54.0 (FastAPI) and Tornado 6.6.1 (PyPI).
#
# One would expect an address, or a refusal that one notices.
# Seen: proxy-addr and ProxyFix hand on the text with its port as the visitor's "address", another one for each connection; an IPv6 address keeps
# its brackets. Tornado does not know what it is and silently answers with the proxy's own address, the same for everybody.
# uvicorn reads it. For the IPv4-mapped `::ffff:203.0.113.7` all give another text than for `203.0.113.7`.
#
# For who runs a login service: what is counted, blocked, shown in the list of sessions or compared with a list of networks is then no address, or
# one for all. Look at what the application calls the visitor's address, through the real proxy, once.
# Doorward reads addresses with ports, brackets and zones, and takes a mapped address for the IPv4 address.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts proxy-addr@2.0.8
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'Werkzeug==3.1.9' 'uvicorn==0.54.0' 'tornado==6.6.1'
cat > hops <<'TEXT'
203.0.113.7
203.0.113.7:51234
2001:db8::7
[2001:db8::7]
[2001:db8::7]:51234
::ffff:203.0.113.7
TEXT
cat > probe.py <<'PYTHON'
import asyncio
import json
import urllib.request

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

def uvicorns(hop):
    seen = []

    async def application(scope, receive, send):
        seen.append(scope["client"][0])

    scope = {"type": "http", "scheme": "http", "client": ("127.0.0.1", 1), "headers": [(b"x-forwarded-for", hop.encode())]}
    asyncio.run(ProxyHeadersMiddleware(application, trusted_hosts="127.0.0.1")(scope, None, None))
    return seen[0]

def werkzeugs(hop):
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": hop, "wsgi.url_scheme": "http"}
    ProxyFix(lambda environ, start: [])(environ, None)
    return environ["REMOTE_ADDR"]

class Who(RequestHandler):
    def get(self):
        self.write(self.request.remote_ip)

def tornados(hop):
    async def ask():
        sockets = bind_sockets(0, "127.0.0.1")
        server = HTTPServer(Application([("/", Who)]), xheaders=True)
        server.add_sockets(sockets)
        request = urllib.request.Request(f"http://127.0.0.1:{sockets[0].getsockname()[1]}/", headers={"X-Forwarded-For": hop})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        answer = await asyncio.to_thread(lambda: opener.open(request).read().decode())
        server.stop()
        return answer

    return asyncio.run(ask())

for hop in open("hops").read().split():
    for name, read in {"uvicorn": uvicorns, "ProxyFix": werkzeugs, "Tornado": tornados}.items():
        print(f"{hop}: {name} {read(hop)}")
PYTHON
cat > probe.cjs <<'JAVASCRIPT'
const proxyAddr = require("proxy-addr");
for (const hop of require("node:fs").readFileSync("hops", "utf8").trim().split("\n")) {
  const request = { connection: { remoteAddress: "127.0.0.1" }, headers: { "x-forwarded-for": hop } };
  console.log(`${hop}: proxy-addr ${proxyAddr(request, ["127.0.0.1"])}`);
}
JAVASCRIPT
{
    env/bin/python probe.py
    node probe.cjs
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
203.0.113.7: uvicorn 203.0.113.7
203.0.113.7: ProxyFix 203.0.113.7
203.0.113.7: Tornado 203.0.113.7
203.0.113.7:51234: uvicorn 203.0.113.7
203.0.113.7:51234: ProxyFix 203.0.113.7:51234
203.0.113.7:51234: Tornado 127.0.0.1
2001:db8::7: uvicorn 2001:db8::7
2001:db8::7: ProxyFix 2001:db8::7
2001:db8::7: Tornado 2001:db8::7
[2001:db8::7]: uvicorn 2001:db8::7
[2001:db8::7]: ProxyFix [2001:db8::7]
[2001:db8::7]: Tornado 127.0.0.1
[2001:db8::7]:51234: uvicorn 2001:db8::7
[2001:db8::7]:51234: ProxyFix [2001:db8::7]:51234
[2001:db8::7]:51234: Tornado 127.0.0.1
::ffff:203.0.113.7: uvicorn ::ffff:203.0.113.7
::ffff:203.0.113.7: ProxyFix ::ffff:203.0.113.7
::ffff:203.0.113.7: Tornado ::ffff:203.0.113.7
203.0.113.7: proxy-addr 203.0.113.7
203.0.113.7:51234: proxy-addr 203.0.113.7:51234
2001:db8::7: proxy-addr 2001:db8::7
[2001:db8::7]: proxy-addr [2001:db8::7]
[2001:db8::7]:51234: proxy-addr [2001:db8::7]:51234
::ffff:203.0.113.7: proxy-addr ::ffff:203.0.113.7
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
