"""Runs other programs: measured, with a time limit, and never left behind."""

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

# What a program may take before it counts as failed, in seconds.
LIMIT = 1800
# Of what a failed program said, this many characters go into the report.
SAID = 160

_alive = set()


class Failed(Exception):
    """A measurement that could not be made; its text says why."""


@dataclass
class Run:
    """What one program cost, from its start to its end, and what it printed."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of all threads, in the program and in the kernel."""
    rss: int
    """Bytes of memory in use at the most."""
    out: str
    err: str


def _end(process):
    """Ends a program with all that it started, where it still runs."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def kill(process):
    """Ends a program, and waits until it has ended."""
    _alive.discard(process)
    if process.returncode is None:
        _end(process)
        process.wait()


def stop(process, patience=10):
    """Asks a program to end, and ends it where it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            pass
    kill(process)


def start(argv, **options):
    """Starts a program that ends with us, in a process group of its own."""
    try:
        process = subprocess.Popen([str(part) for part in argv], start_new_session=True, **options)
    except OSError as error:
        raise Failed(f"cannot start {os.path.basename(str(argv[0]))}: {error.strerror}") from None
    _alive.add(process)
    return process


def run(argv, limit=LIMIT, env=None, codes=(0,)):
    """Runs a program to its end. Raises Failed where it takes too long or ends with another code.

    The memory is that of `wait4`, which the kernel counts; programs that we start begin with the memory
    of this process, so this process stays small.
    """
    name = os.path.basename(str(argv[0]))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = start(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ, **(env or {})}
        )
        late = threading.Event()

        def end():
            late.set()
            _end(process)

        timer = threading.Timer(limit, end)
        timer.daemon = True
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            timer.cancel()
            kill(process)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    if late.is_set():
        raise Failed(f"{name} took longer than {limit:.0f} s")
    if process.returncode not in codes:
        said = " ".join((texts[1] or texts[0]).split())[-SAID:]
        raise Failed(f"{name} ended with {process.returncode}: {said}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit, *texts)


def _end_all(*_):
    for process in list(_alive):
        kill(process)


def _stop(number, _frame):
    sys.exit(128 + number)


atexit.register(_end_all)
signal.signal(signal.SIGTERM, _stop)
