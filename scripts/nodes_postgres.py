"""Throw-away PostgreSQL: a cluster, a standby of it, and a disk that can be full."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

from nodes_servers import free_port
from started import start


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
        self.url = f"postgres://doorward@127.0.0.1:{self.port}/doorward"
        self.make()

    def make(self):
        self.run("initdb", "-D", self.folder / "data", "-U", "doorward", "--auth=trust", "--no-sync")
        self.start()
        self.query("CREATE DATABASE doorward", "postgres")

    def run(self, program, *words):
        subprocess.run([*self.user, self.programs / program, *words], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def start(self):
        command = [*self.user, self.programs / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-k", self.folder, *self.settings]
        with open(self.folder / "log", "ab") as log:
            self.process = start(command, end=signal.SIGQUIT, cwd=self.folder, stdout=log, stderr=log)
        self.wait()

    def wait(self):
        """Until it takes connections."""
        while subprocess.run([self.programs / "pg_isready", "-q", "-h", self.folder, "-p", str(self.port)], check=False).returncode:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)

    def crash(self, backend):
        """Kills one process: PostgreSQL ends all others, and recovers."""
        log = self.folder / "log"
        known = log.stat().st_size
        os.kill(backend, signal.SIGKILL)
        while b"ready to accept connections" not in log.read_bytes()[known:]:
            time.sleep(0.05)
        self.wait()

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


class Standby(Postgres):
    """Follows a cluster, which it reaches through a wire."""

    def __init__(self, folder, primary, wire):
        self.primary, self.wire = primary, wire
        super().__init__(folder)

    def make(self):
        # The copy itself does not go the long way.
        self.run("pg_basebackup", "-D", self.folder / "data", "-R", "-c", "fast", "-h", "127.0.0.1", "-p", str(self.primary.port), "-U", "doorward")
        with open(self.folder / "data" / "postgresql.auto.conf", "a", encoding="utf-8") as settings:
            settings.write(f"primary_conninfo = 'host=127.0.0.1 port={self.wire.port} user=doorward application_name=standby'\n")
        self.start()

    def received(self):
        """How far it has the log of the other one."""
        return self.query("SELECT pg_last_wal_receive_lsn() - '0/0'", "postgres") or "0"

    def promote(self):
        self.query("SELECT pg_promote()", "postgres")


class SmallDisk:
    """A file system that is full soon. Who is not root has none."""

    def __init__(self, folder, megabytes):
        self.folder = folder
        folder.mkdir()
        image = folder.with_suffix(".image")
        with open(image, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, folder], check=True)

    def fill(self):
        """To the last byte."""
        with open(self.folder / "ballast", "wb", buffering=0) as ballast:
            try:
                while ballast.write(bytes(1 << 16)):
                    pass
            except OSError:
                os.fsync(ballast.fileno())

    def empty(self):
        (self.folder / "ballast").unlink(missing_ok=True)

    def end(self):
        subprocess.run(["umount", "-l", self.folder], check=False)
