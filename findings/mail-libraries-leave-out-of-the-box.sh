#!/bin/sh
# One plain mail, as five libraries write it unasked: Python 3.11's email.message, Django 5.2.19 (PyPI), nodemailer 10.6.1 (npm), Ruby's mail
# 2.7.1 and PHPMailer 6.6.3 (Debian 12); and what rspamd 3.4 and SpamAssassin 4.0.1 (Debian 12) think of it, without asking the network.
#
# One would expect that a library for mail writes what a mail needs. Seen: none says that a program has written it, so that every one of
# them is answered by people's autoresponders. Django, mail.rb and PHPMailer name the machine that they run on in every mail, as the host of the
# Message-ID: here `node-7.internal.lan`, which is nobody's to know. email.message writes neither Date nor Message-ID, which is 3.3 to 3.5
# points of the 5 or 6 that make junk, and leaves both to the mail server, which may or may not. It and nodemailer break a link of 87 characters
# in two with a `=3D` in it: mail programs put it together again, and tests that look for it in the source find another token.
#
# For who sends links: set Message-ID at the sender's domain and `Auto-Submitted: auto-generated`, and take links in tests from the parsed mail.
# Doorward sets both, and writes plain 7bit lines of any length, so that its `.eml` files can be read by `sed`.
#
# As root: the packages are installed in a temporary folder and in an overlay over this system, in memory and in a mount namespace of its own,
# and gone afterwards. Nothing is sent. Fails when what was seen changes.
set -eu
if [ "${1:-}" != inside ]; then
    folder=$(mktemp -d)
    trap 'rmdir "$folder"' EXIT
    unshare --mount --propagation private --uts "$0" inside "$folder"
    exit
fi
cd "$2"
mount -t tmpfs tmpfs .
cd "$2"
hostname node-7.internal.lan
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=upper,workdir=work" root
mount --rbind /dev root/dev
mount -t proc proc root/proc
printf '#!/bin/sh\nexit 101\n' > root/usr/sbin/policy-rc.d
chmod +x root/usr/sbin/policy-rc.d
DEBIAN_FRONTEND=noninteractive chroot root apt-get install -y -qq --no-install-recommends spamassassin='4.0.1-*' rspamd='3.4-*' \
    ruby-mail='2.7.1*' libphp-phpmailer='6.6.3-*' php-cli > log 2>&1 || { tail log; exit 1; }
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'django==5.2.19'
npm install --silent --no-audit --no-fund --ignore-scripts nodemailer@10.6.1
printf '127.0.0.1 localhost\n127.0.1.1 node-7.internal.lan node-7\n' > root/etc/hosts
mount --bind root/etc/hosts /etc/hosts
printf 'Hello,\n\nthis page sets a new password, and works once, within half an hour:\n\nhttps://app.example.com/account/reset#token=n0tT8g0Y2XkZ1m5cJm3Qp7uV9wB4aS6dF8hK2lN5rE0\n\nIf it was not you, do nothing.\n' > text
cp text root/text
cat > stdlib.py <<'PYTHON'
import sys
from email.message import EmailMessage
mail = EmailMessage()
mail["From"], mail["To"], mail["Subject"] = "Example <auth@example.com>", "ann@example.org", "Set a new password"
mail.set_content(open("text").read())
sys.stdout.write(mail.as_string())
PYTHON
cat > django.probe.py <<'PYTHON'
import sys
from django.conf import settings
settings.configure()
from django.core.mail import EmailMessage
mail = EmailMessage("Set a new password", open("text").read(), "Example <auth@example.com>", ["ann@example.org"])
sys.stdout.write(mail.message().as_string())
PYTHON
cat > nodemailer.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import nodemailer from "nodemailer";
const transport = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: "unix" });
const { message } = await transport.sendMail({ from: "Example <auth@example.com>", to: "ann@example.org", subject: "Set a new password", text: readFileSync("text", "utf8") });
process.stdout.write(message);
JAVASCRIPT
cat > root/probe.rb <<'RUBY'
require "mail"
mail = Mail.new(from: "Example <auth@example.com>", to: "ann@example.org", subject: "Set a new password", body: File.read("/text"))
print mail.to_s.gsub("\r\n", "\n")
RUBY
cat > root/probe.php <<'PHP'
<?php
require "/usr/share/php/libphp-phpmailer/autoload.php";
$mail = new PHPMailer\PHPMailer\PHPMailer(true);
$mail->setFrom("auth@example.com", "Example");
$mail->addAddress("ann@example.org");
$mail->Subject = "Set a new password";
$mail->Body = file_get_contents("/text");
$mail->preSend();
echo str_replace("\r\n", "\n", $mail->getSentMIMEMessage());
PHP
mkdir mails
python3 stdlib.py > "mails/email.message"
env/bin/python django.probe.py > mails/Django
node nodemailer.mjs > mails/nodemailer
chroot root ruby /probe.rb > mails/mail.rb
chroot root php /probe.php > mails/PHPMailer
# The filters.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
for module in rbl spf dkim dkim_signing arc dmarc asn surbl phishing fuzzy_check mx_check hfilter url_redirector; do
    echo 'enabled = false;' > "root/etc/rspamd/override.d/$module.conf"
done
echo 'dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }' > root/etc/rspamd/override.d/options.inc
printf 'type = "console";\nlevel = "error";\n' > root/etc/rspamd/override.d/logging.inc
printf 'bind_socket = "127.0.0.1:%s";\ncount = 1;\n' "$port" > root/etc/rspamd/override.d/worker-normal.inc
for worker in controller proxy; do echo 'enabled = false;' > "root/etc/rspamd/override.d/worker-$worker.inc"; done
chroot root install -d -o _rspamd -g _rspamd /run/rspamd /var/lib/rspamd
setsid chroot root rspamd -f -u _rspamd -g _rspamd > rspamd.log 2>&1 &
rspamd=$!
trap 'kill -- -$rspamd' EXIT
until curl --silent --output /dev/null "http://127.0.0.1:$port/ping"; do kill -0 $rspamd || { cat rspamd.log; exit 1; }; sleep 0.2; done
cat > look.py <<'PYTHON'
import email, email.policy, json, pathlib, re, subprocess, sys, urllib.request

for name in ["email.message", "Django", "nodemailer", "mail.rb", "PHPMailer"]:
    sent = pathlib.Path("mails", name).read_text()
    mail = email.message_from_string(sent, policy=email.policy.default)
    told = []
    if not mail["Date"]:
        told.append("no Date")
    host = re.search(r"@(.*)>", mail["Message-ID"] or "")
    told.append(f"Message-ID at {host[1]}" if host else "no Message-ID")
    told.append("Auto-Submitted" if mail["Auto-Submitted"] else "no Auto-Submitted")
    told.append("link as it is" if "n0tT8g0Y2XkZ1m5cJm3Qp7uV9wB4aS6dF8hK2lN5rE0\n" in sent and "#token=n0" in sent else "link broken up")
    text = (
        "Return-Path: <auth@example.com>\nReceived: from app.example.com (app.example.com [93.184.216.34])\n"
        f" by mx.example.org with ESMTPS id 4Rz1kK0x1z; {mail['Date'] or 'Mon, 30 Nov 2026 04:00:00 +0000'}\n{sent}"
    ).encode()
    head = {"From": "auth@example.com", "Rcpt": "ann@example.org", "IP": "93.184.216.34", "Helo": "app.example.com", "Hostname": "app.example.com"}
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/checkv2", text, head)) as answer:
        found = json.load(answer)
    rules = {rule: symbol["score"] for rule, symbol in found["symbols"].items() if abs(symbol["score"]) >= 0.05}
    told.append(f"rspamd {found['score']:.1f} {' '.join(sorted(rule for rule, score in rules.items() if score > 0.1))}".strip())
    words = ["chroot", "root", "env", "LC_ALL=C", "spamassassin", "--local", "--cf", "add_header all Rules _TESTSSCORES(,)_ points=_SCORE_"]
    marked = subprocess.run(words, input=text, capture_output=True, check=True).stdout.decode()
    rules, points = "".join(str(email.message_from_string(marked)["X-Spam-Rules"]).split()).split("points=")
    fired = [rule.split("=")[0] for rule in rules.split(",") if "=" in rule and abs(float(rule.split("=")[1])) > 0.05]
    told.append(f"SpamAssassin {points} {' '.join(fired)}".strip())
    print(f"{name}: {', '.join(told)}")
PYTHON
python3 look.py "$port" > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
email.message: no Date, no Message-ID, no Auto-Submitted, link broken up, rspamd 3.5 MISSING_DATE MISSING_MID, SpamAssassin 3.3 MISSING_DATE MISSING_MID
Django: Message-ID at node-7.internal.lan, no Auto-Submitted, link as it is, rspamd 0.0, SpamAssassin 0.0
nodemailer: Message-ID at example.com, no Auto-Submitted, link broken up, rspamd 0.0, SpamAssassin 0.0
mail.rb: Message-ID at node-7.internal.lan.mail, no Auto-Submitted, link as it is, rspamd 0.5 MV_CASE, SpamAssassin 0.0
PHPMailer: Message-ID at node-7.internal.lan, no Auto-Submitted, link as it is, rspamd 0.0, SpamAssassin 0.0
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
