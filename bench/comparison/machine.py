"""What is measured with: load from wrk, the processor's time of a server, and a PostgreSQL of its own."""

import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import statistics
import subprocess
import time
from dataclasses import dataclass

TICKS = os.sysconf("SC_CLK_TCK")
SCRIPTS = pathlib.Path(__file__).parent


@dataclass
class Load:
    """What came of a closed loop. Rates in answers a second, by what they were."""

    good: float
    refused: float
    seconds_a_request: float  # of the server's processors, over all answers
    generator: float  # the generator's share of all processors


def cpu(pids):
    """Seconds of the processors that these processes have taken, and their children that have ended."""
    total = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:13]))
    return total / TICKS


def family(pid):
    """The process and all under it: uvicorn serves in its children."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in family(int(child)))]


def wrk(url, pid, connections, seconds, script="get.lua", threads=2, **variables):
    """A closed loop: each connection asks again when it is answered. The script counts what is good."""
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", SCRIPTS / script, url]
    pids, generator = family(pid), resource.getrusage(resource.RUSAGE_CHILDREN)
    before, begin = cpu(pids), time.perf_counter()
    output = subprocess.run(command, env={**os.environ, **variables}, check=True, capture_output=True, text=True).stdout
    took, used = time.perf_counter() - begin, cpu(pids) - before
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    good, refused, other, duration = map(int, re.search(r"counted (\d+) (\d+) (\d+) (\d+)", output).groups())
    assert other == 0, f"{other} answers of {url} were neither good nor refused:\n{output}"
    assert "Socket errors" not in output, output
    own = after.ru_utime + after.ru_stime - generator.ru_utime - generator.ru_stime
    seconds = duration / 1e6
    return Load(good / seconds, refused / seconds, used / max(1, good + refused), own / took / (os.cpu_count() or 1))


@contextlib.contextmanager
def postgres(folder):
    """The URL of a PostgreSQL that keeps what it commits (`fsync` is on), over a socket in the folder."""
    programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    folder.mkdir()
    user = []
    if os.getuid() == 0:  # as which it does not run
        shutil.chown(folder, "nobody")
        folder.parent.chmod(0o755)
        user = ["setpriv", "--reuid=nobody", "--clear-groups", "--"]
    subprocess.run(
        [*user, programs / "initdb", "-D", folder / "data", "-U", "bench", "--auth=trust"], check=True, cwd=folder, stdout=subprocess.DEVNULL
    )
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(
            [*user, programs / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses="], cwd=folder, stdout=log, stderr=log
        )
    try:
        while subprocess.run([programs / "pg_isready", "-q", "-h", folder], check=False).returncode:
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)

        def database(name):
            subprocess.run([programs / "createdb", "-h", folder, "-U", "bench", name], check=True)
            return f"bench@localhost/{name}?host={folder}"

        yield database
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def spread(values):
    """Median, least and greatest."""
    return statistics.median(values), min(values), max(values)
