#!/bin/sh
# curl 7.88.1 (Debian 12) beside libcurl 8.23.0 (in pycurl 7.49.0): one answer that deletes several cookies, and a jar that is read
# and written by the same file (`curl -b jar -c jar`), which is how shell scripts stay logged in.
#
# One would expect that a cookie is gone after `Set-Cookie: a=; Max-Age=0`, however many others the answer deletes.
# Seen: with 7.88.1 a single deletion works; of two in one answer the first is undone and the second works; of three, the first two
# are undone. The jar goes on holding what was deleted, and curl goes on sending it. 8.23.0 deletes all.
#
# For who runs a login service: logging out deletes an access and a refresh cookie in one answer, so every script with Debian 12's curl
# keeps one of them. A service whose logout is nothing but the deletion of cookies is not left by such a script at all.
# Doorward ends the session in the database, and what curl keeps is void: the answer to it is 401.
#
# Unpacks Debian's package and installs pycurl in a temporary folder, runs both against a local server, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

apt-get download -qq curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15
for package in ./*.deb; do dpkg -x "$package" old; done
library=$(dirname "$(find "$folder/old" -name 'libcurl.so.4' | head -1)")
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'pycurl==7.49.0'

cat > server.py <<'PYTHON'
import http.server
import urllib.parse

class Handler(http.server.BaseHTTPRequestHandler):
    """Sets the cookies that the query asks for, and says which ones came."""
    def do_GET(self):
        self.send_response(200)
        for cookie in urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("set", []):
            self.send_header("Set-Cookie", cookie)
        body = (self.headers.get("Cookie") or "none").encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
python3 server.py > port & server=$!
while [ ! -s port ]; do sleep 0.1; done

cat > new.py <<'PYTHON'
import io
import sys
import pycurl

jar, url = sys.argv[1:]
body = io.BytesIO()
handle = pycurl.Curl()
for option, value in [(pycurl.URL, url), (pycurl.COOKIEFILE, jar), (pycurl.COOKIEJAR, jar), (pycurl.PROXY, ""), (pycurl.WRITEDATA, body)]:
    handle.setopt(option, value)
handle.perform()
handle.close()
print(body.getvalue().decode())
PYTHON

ask() { # version, query
    case $1 in
        old) LD_LIBRARY_PATH=$library old/usr/bin/curl -s --noproxy '*' -b jar -c jar "http://127.0.0.1:$(cat port)/?$2"; echo ;;
        new) env/bin/python new.py jar "http://127.0.0.1:$(cat port)/?$2" ;;
    esac
}
query() { # value and age of each name that follows
    tail=$1; shift
    for name in "$@"; do printf 'set=%s%%3D%s&' "$name" "$tail"; done
}
{
    LD_LIBRARY_PATH=$library old/usr/bin/curl --version | sed -n 's/^curl [0-9.]* .* \(libcurl\/[0-9.]*\).*/old: \1/p'
    env/bin/python -c 'import pycurl; print("new:", pycurl.version.split()[1])'
    for version in old new; do
        for names in a 'a b' 'a b c'; do
            rm -f jar; : > jar
            # shellcheck disable=SC2086 # the names are words
            ask $version "$(query '1%3B%20Path%3D/%3B%20Max-Age%3D600' $names)" > /dev/null
            sent=$(ask $version '')
            # shellcheck disable=SC2086
            ask $version "$(query '%3B%20Path%3D/%3B%20Max-Age%3D0' $names)" > /dev/null
            echo "$version: deleted together: $names; sent before: $(echo "$sent" | tr -d ' ' | tr ';' '\n' | sort | tr '\n' ' ')and after: $(ask $version '' | tr -d ' ' | tr ';' '\n' | sort | tr '\n' ' ')"
        done
    done
} | sed 's/ *$//' > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
old: libcurl/7.88.1
new: libcurl/8.23.0
old: deleted together: a; sent before: a=1 and after: none
old: deleted together: a b; sent before: a=1 b=1 and after: a=1
old: deleted together: a b c; sent before: a=1 b=1 c=1 and after: a=1 b=1
new: deleted together: a; sent before: a=1 and after: none
new: deleted together: a b; sent before: a=1 b=1 and after: none
new: deleted together: a b c; sent before: a=1 b=1 c=1 and after: none
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
