"""Processes that end with the script that has started them, however it ends: done, failed, interrupted or terminated."""

import atexit
import signal
import subprocess
import sys

RUNNING = []


def start(command, end=signal.SIGKILL, **options):
    """A process. `end` is what stops it, with all that it has started itself, if nobody has until the script ends."""
    process = subprocess.Popen(command, **options)
    RUNNING.append((process, end))
    return process


@atexit.register
def end_all():
    """The last is the first to go: it stands on those before it."""
    while RUNNING:
        process, end = RUNNING.pop()
        if process.poll() is not None:
            continue
        for how in (signal.SIGCONT, end):
            process.send_signal(how)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# As an error: what is under way is cleaned up.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
