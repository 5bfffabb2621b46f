"""What people do so that Doorward sends every mail it has, for scripts/mail-servers. The mails are read where the mail server has put them."""

import email
import email.policy
import http.cookiejar
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request

from nodes_servers import BINARY, ROOT, free_port
from started import start

TEMPLATES = {file.stem: file.read_text() for file in sorted((ROOT / "src/platform/mail/templates").glob("*.txt"))}
APP, FROM = "Example", "auth@example.com"
HEADERS = b"From To Subject Date Message-ID Auto-Submitted MIME-Version Content-Type Content-Transfer-Encoding".split()
PASSWORD, OTHER = "SecurePass123", "EvenMoreSecure456"


class Mail:
    def __init__(self, raw):
        self.raw = raw
        self.parsed = email.message_from_bytes(raw, policy=email.policy.default)
        self.to, self.text = str(self.parsed["To"]), self.parsed.get_content()
        self.kind = max(TEMPLATES, key=lambda kind: likeness(TEMPLATES[kind], f"Subject: {self.parsed['Subject']}\n{self.text}"))
        link = re.search(r"^https://\S+#(?:token|restore)=(\S+)$", self.text, re.M)
        self.token = link and link[1]

    def sent(self):
        """As Doorward has sent it: without what mail servers put above. They change nothing else."""
        lines = self.raw.replace(b"\r\n", b"\n")
        sent = lines[lines.index(b"\nFrom: ") + 1 :]
        head = sent.split(b"\n\n")[0]
        assert re.findall(rb"(?m)^([A-Z]\S+):", head) == HEADERS, head
        return sent


def likeness(template, text):
    """How many of the template's lines without a variable are in the text, less those that are not."""
    lines = [line for line in template.replace("{{ app_name }}", APP).splitlines() if line and "{" not in line]
    wanted = [line for line in lines if line not in ("Hello,",)]
    found = [line for line in wanted if line in text.splitlines()]
    return 2 * len(found) - len(wanted)


class Service:
    """The real binary, on an empty database or one that is there."""

    def __init__(self, folder, settings):
        self.port, self.folder = free_port(), folder
        pages = {"RESET": "reset", "VERIFY": "verify", "EMAIL_CHANGE": "email", "NOT_ME": "not-me"}
        limits = ["LOGIN", "REGISTER", "REFRESH", "PASSWORD_CHANGE", "ACCOUNT", "PROFILE", "MAIL"]
        self.environment = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "BCRYPT_COST": "4",
            "APP_NAME": APP,
            "MAIL_FROM": FROM,
            "REFRESH_GRACE": "0s",
            "REFRESH_LOST_REPLIES_PER_DAY": "0",
            **{f"{name}_RATE_LIMIT": "off" for name in limits},
            **{f"{name}_URL": f"https://app.example.com/{page}" for name, page in pages.items()},
            **settings,
        }
        with open(folder / "log", "ab") as log:
            self.process = start([BINARY], cwd=folder, env=self.environment, stdout=log, stderr=log)
        for _ in range(600):
            assert self.process.poll() is None, self.log()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/auth/health", timeout=5).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log())

    def log(self):
        return (self.folder / "log").read_text()

    def command(self, *words, **settings):
        subprocess.run([BINARY, *words], cwd=self.folder, env={**self.environment, **settings}, check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Browser:
    def __init__(self, service):
        self.service, self.jar = service, http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def ask(self, method, path, body=None, expected=200, cookies=None):
        head = {"Content-Type": "application/json", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
        if cookies:
            head["Cookie"] = cookies
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.service.port}/api/auth{path}", data, head, method=method)
        opener = urllib.request.build_opener() if cookies else self.opener
        try:
            with opener.open(request, timeout=30) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as refusal:
            status, text = refusal.code, refusal.read()
        assert status == expected, f"{method} {path}: {status} {text.decode()}"

    def log_in(self, email, password):
        self.ask("POST", "/login", {"email": email, "password": password})

    def cookies(self):
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)


class Inbox:
    """Every mail that has come."""

    def __init__(self, server, service):
        self.server, self.service, self.mails, self.used = server, service, [], set()

    def next(self, kind, to):
        """Waits for it."""
        begun = time.monotonic()
        while time.monotonic() - begun < 60:
            self.mails += [Mail(raw) for raw in self.server.arrived()]
            for mail in self.mails:
                if (mail.kind, mail.to) == (kind, to) and mail not in self.used:
                    self.used.add(mail)
                    return mail
            time.sleep(0.02)
        seen = [(mail.kind, mail.to) for mail in self.mails]
        raise AssertionError(f"no mail: {kind} to {to}; there are {seen}\n{self.service.log()}\n{(self.server.machine.base / 'log').read_text()}")


def everything(server, folder):
    """Lets Doorward send every mail through this server, with a link and without where it has both. What came."""
    folder.mkdir()
    settings = server.settings()
    service = Service(folder, {**settings, "EMAIL_VERIFICATION": "on"})
    inbox = Inbox(server, service)
    try:
        story(service, inbox)
        service.command("mail", "test", "test@example.com")
        inbox.next("test", "test@example.com")
        check_dots(service, inbox)
        service.stop()
        service = inbox.service = Service(folder, {**settings, "EMAIL_VERIFICATION": "required"})
        Browser(service).ask("POST", "/register", {"email": "dora@example.com", "password": PASSWORD}, 202)
        inbox.next("registration", "dora@example.com")
    finally:
        service.stop()
    missing = set(TEMPLATES) - {mail.kind for mail in inbox.mails}
    assert not missing, f"never sent: {missing}"
    for mail in inbox.mails:
        mail.sent()
    return inbox.mails


def check_dots(service, inbox):
    """What could be taken for the end of a mail is a line of it."""
    text = TEMPLATES["test"] + ".\n..\n.a\n"
    (service.folder / "own").mkdir()
    (service.folder / "own/test.txt").write_text(text)
    service.command("mail", "test", "dots@example.com", MAIL_TEMPLATES="own")
    mail = inbox.next("test", "dots@example.com")
    assert mail.text.endswith("They do.\n.\n..\n.a\n"), mail.raw
    inbox.mails.remove(mail)


def story(service, inbox):
    ann, bob, carl = "ann@example.com", "bob@example.com", "carl@example.com"
    for email, name in ((ann, "Ann O'Brien"), (bob, "Bob"), (carl, "Zoë")):
        body = {"email": email, "password": PASSWORD, "full_name": name}
        Browser(service).ask("POST", "/register", body, 201)
        token = inbox.next("verify", email).token
        # Carl's address stays unconfirmed: his notices hold neither a link nor a name.
        if email != carl:
            Browser(service).ask("POST", "/email/verify", {"token": token, "new_password": PASSWORD})
    for email in (ann, carl):
        browser = Browser(service)
        browser.log_in(email, PASSWORD)
        other = Browser(service)
        other.log_in(email, PASSWORD)
        inbox.next("new_device", email)
        # A copy of the session.
        copied = other.cookies()
        other.ask("POST", "/refresh")
        Browser(service).ask("POST", "/refresh", None, 401, cookies=copied)
        inbox.next("session_reuse", email)
        browser.ask("POST", "/password", {"current_password": PASSWORD, "new_password": OTHER})
        inbox.next("password_changed", email)
        new = f"new-{email}"
        browser.ask("POST", "/email/change", {"email": new, "current_password": OTHER}, 202)
        inbox.next("email_changing", email)
        token = inbox.next("email_change", new).token
        if email == ann:
            browser.ask("POST", "/email/change/confirm", {"token": token})
            inbox.next("email_changed", email)
            Browser(service).ask("POST", "/password/forgot", {"email": email}, 202)
            inbox.next("address_left", email)
            taker = Browser(service)
            taker.log_in(bob, PASSWORD)
            taker.ask("POST", "/email/change", {"email": new, "current_password": PASSWORD}, 202)
            inbox.next("address_taken", new)
        browser.ask("DELETE", "/me", {"password": OTHER}, 204)
        inbox.next("deletion_planned" if email == ann else "account_deleted", new if email == ann else email)
    Browser(service).ask("POST", "/password/forgot", {"email": bob}, 202)
    token = inbox.next("reset", bob).token
    Browser(service).ask("POST", "/password/reset", {"token": token, "new_password": OTHER})
    inbox.next("password_reset", bob)
