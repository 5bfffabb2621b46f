"""Who takes part in scripts/nodes beside PostgreSQL: wires to it, the nodes, and nginx before them."""

import os
import pathlib
import queue
import re
import signal
import socket
import threading
import time

from started import start

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("DOORWARD_BIN", ROOT / "target/debug/doorward")).absolute()
FAKETIME = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


HELD = []


def free_port():
    """A port that the system gives to nobody who asks for any port, as long as this process lives; a server that asks for it by its number, with
    SO_REUSEADDR as servers do, has it. Who connects before is refused."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    HELD.append(held)
    return held.getsockname()[1]


class Wire:
    """Between a client and its PostgreSQL: it can fall silent, without closing anything, and lead elsewhere."""

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

    def carry(self, one, other, silent):
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


class LongWire(Wire):
    """What is sent arrives so many seconds later, and what is under way when it falls silent never."""

    def __init__(self, server, delay):
        self.delay = delay
        super().__init__(server)

    def carry(self, one, other, silent):
        under_way = queue.SimpleQueue()
        threading.Thread(target=self.deliver, args=(under_way, other, silent), daemon=True).start()
        try:
            while data := one.recv(65536):
                under_way.put((time.monotonic() + self.delay, data))
        except OSError:
            pass
        under_way.put((time.monotonic() + self.delay, b""))

    @staticmethod
    def deliver(under_way, other, silent):
        while True:
            due, data = under_way.get()
            time.sleep(max(0, due - time.monotonic()))
            if silent.is_set():
                return
            try:
                if not data:
                    raise OSError
                other.sendall(data)
            except OSError:
                other.close()
                return


class Node:
    """A server on a port that it keeps when it is started again."""

    def __init__(self, name, work, database, settings, fake_clock=False, program=BINARY):
        self.name, self.folder, self.port = name, work / name, free_port()
        self.folder.mkdir()
        self.settings, self.program = settings, program
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
            self.process = start([self.program], cwd=self.folder, env={**self.own, **self.settings}, stdout=log, stderr=log)
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
        self.process = start([program, "-c", folder / "conf", "-e", folder / "error.log"], end=signal.SIGTERM)
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
