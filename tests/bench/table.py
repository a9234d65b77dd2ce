"""Measures podtrail and writes the table: started by `tests/bench.sh`, which builds and installs what it needs."""

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

import child
import data
import document
import growth
import machine
import queries
import speed

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
SETS = ["small", "large"]
# More running programs than this for each core, before we begin, disturb the figures.
BUSY = 0.25
MEASURES = {
    "ingest": speed.ingest,
    "stored": queries.stored,
    "api": queries.api,
    "reports": queries.reports,
    "sql": queries.sql,
    "growth": growth.growth,
}


class Bench:
    """What all parts share: programs, data and options."""

    def __init__(self, options):
        self.podtrail = options.podtrail.resolve()
        self.floor = options.floor
        self.python = options.python
        self.folder = options.folder.resolve()
        self.runs = options.runs
        self.sets = options.sets
        self.program = _digest(self.podtrail)

    @staticmethod
    def say(text):
        """Progress."""
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def scratch(self, name):
        """An empty folder; who asks for it removes it."""
        folder = self.folder / f"scratch-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def history(self, events):
        """The folder of a history."""
        return data.history(self.podtrail, self.folder, events)

    def trails(self, events):
        """Name and folder of each set of files; the first is the one that stores are made of."""
        trails = [("small", self.history(events) / "trail")]
        if "large" in self.sets:
            trails.append(("large", data.large_files(self.folder, events) / "trail"))
        return trails

    def store(self, events):
        """The store of a history, with its inventory, as this program writes it."""
        history = self.history(events)
        folder, mark = self.folder / f"store-{events}", self.folder / f"store-{events}.made"
        if mark.exists() and mark.read_text() == self.program:
            return folder
        self.say(f"filling {folder}")
        mark.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        base = [self.podtrail, "--store", folder, "--quiet"]
        child.run([*base, "ingest", history / "trail"])
        child.run([*base, "inventory", "import", history / "inventory"])
        mark.write_text(self.program)
        return folder


def _digest(path):
    """Tells programs apart: figures of two never stand in one table."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        sys.exit(f"cannot read {path}: {error.strerror}")
    return digest.hexdigest()


def _names(known):
    """Parses a list of names, each of which must be known."""

    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return names

    return parse


def _sizes(text):
    sizes = [int(size.replace("_", "")) for size in text.split(",")]
    if min(sizes) < 1:
        raise ValueError
    return sizes


def _at_least_one(text):
    if int(text) < 1:
        raise ValueError
    return int(text)


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests/bench.sh", description="Measures podtrail and prints the table.")
    parser.add_argument("--sizes", type=_sizes, default=[100_000, 1_000_000], help="about how many events, by comma")
    parser.add_argument("--folder", type=Path, default=TARGET / "bench", help="keeps data and figures")
    parser.add_argument("--runs", type=_at_least_one, default=3, help="runs of which the median is taken")
    parser.add_argument("--only", type=_names(MEASURES), default=list(MEASURES), metavar="PART,…", help=", ".join(MEASURES))
    parser.add_argument("--sets", type=_names(SETS), default=SETS, metavar="SET,…", help="small, large")
    parser.add_argument("--write", type=Path, metavar="FILE", help="writes the page there as well")
    parser.add_argument("--podtrail", type=Path, default=TARGET / "release" / "podtrail", help="the program")
    parser.add_argument("--floor", type=Path, help="the benchmark of that name, built")
    parser.add_argument("--python", type=Path, help="Python that has the packages duckdb and chdb")
    return parser.parse_args()


def _begun(bench, path):
    """Figures of earlier runs with the same program on the same machine; else none."""
    fresh = {
        "program": bench.program,
        "machine": machine.machine(),
        "versions": machine.versions(bench.podtrail, bench.python),
        "runs": bench.runs,
        "sizes": {},
    }
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return fresh
    same = all(known.get(key) == fresh[key] for key in fresh if key != "sizes")
    return known if same else fresh


def measure(bench, options, results, path):
    """Every part at every size. What fails is noted, and the rest goes on."""
    for events in options.sizes:
        size = results["sizes"].setdefault(str(events), {})
        try:
            size["sets"] = {name: data.measure(trail) for name, trail in bench.trails(events)}
        except child.Failed as error:
            size |= {name: {"failed": str(error)} for name in options.only}
            continue
        for name in options.only:
            bench.say(f"{name}, {events:,} events")
            began = time.monotonic()
            try:
                size[name] = MEASURES[name](bench, events)
            except (child.Failed, OSError) as error:
                size[name] = {"failed": str(error)}
            bench.say(f"{name}, {events:,} events: took {time.monotonic() - began:.0f} s")
            results["date"] = machine.today()
            path.write_text(json.dumps(results, indent=1))


def main():
    """Measures and prints."""
    options = arguments()
    before = machine.load() or 0
    if before > BUSY * machine.cores():
        Bench.say(f"the machine has other work (load {before:.1f}): times will be too long")
    bench = Bench(options)
    bench.folder.mkdir(parents=True, exist_ok=True)
    path = bench.folder / "figures.json"
    results = _begun(bench, path)
    results["load"] = max(before, results.get("load", 0))
    measure(bench, options, results, path)
    page = document.page(results)
    print(page)
    if options.write:
        options.write.write_text(page)


if __name__ == "__main__":
    main()
