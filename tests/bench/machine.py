"""What the figures were measured on, and with."""

import datetime
import os
import platform
import re

import child


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def cores():
    """Cores that we may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def machine():
    """Name of each fact, and the fact."""
    model = re.search(r"model name\s*:\s*(.+)", _read("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s*(\d+) kB", _read("/proc/meminfo"))
    system = re.search(r'PRETTY_NAME="?([^"\n]+)', _read("/etc/os-release"))
    return {
        "cores": f"{cores()}, {model[1].strip() if model else platform.processor() or platform.machine()}",
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "unknown",
        "system": f"{system[1] if system else platform.system()}, {platform.system()} {platform.release()}",
    }


def _version(argv):
    try:
        said = child.run(argv, limit=60).out.split()
    except child.Failed:
        return "none"
    return next((word for word in said if word[0].isdigit()), "unknown")


def versions(podtrail, python):
    """Version of each program; `none` of those that are not there."""
    found = {"podtrail": _version([podtrail, "--version"]), "rustc": _version(["rustc", "--version"])}
    for package in ("duckdb", "chdb"):
        ask = f"import importlib.metadata as m; print(m.version('{package}'))"
        found[package] = _version([python, "-c", ask]) if python else "none"
    found["Python"] = platform.python_version()
    return found


def load():
    """Programs that were running in the last minute, on average; None where the system does not tell."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def today():
    """The date in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()
