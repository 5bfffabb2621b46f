#!/bin/sh
# A cookie jar that curl 7.88.1 has written (Netscape format), read by wget 1.21.3, Perl's HTTP::Cookies 6.10, Ruby's http-cookie 1.0.5
# (all Debian 12) and npm's cookiefile 1.0.10 and netscape-cookies-parser 1.0.2: who goes on with the session that curl began?
#
# One would expect them all to: the format is thirty years old, and each says that it reads it.
# Seen: curl writes an HttpOnly cookie behind the mark `#HttpOnly_`. wget takes such lines for comments and sends only what scripts may read:
# nothing of a login. HTTP::Cookies knows the mark, but leaves out cookies that end with the session, and sends *nothing* to
# `localhost`, which it looks up as `localhost.local`; to 127.0.0.1 it sends. http-cookie reads all. cookiefile knows the mark;
# netscape-cookies-parser skips such lines.
#
# For who runs a login service: auth cookies are HttpOnly, so that `curl -c jar` for the login and another tool for the rest comes out as
# "not authenticated", without a word from the tool. Doorward's cookies are such; its docs use curl for both.
#
# Unpacks Debian's packages and installs the npm ones in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

apt-get download -qq curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 wget=1.21.3-1+deb12u1 libpcre2-8-0 libuuid1 \
    libhttp-cookies-perl=6.10-1 libhttp-message-perl libhttp-date-perl liburi-perl libio-html-perl liblwp-mediatypes-perl \
    libencode-locale-perl libtimedate-perl libclone-perl ruby-http-cookie=1.0.5-1 ruby-domain-name ruby-unf ruby-unf-ext \
    ruby3.1 libruby3.1 libyaml-0-2 rubygems-integration 2> /dev/null
for package in ./*.deb; do dpkg -x "$package" root; done
library=$(dirname "$(find "$folder/root" -name 'libcurl.so.4' | head -1)")
npm install --silent --no-audit --no-fund --ignore-scripts cookiefile@1.0.10 netscape-cookies-parser@1.0.2

cat > server.py <<'PYTHON'
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    """Sets three cookies at /login; says which ones came."""
    def do_GET(self):
        self.send_response(200)
        if self.path == "/login":
            self.send_header("Set-Cookie", "session=1; Path=/; HttpOnly; Max-Age=600")
            self.send_header("Set-Cookie", "until_the_end=1; Path=/; HttpOnly")
            self.send_header("Set-Cookie", "theme=1; Path=/; Max-Age=600")
        names = sorted(pair.split("=")[0].strip() for pair in (self.headers.get("Cookie") or "none").split(";"))
        body = " ".join(names).encode()
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

cat > perl.pl <<'PERL'
use HTTP::Cookies; use HTTP::Request;
my $request = HTTP::Request->new(GET => $ARGV[0]);
HTTP::Cookies::Netscape->new(file => "jar")->add_cookie_header($request);
print join(" ", sort map { /^([^=]+)/ } split /; */, $request->header("Cookie") // "none"), "\n";
PERL
cat > ruby.rb <<'RUBY'
require "http/cookie_jar"
jar = HTTP::CookieJar.new
jar.load("jar", format: :cookiestxt)
puts jar.cookies(ARGV[0]).map(&:name).sort.join(" ")
RUBY
cat > node.cjs <<'JAVASCRIPT'
const fs = require("fs");
const map = new (require("cookiefile").CookieMap)("jar");
console.log("cookiefile reads:", [...map.keys()].sort().join(" "));
const cookies = new (require("netscape-cookies-parser").CookieJar)(fs.readFileSync("jar", "utf8")).parse();
console.log("netscape-cookies-parser reads:", cookies.map((each) => each.name).sort().join(" "));
JAVASCRIPT

{
    for host in localhost 127.0.0.1; do
        url=http://$host:$(cat port)/
        rm -f jar
        LD_LIBRARY_PATH=$library root/usr/bin/curl -s --noproxy '*' -c jar "${url}login" > /dev/null
        echo "$host, curl sends: $(LD_LIBRARY_PATH=$library root/usr/bin/curl -s --noproxy '*' -b jar "$url")"
        echo "$host, wget sends: $(LD_LIBRARY_PATH=$library root/usr/bin/wget -q --no-proxy -O- --load-cookies jar "$url")"
        echo "$host, Perl sends: $(PERL5LIB=root/usr/share/perl5:root/usr/lib/x86_64-linux-gnu/perl5/5.36 perl perl.pl "$url")"
        echo "$host, Ruby sends: $(LD_LIBRARY_PATH=$library RUBYLIB=root/usr/lib/ruby/vendor_ruby:root/usr/lib/ruby/3.1.0:root/usr/lib/x86_64-linux-gnu/ruby/3.1.0:root/usr/lib/x86_64-linux-gnu/ruby/vendor_ruby/3.1.0 \
            root/usr/bin/ruby3.1 ruby.rb "$url")"
    done
    node node.cjs
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
localhost, curl sends: session theme until_the_end
localhost, wget sends: theme
localhost, Perl sends: none
localhost, Ruby sends: session theme until_the_end
127.0.0.1, curl sends: session theme until_the_end
127.0.0.1, wget sends: theme
127.0.0.1, Perl sends: session theme
127.0.0.1, Ruby sends: session theme until_the_end
cookiefile reads: session theme until_the_end
netscape-cookies-parser reads: theme
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
