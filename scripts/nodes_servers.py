"""Who takes part in scripts/nodes: PostgreSQL, the nodes, and nginx before them."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("DOORWARD_BIN", ROOT / "target/debug/doorward")).absolute()
FAKETIME = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Postgres:
    """A throw-away cluster."""

    def __init__(self, folder, *settings):
        self.settings = [word for setting in settings for word in ("-c", setting)]
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.programs = programs[-1] if programs else pathlib.Path(shutil.which("initdb")).resolve().parent
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        # It refuses to run as root.
        self.user = []
        if os.getuid() == 0:
            shutil.chown(folder, "nobody")
            self.user = ["setpriv", "--reuid=nobody", "--clear-groups", "--"]
        initdb = [*self.user, self.programs / "initdb", "-D", folder / "data", "-U", "doorward", "--auth=trust", "--no-sync"]
        subprocess.run(initdb, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        self.url = f"postgres://doorward@127.0.0.1:{self.port}/doorward"
        self.start()
        self.query("CREATE DATABASE doorward", "postgres")

    def start(self):
        command = [*self.user, self.programs / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-k", self.folder, *self.settings]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        self.wait()

    def wait(self):
        """Until it takes connections."""
        while subprocess.run([self.programs / "pg_isready", "-q", "-h", self.folder, "-p", str(self.port)], check=False).returncode:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self, how):
        self.process.send_signal(how)
        self.process.wait()

    def query(self, sql, database="doorward"):
        psql = [self.programs / "psql", "-qAtX", "-h", self.folder, "-p", str(self.port), "-U", "doorward", database, "-c", sql]
        return subprocess.run(psql, check=True, capture_output=True, text=True).stdout.strip()

    def backends(self):
        """Those that serve nodes."""
        return [int(line) for line in self.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'doorward'").split()]

    def signal(self, which):
        """To all processes: the one that starts the others first."""
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False)
        for process in [self.process.pid, *map(int, children.stdout.split())]:
            try:
                os.kill(process, which)
            except ProcessLookupError:
                pass

    def end(self):
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.stop(signal.SIGQUIT)


class Wire:
    """Between the nodes and PostgreSQL: it can fall silent, without closing anything."""

    def __init__(self, server):
        self.server, self.silent = server, threading.Event()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            visitor, _ = self.door.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self.server))
            except OSError:
                visitor.close()
                continue
            for one, other in ((visitor, server), (server, visitor)):
                threading.Thread(target=self.carry, args=(one, other, self.silent), daemon=True).start()

    @staticmethod
    def carry(one, other, silent):
        try:
            while data := one.recv(65536):
                if silent.is_set():
                    threading.Event().wait()
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            end.close()

    def fall_silent(self):
        """On all connections that there are; later ones work."""
        before, self.silent = self.silent, threading.Event()
        before.set()


class Node:
    """A server on a port that it keeps when it is started again."""

    def __init__(self, name, work, database, settings, fake_clock=False):
        self.name, self.folder, self.port = name, work / name, free_port()
        self.folder.mkdir()
        self.settings = settings
        limits = ("LOGIN_RATE_LIMIT", "REGISTER_RATE_LIMIT", "REFRESH_RATE_LIMIT", "ACCOUNT_RATE_LIMIT")
        self.own = {
            "DATABASE_URL": database, "HOST": "127.0.0.1", "PORT": str(self.port), "TRUSTED_PROXIES": "127.0.0.1/32",
            "BCRYPT_COST": "4", "LOG_LEVEL": "warn", **dict.fromkeys(limits, "off"),
        }
        if fake_clock and FAKETIME:
            self.set_clock("+0")
            self.own |= {
                "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.folder / "clock"), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
            }
        self.start()

    def set_clock(self, step):
        """By how much the node's clock is wrong from now on."""
        assert FAKETIME, "libfaketime is missing (Debian: faketime)"
        file = self.folder / "clock.new"
        file.write_text(f"{step}\n")
        file.rename(self.folder / "clock")

    def start(self):
        with open(self.folder / "log", "ab") as log:
            from_here = log.tell()
            self.process = subprocess.Popen([BINARY], cwd=self.folder, env={**self.own, **self.settings}, stdout=log, stderr=log)
        while not re.search(rb"^Doorward on", (self.folder / "log").read_bytes()[from_here:], re.MULTILINE):
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.02)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        told = [line for line in (self.folder / "log").read_text().splitlines() if "panicked" in line]
        assert not told, f"{self.name}: {told}"

    def restart(self):
        self.stop()
        self.start()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Nginx:
    """Before all nodes, by turns."""

    def __init__(self, program, folder, ports):
        self.port = free_port()
        folder.mkdir()
        nodes = " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)
        (folder / "conf").write_text(f"""
            daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
            events {{ worker_connections 1000; }}
            http {{
                access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
                fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
                upstream doorward {{ {nodes} keepalive 32; }}
                server {{
                    listen 127.0.0.1:{self.port};
                    location / {{
                        proxy_pass http://doorward; proxy_http_version 1.1; proxy_set_header Connection "";
                        proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        proxy_connect_timeout 1s; proxy_read_timeout 35s;
                    }}
                }}
            }}
        """)
        self.process = subprocess.Popen([program, "-c", folder / "conf", "-e", folder / "error.log"])
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert self.process.poll() is None, (folder / "error.log").read_text()
                time.sleep(0.02)

    def end(self):
        self.process.terminate()
        self.process.wait()
