"""Machines of their own for scripts/mail-servers: this system with packages installed on top, in memory, seen by nobody else. Mail servers,
spam filters and autoresponders run there as plain processes; the loopback network is shared."""

import os
import signal
import socket
import subprocess
import time

from nodes_servers import free_port

USER, PASSWORD = "doorward", "only-for-this-run"


class Machine:
    """An overlay over this system, which is gone with the mount namespace of the script."""

    processes = []

    def __init__(self, folder, *packages):
        self.base, self.root = folder, folder / "root"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()
        layers = f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, self.root], check=True)
        subprocess.run(["mount", "--rbind", "/dev", self.root / "dev"], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", self.root / "proc"], check=True)
        # Packages start nothing.
        self.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
        self.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)
        shown = self.run("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *packages)
        self.versions = dict(line.split() for line in shown.splitlines())

    def write(self, path, text, mode=0o644):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def command(self, *words):
        return ["chroot", self.root, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", *words]

    def run(self, *words, given=None, codes=(0,)):
        """What a program says."""
        done = subprocess.run(self.command(*words), input=given, capture_output=True, check=False)
        assert done.returncode in codes, f"{words}: {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}"
        return done.stdout.decode()

    def start(self, *words):
        with open(self.base / "log", "ab") as log:
            process = subprocess.Popen(self.command(*words), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        self.processes.append(process)
        return process

    def wait_for(self, port):
        # rspamd takes a while on a busy machine.
        for _ in range(2_400):
            assert self.processes[-1].poll() is None, (self.base / "log").read_text()
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"nothing listens on {port}: {(self.base / 'log').read_text()}")

    @classmethod
    def stop_all(cls):
        """What was started on any of them, with what that has started."""
        for process in cls.processes:
            for how in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, how)
                    process.wait(10)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    pass


def make_certificates(folder):
    """An authority, and a certificate of it for 127.0.0.1."""

    def run(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run(*new, "-x509", "-days", "2", "-subj", "/CN=An authority", "-keyout", "ca.key", "-out", "ca.pem")
    run(*new, "-subj", "/CN=mx.example.com", "-keyout", "key.pem", "-out", "request.pem")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
    run("x509", "-req", "-in", "request.pem", *signing, "-out", "cert.pem")


class MailServer:
    """Takes mail for example.com by STARTTLS, into one maildir."""

    package = ""
    signs_in = True

    def __init__(self, folder, certificates):
        self.machine, self.port = Machine(folder, self.package), free_port()
        self.ca, self.seen = certificates / "ca.pem", set()
        for name, mode in (("cert.pem", 0o644), ("key.pem", 0o640)):
            self.machine.write(f"etc/mx/{name}", (certificates / name).read_text(), mode)
        self.machine.run("useradd", "--system", "--uid", "640", "vmail")
        self.machine.run("install", "-d", "-o", "vmail", "-g", "vmail", "/var/vmail")
        self.begin()
        self.machine.wait_for(self.port)

    @property
    def name(self):
        return f"{type(self).__name__} {self.machine.versions[self.package].split('-')[0]}"

    def settings(self):
        """How Doorward reaches it."""
        who = {"SMTP_USER": USER, "SMTP_PASSWORD": PASSWORD} if self.signs_in else {}
        return {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(self.port), "SMTP_TLS": "required", "SMTP_CA": str(self.ca), **who}

    def arrived(self):
        """What has come since it was asked last, the oldest first: the bytes."""
        files = [file for file in (self.machine.root / "var/vmail").glob("**/new/*") if file not in self.seen]
        self.seen.update(files)
        return [file.read_bytes() for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)]


class Postfix(MailServer):
    package = "postfix"
    # It takes SASL from another daemon alone.
    signs_in = False

    def begin(self):
        settings = {
            "compatibility_level": "3.6",
            "myhostname": "mx.example.com",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "mydestination": "",
            "maillog_file": "/dev/stdout",
            "virtual_mailbox_domains": "example.com",
            "virtual_mailbox_base": "/var",
            "virtual_mailbox_maps": "static:vmail/",
            "virtual_uid_maps": "static:640",
            "virtual_gid_maps": "static:640",
            "virtual_minimum_uid": "100",
            "smtpd_tls_security_level": "encrypt",
            "smtpd_tls_cert_file": "/etc/mx/cert.pem",
            "smtpd_tls_key_file": "/etc/mx/key.pem",
            "smtpd_relay_restrictions": "reject_unauth_destination",
        }
        machine = self.machine
        machine.write("etc/postfix/main.cf", "".join(f"{name} = {value}\n" for name, value in settings.items()))
        # Daemons in their own folder find neither settings nor certificates of ours.
        rows = (machine.root / "etc/postfix/master.cf").read_text().splitlines()
        rows = [row for row in rows if not row.startswith(("smtp ", "smtp\t")) or "inet" not in row]
        machine.write("etc/postfix/master.cf", "\n".join([f"127.0.0.1:{self.port} inet n - n - - smtpd", *rows, ""]))
        machine.run("postfix", "check")
        machine.start("/usr/lib/postfix/sbin/master", "-c", "/etc/postfix", "-d")


class Exim(MailServer):
    """As well the autoresponder: `away@` has a filter with `vacation`."""

    package = "exim4-daemon-light"

    def begin(self):
        self.machine.write("etc/exim4/exim4.conf", EXIM.format(port=self.port, user=USER, password=PASSWORD), 0o640)
        self.machine.run("chown", "root:Debian-exim", "/etc/exim4/exim4.conf", "/etc/mx/key.pem")
        self.machine.write("etc/exim4/away", AWAY)
        self.machine.write("etc/exim4/away.msg", "Until Monday.\n")
        self.machine.start("exim4", "-bdf", "-q1m")


EXIM = """
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
primary_hostname = mx.example.com
qualify_domain = example.com
tls_advertise_hosts = *
tls_certificate = /etc/mx/cert.pem
tls_privatekey = /etc/mx/key.pem
log_file_path = /var/log/exim4/%slog
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  require encrypted = *
          authenticated = *
          domains = example.com
  accept
begin routers
filtered:
  driver = redirect
  domains = example.com
  local_parts = away
  allow_filter
  file = /etc/exim4/away
  user = vmail
  reply_transport = reply
  no_verify
box:
  driver = accept
  domains = example.com
  transport = box
begin transports
box:
  driver = appendfile
  directory = /var/vmail
  maildir_format
  user = vmail
reply:
  driver = autoreply
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""
AWAY = """# Exim filter
if personal alias away@example.com then
  vacation file /etc/exim4/away.msg subject "I am away" once /var/vmail/told log /var/vmail/log
endif
"""


class OpenSMTPD(MailServer):
    """In plain text: the one of Debian 12 offers STARTTLS and breaks off every handshake (github.com/OpenSMTPD/OpenSMTPD/issues/1171), and
    signs nobody in without."""

    package = "opensmtpd"

    def begin(self):
        self.machine.write("etc/smtpd.boxes", "@example.com vmail\n")
        lines = [
            "table boxes file:/etc/smtpd.boxes",
            f"listen on 127.0.0.1 port {self.port} hostname mx.example.com",
            'action "in" maildir "/var/vmail" virtual <boxes>',
            'match from any for domain "example.com" action "in"',
        ]
        self.machine.write("etc/smtpd.conf", "\n".join([*lines, ""]))
        self.machine.start("smtpd", "-d")

    def settings(self):
        return {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(self.port), "SMTP_TLS": "none"}
