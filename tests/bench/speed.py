"""How fast a trail is read: podtrail, the least it can cost, and two other engines, in turns."""

import json
import shutil
import statistics
from pathlib import Path

import child
import data

# What takes longer than this, in seconds, is measured once.
SLOW = 120

RIVALS = Path(__file__).parent / "rivals.py"
# Each is run in turn, in this order.
CONTENDERS = ["floor", "decode", "ingest", "again", "duckdb-columns", "duckdb", "clickhouse"]


class Contest:
    """All contenders on one set of files."""

    def __init__(self, bench, trail, scratch):
        self.bench = bench
        self.trail = trail
        self.store = scratch / "store"
        self.out = scratch / "rival.parquet"
        self.largest = data.largest_text(trail)
        self.results = {name: {"wall": [], "cpu": [], "rss": 0} for name in CONTENDERS}

    def _podtrail(self, *arguments):
        return child.run([self.bench.podtrail, "--store", self.store, *arguments])

    def floor(self, mode="floor"):
        """Only inflating and parsing."""
        if not self.bench.floor:
            raise child.Failed("the benchmark `floor` is not built: see tests/bench.sh")
        run = child.run([self.bench.floor, mode, self.trail])
        return run, json.loads(run.out)

    def decode(self):
        """Only podtrail's decoder."""
        return self.floor("decode")

    def ingest(self):
        """Into a store that is empty."""
        shutil.rmtree(self.store, ignore_errors=True)
        run = self._podtrail("--quiet", "ingest", self.trail)
        said = self._podtrail(
            "--output", "ndjson", "sql",
            "SELECT sum(records) AS records, sum(new_events) AS events, sum(rejected) AS rejects FROM ingested_objects",
        )
        return run, json.loads(said.out)

    def again(self):
        """The same files once more: nothing is new."""
        if not self.store.exists():
            raise child.Failed("the first ingestion failed")
        return self._podtrail("--quiet", "ingest", self.trail), {}

    def rival(self, engine):
        """Another engine, and what it wrote."""
        if not self.bench.python:
            raise child.Failed("its Python package is not installed: see tests/bench.sh")
        try:
            run = child.run([self.bench.python, "-I", RIVALS, engine, self.trail, self.out, self.largest])
            said = json.loads(run.out)
            said["start"] = run.wall - said["seconds"]
            if not self.results[engine]["wall"]:
                counted = child.run([self.bench.python, "-I", RIVALS, "count", self.out])
                said |= {**json.loads(counted.out), "bytes": self.out.stat().st_size}
            return run, said
        finally:
            self.out.unlink(missing_ok=True)

    def measure(self, name):
        """One run of one contender, added to its results."""
        result = self.results[name]
        try:
            own = getattr(self, name, None)
            run, said = own() if own else self.rival(name)
        except child.Failed as error:
            result["failed"] = str(error)
            return
        result["wall"].append(run.wall)
        result["cpu"].append(run.cpu)
        result["rss"] = max(result["rss"], run.rss)
        for key, value in said.items():
            if key in ("seconds", "start"):
                result.setdefault(key, []).append(value)
            else:
                result[key] = value

    def run(self):
        """Rounds of all that have not failed and are not slow."""
        data.warm(self.trail)
        for turn in range(self.bench.runs):
            for name in CONTENDERS:
                result = self.results[name]
                if "failed" in result or (result["wall"] and result["wall"][0] > SLOW):
                    continue
                self.measure(name)
                self.bench.say(f"  {name}, run {turn + 1}: {shown(result)}")
        self._check()
        return self.results

    def _check(self):
        """Who read other records than podtrail did has not done the same work."""
        ours = self.results["ingest"]
        for name, result in self.results.items():
            for key in ("records", "events"):
                if key in result and key in ours and result[key] != ours[key]:
                    result["failed"] = f"{result[key]:,} {key}, podtrail has {ours[key]:,}"


def shown(result):
    """A result in a few words, for the progress."""
    if "failed" in result:
        return f"failed: {result['failed']}"
    return f"{result['wall'][-1]:.2f} s, cpu {result['cpu'][-1]:.2f} s, {result['rss'] / 2**20:.0f} MiB"


def ingest(bench, events):
    """The part `ingest`: one table of results for each set of files."""
    results = {}
    for name, trail in bench.trails(events):
        bench.say(f"reading {trail}")
        scratch = bench.scratch(f"ingest-{events}")
        try:
            results[name] = {**data.measure(trail), "contenders": Contest(bench, trail, scratch).run()}
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return results


def median(values):
    """The median of a list; None of an empty one."""
    return statistics.median(values) if values else None
