"""Spam filters and autoresponders for scripts/mail-servers, on a machine of their own. Nothing asks the network."""

import email
import json
import subprocess
import time
import urllib.request

from mail_machines import Machine
from nodes_servers import free_port


class Filters:
    """Spam filters, and autoresponders that mail is handed to. Nothing asks the network."""

    packages = ("spamassassin", "rspamd", "dovecot-sieve", "vacation")

    def __init__(self, folder):
        self.machine, self.port = Machine(folder, *self.packages), free_port()
        write = self.machine.write
        off = ["rbl", "spf", "dkim", "dkim_signing", "arc", "dmarc", "asn", "surbl", "phishing", "fuzzy_check", "mx_check", "hfilter", "url_redirector"]
        for module in off:
            write(f"etc/rspamd/override.d/{module}.conf", "enabled = false;\n")
        write("etc/rspamd/override.d/options.inc", 'dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }\n')
        write("etc/rspamd/override.d/logging.inc", 'type = "console";\nlevel = "warning";\n')
        write("etc/rspamd/override.d/worker-normal.inc", f'bind_socket = "127.0.0.1:{self.port}";\ncount = 1;\n')
        write("etc/rspamd/override.d/worker-controller.inc", "enabled = false;\n")
        write("etc/rspamd/override.d/worker-proxy.inc", "enabled = false;\n")
        self.machine.run("install", "-d", "-o", "_rspamd", "-g", "_rspamd", "/run/rspamd", "/var/lib/rspamd")
        self.machine.start("rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd")
        self.machine.wait_for(self.port)
        self.prepare_autoresponders()

    def spamassassin(self, mail):
        """The points, and the rules that have fired, with theirs where they have any."""
        line = "add_header all Rules _TESTSSCORES(,)_ points=_SCORE_"
        marked = self.machine.run("spamassassin", "-L", "--cf", line, given=mail)
        told = str(email.message_from_string(marked)["X-Spam-Rules"]).replace("\n", "").replace("\t", "").replace(" ", "")
        rules, points = told.split("points=")
        return float(points), {name: float(one) for name, _, one in (rule.partition("=") for rule in rules.split(",")) if one}

    def rspamd(self, mail, sender, to):
        head = {"From": sender, "Rcpt": to, "IP": FROM_ELSEWHERE, "Helo": "app.example.com", "Hostname": "app.example.com"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/checkv2", data=mail, headers=head)
        with urllib.request.urlopen(request, timeout=30) as response:
            found = json.load(response)
        return found["score"], {name: symbol["score"] for name, symbol in found["symbols"].items()}

    def prepare_autoresponders(self):
        machine = self.machine
        machine.run("useradd", "--system", "--create-home", "--home-dir", "/home/away", "--uid", "641", "away")
        # What an answer is sent by.
        machine.write("usr/local/bin/sent", '#!/bin/sh\n{ echo "$@"; cat; } >> /home/away/answers\n', 0o755)
        machine.write("usr/sbin/sendmail", '#!/bin/sh\nexec /usr/local/bin/sent "$@"\n', 0o755)
        settings = [
            "mail_location = maildir:/home/away/Maildir",
            "auth_username_format = %n",
            "postmaster_address = postmaster@example.com",
            "sendmail_path = /usr/local/bin/sent",
            "log_path = /home/away/log",
            "protocol lda {\n mail_plugins = sieve\n}",
            "plugin {\n sieve = /home/away/away.sieve\n}",
        ]
        machine.write("etc/dovecot/away.conf", "\n".join([*settings, ""]))
        machine.write("home/away/away.sieve", 'require ["vacation"];\nvacation :days 1 :addresses ["away@example.com"] "Until Monday.";\n')
        machine.write("home/away/.vacation.msg", "Subject: I am away\n\nUntil Monday.\n")
        machine.run("chown", "-R", "away:", "/home/away")

    def answers(self, command, mail):
        """Whether it answers this mail, as one from somebody whom it has not answered yet."""
        home = self.machine.root / "home/away"
        for file in [home / "answers", home / ".vacation.db", home / ".dovecot.lda-dupes"]:
            file.unlink(missing_ok=True)
        as_away = ["setpriv", "--reuid=away", "--regid=away", "--clear-groups", "env", "HOME=/home/away", "USER=away"]
        self.machine.run(*as_away, *command, given=mail)
        # `vacation` does not wait for what it sends by.
        while subprocess.run(["pgrep", "-u", "641"], capture_output=True, check=False).returncode == 0:
            time.sleep(0.02)
        return (home / "answers").exists()


AUTORESPONDERS = {
    "Pigeonhole": ["/usr/lib/dovecot/dovecot-lda", "-c", "/etc/dovecot/away.conf", "-f", "auth@example.com", "-a", "away@example.com"],
    "vacation": ["vacation", "-a", "away", "away"],
}
# A public address, so that filters see a mail from outside; those for examples (RFC 5737) cost 1.3 points in SpamAssassin. Nothing asks it.
FROM_ELSEWHERE = "93.184.216.34"
