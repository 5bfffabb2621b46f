"""What it costs to have it: how long it takes to start, and its bytes in memory and on disk, beside what is wanted."""

import time

from comparison.contenders import doorward
from comparison.scenario import Figure, Scenario
from server import BINARY, megabytes


def footprint(bench):
    folder = bench.folder / "footprint"

    def start():
        # The first one makes the database and its keys.
        with doorward(folder):
            pass
        begin = time.perf_counter()
        with doorward(folder):
            return Figure((time.perf_counter() - begin) * 1000)

    def idle():
        with doorward(folder) as service:
            return Figure(megabytes(service.pid))

    def binary():
        return Figure(BINARY.stat().st_size / 1e6)

    for key, title, unit, wanted, run in [
        ("start", "from the start of the process to its address, the database being there", "ms", 30, start),
        ("memory", "resident memory, idle", "MB", 20, idle),
        ("binary", "the binary", "MB", 25, binary),
    ]:
        runs = {"Doorward": run, "wanted": lambda wanted=wanted: Figure(wanted)}
        yield Scenario(key, title, unit, "Doorward", "wanted", 1, less_is_better=True, runs=runs)
