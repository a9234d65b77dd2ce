"""Does it cost more to add an event to a long history than to a short one?"""

import datetime
import json
import shutil

import child
import data

# About how many events are added.
EVENTS = 20_000

_END = datetime.datetime.fromisoformat(data.END.replace("Z", "+00:00"))


def _text(time):
    return time.isoformat().replace("+00:00", "Z")


# What is added: a trail that goes on where the history ends, and one that was late, whose events lie among
# those that are there.
NEWS = {
    "after": _text(_END + datetime.timedelta(hours=3)),
    "among": _text(_END - datetime.timedelta(hours=1)),
}


def news(bench, name):
    """The trail of a kind of news."""
    return data.news(bench.podtrail, bench.folder, name, NEWS[name], EVENTS) / "trail"


def growth(bench, events):
    """The part `growth`: each kind of news into fresh copies of the store."""
    store = bench.store(events)
    scratch = bench.scratch(f"growth-{events}")
    results = {}
    try:
        for name in NEWS:
            try:
                results[name] = _add(bench, store, news(bench, name), scratch / "store")
            except child.Failed as error:
                results[name] = {"failed": str(error)}
            bench.say(f"  {name}: {results[name]}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return results


def _add(bench, store, trail, copy):
    data.warm(trail)
    result = {"wall": [], "cpu": [], "rss": 0}
    for _ in range(bench.runs):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(store, copy)
        before = _events(bench, copy)
        run = child.run([bench.podtrail, "--store", copy, "--quiet", "ingest", trail])
        result["wall"].append(run.wall)
        result["cpu"].append(run.cpu)
        result["rss"] = max(result["rss"], run.rss)
        result["new"] = _events(bench, copy) - before
    if not result["new"]:
        raise child.Failed("nothing was new")
    return result


def _events(bench, store):
    said = child.run(
        [bench.podtrail, "--store", store, "--output", "ndjson", "sql", "SELECT count(*) AS n FROM events"]
    )
    return json.loads(said.out)["n"]
