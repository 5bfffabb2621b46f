"""A pooler between the nodes and PostgreSQL."""

import os
import shutil
import signal
import socket
import time

from nodes_servers import free_port
from started import start

PGBOUNCER = """
[databases]
* = host=127.0.0.1 port={server} user=doorward
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = session
max_client_conn = 100
default_pool_size = 50
"""
# Otherwise it takes no notice of a PostgreSQL that is back.
PGPOOL = """
backend_clustering_mode = 'raw'
listen_addresses = '127.0.0.1'
port = {port}
pcp_listen_addresses = '127.0.0.1'
pcp_port = {pcp}
socket_dir = '{folder}'
pcp_socket_dir = '{folder}'
pid_file_name = '{folder}/pid'
logdir = '{folder}'
backend_hostname0 = '127.0.0.1'
backend_port0 = {server}
backend_weight0 = 1
backend_flag0 = 'DISALLOW_TO_FAILOVER'
num_init_children = 50
enable_pool_hba = off
sr_check_period = 0
health_check_period = 0
"""


class Pooler:
    """PgBouncer by the session, or Pgpool-II."""

    def __init__(self, kind, folder, server):
        self.kind, self.port = kind, free_port()
        folder.mkdir()
        user = []
        if os.getuid() == 0:
            shutil.chown(folder, "nobody")
            user = ["setpriv", "--reuid=nobody", "--clear-groups", "--"]
        conf = folder / "conf"
        text = PGBOUNCER if kind == "pgbouncer" else PGPOOL
        conf.write_text(text.format(port=self.port, server=server, folder=folder, pcp=free_port()))
        for name in ("pcp", "hba"):
            (folder / name).touch()
        program = shutil.which(kind) or f"/usr/sbin/{kind}"
        words = ["-q", conf] if kind == "pgbouncer" else ["-n", "-f", conf, "-F", folder / "pcp", "-a", folder / "hba"]
        with open(folder / "log", "wb") as log:
            self.process = start([*user, program, *words], end=self.end_by(), cwd=folder, stdout=log, stderr=log)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert self.process.poll() is None, (folder / "log").read_text()
                time.sleep(0.02)

    def end_by(self):
        """Each has its own signal for an end that does not wait for clients."""
        return signal.SIGTERM if self.kind == "pgbouncer" else signal.SIGINT

    def end(self):
        self.process.send_signal(self.end_by())
        self.process.wait()
