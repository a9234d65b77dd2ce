"""How long answers take: from the command line, over HTTP, and for many clients at once."""

import contextlib
import json
import shutil
import statistics
import sys
from pathlib import Path
from urllib.parse import quote

import child
import data
import growth
from service import Service

# The command line is slow to start compared with an answer; this often is enough for a median.
TIMES = 3
# As the budget has it.
CLIENTS = 64
SECONDS = 10

REPORTS = ["workloads", "fallbacks", "readiness", "nodes", "roles", "unused", "denied", "coverage"]

# What a dashboard asks for, by many at once.
MIX = [
    "/api/v1/fallbacks",
    "/api/v1/workloads",
    "/api/v1/roles",
    "/api/v1/nodes",
    "/api/v1/timeline",
    "/api/v1/events?limit=100",
]

LOAD = Path(__file__).parent / "load.py"

# Where a store keeps what was computed of it, for those who open it next.
KEPT = "_answers"


class Subjects:
    """What there is to ask about in a store; the same for each run, because the history is the same."""

    def __init__(self, bench, store):
        self.bench, self.base = bench, [bench.podtrail, "--store", store, "--output", "ndjson", "sql"]
        # A credential that made some calls, not one that made most of them.
        self.key = self._first(
            "SELECT access_key_id AS value FROM events WHERE access_key_id IS NOT NULL GROUP BY 1 "
            "ORDER BY abs(count(*) - 100), 1 LIMIT 1"
        )
        # The middle of what the key did.
        self.event = self._first(
            "SELECT event_id AS value FROM (SELECT event_id, row_number() OVER (ORDER BY event_time, event_id) AS n, "
            f"count(*) OVER () AS calls FROM events WHERE access_key_id = '{self.key}') WHERE n = (calls + 1) / 2"
        )
        self.workload = self._first(
            "SELECT concat(cluster, '/', namespace, '/', service_account) AS value FROM activity_attribution "
            "WHERE access_path = 'irsa' AND cluster IS NOT NULL AND service_account IS NOT NULL "
            "GROUP BY 1 ORDER BY sum(calls) DESC, 1 LIMIT 1"
        )

    def _first(self, statement):
        said = child.run([*self.base, statement]).out.splitlines()
        if not said:
            raise child.Failed(f"no subject: {statement}")
        return json.loads(said[0])["value"]

    def calls(self):
        """Calls of the API by the name they have in the table."""
        workload = f"/api/v1/workloads/{quote(self.workload)}"
        return {
            "summary": "/api/v1/summary",
            "fallbacks": "/api/v1/fallbacks",
            "readiness": "/api/v1/readiness",
            "workloads": "/api/v1/workloads",
            "workloads/{one}": workload,
            "workloads/{one}/policy": f"{workload}/policy",
            "roles": "/api/v1/roles",
            "nodes": "/api/v1/nodes",
            "events?limit=100": "/api/v1/events?limit=100",
            "timeline": "/api/v1/timeline",
            "flows": "/api/v1/flows",
            "explain/{event}": f"/api/v1/explain/{quote(self.event)}",
            "explain/{access key}": f"/api/v1/explain/{quote(self.key)}",
            "explain/{workload}": f"/api/v1/explain/{quote(self.workload)}",
        }

    def statements(self):
        """SQL by the name it has in the table."""
        return {
            "count events": "SELECT count(*) FROM events",
            "top 10 event names": "SELECT event_name, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
            "events of one access key": f"SELECT * FROM events WHERE access_key_id = '{self.key}' ORDER BY event_time",
            "one event by id": f"SELECT * FROM events WHERE event_id = '{self.event}'",
            "calls by hour and namespace": "SELECT date_trunc('hour', event_time) AS hour, namespace, count(*) AS calls "
            "FROM attribution GROUP BY 1, 2 ORDER BY 1, 2",
            "the same, by activity": "SELECT date_trunc('hour', first_event_time) AS hour, namespace, sum(calls) AS calls "
            "FROM activity_attribution GROUP BY 1, 2 ORDER BY 1, 2",
            "denied calls by workload": "SELECT cluster, namespace, service_account, sum(calls) AS calls "
            "FROM activity_attribution WHERE is_denied(error_code) GROUP BY 1, 2, 3 ORDER BY 4 DESC",
        }


def attempt(bench, name, measure):
    """The result of a measurement, or why there is none."""
    try:
        result = measure()
    except child.Failed as error:
        result = {"failed": str(error)}
    shown = f"{statistics.median(result['wall']) * 1e3:.1f} ms" if "wall" in result else result
    bench.say(f"  {name}: {shown}")
    return result


def _forget(store):
    """Makes a store one that nobody has asked yet."""
    shutil.rmtree(store / KEPT, ignore_errors=True)


def _process(argv, before=lambda: None):
    """A whole process, some times."""
    runs = []
    for _ in range(TIMES):
        before()
        runs.append(child.run(argv))
    return {
        "wall": [run.wall for run in runs],
        "cpu": [run.cpu for run in runs],
        "rss": max(run.rss for run in runs),
    }


def api(bench, events):
    """The part `api`: starts, each call first and warm, memory, many clients."""
    store = bench.store(events)
    subjects = Subjects(bench, store)
    calls = subjects.calls()
    data.warm(store)
    _forget(store)
    results = {"starts": [], "memory": {}, "first": {}, "warm": {}}
    for _ in range(2):
        with Service(bench.podtrail, store) as service:
            results["starts"].append(service.ready)
    bench.say(f"  ready after {results['starts']}")
    for name, path in calls.items():
        results["first"][name] = attempt(bench, f"{name}, first", lambda path=path: _first(bench, store, path))
    with Service(bench.podtrail, store) as service:
        results["memory"]["ready"] = service.memory_ready
        for name, path in calls.items():
            results["warm"][name] = attempt(bench, f"{name}, warm", lambda path=path: _warm(service, path))
        results["memory"]["calls"] = service.memory()
        results["load"] = attempt(bench, "many clients", lambda: _load(service))
        results["memory"]["load"] = service.memory()
    return results


def _first(bench, store, path):
    """The first thing that a service is asked for after it said that it is ready."""
    with Service(bench.podtrail, store) as service:
        seconds, text = service.timed(path)
        return {"wall": [seconds], "bytes": len(text)}


def _warm(service, path, body=None):
    seconds, size = service.warm(path, body)
    return {"wall": seconds, "bytes": size}


def _load(service):
    return json.loads(child.run([sys.executable, LOAD, service.address, CLIENTS, SECONDS, *MIX]).out)


def reports(bench, events):
    """The part `reports`: each report as a whole process, of a store that nobody has asked, of one that was, after a batch, and
    after maintenance."""
    store = bench.store(events)
    data.warm(store)
    base = [bench.podtrail, "--store", store, "--quiet", "--output", "ndjson", "report"]
    results = {"new": {}, "known": {}}
    for name in REPORTS:
        results["new"][name] = attempt(
            bench, f"{name}, new", lambda name=name: _process([*base, name], lambda: _forget(store))
        )
    Service(bench.podtrail, store).close()
    for name in REPORTS:
        results["known"][name] = attempt(bench, f"{name}, known", lambda name=name: _process([*base, name]))
    try:
        results["batch"] = _after_a_batch(bench, events)
    except child.Failed as error:
        results["batch"] = {name: {"failed": str(error)} for name in REPORTS}
    try:
        results |= _after_maintenance(bench, events)
    except child.Failed as error:
        results["maintained"] = {name: {"failed": str(error)} for name in REPORTS}
    return results


@contextlib.contextmanager
def _maintained(bench, events):
    """A copy of a store after `podtrail maintain`, and what that took."""
    scratch = bench.scratch(f"maintained-{events}")
    try:
        store = scratch / "store"
        shutil.copytree(bench.store(events), store)
        run = child.run([bench.podtrail, "--store", store, "--quiet", "maintain"])
        _forget(store)
        data.warm(store)
        yield store, {"wall": [run.wall], "cpu": [run.cpu], "rss": run.rss}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _after_maintenance(bench, events):
    """Each report of a store whose files were merged, and that nobody has asked since."""
    with _maintained(bench, events) as (store, maintenance):
        base = [bench.podtrail, "--store", store, "--quiet", "--output", "ndjson", "report"]
        return {
            "maintenance": {"podtrail maintain": maintenance},
            "maintained": {
                name: attempt(
                    bench, f"{name}, maintained", lambda name=name: _process([*base, name], lambda: _forget(store))
                )
                for name in REPORTS
            },
        }


def _after_a_batch(bench, events):
    """Each report of a store that was asked, and then took in a batch."""
    scratch = bench.scratch(f"batch-{events}")
    try:
        store = scratch / "store"
        shutil.copytree(bench.store(events), store)
        _forget(store)
        Service(bench.podtrail, store).close()
        trail = growth.news(bench, "after")
        child.run([bench.podtrail, "--store", store, "--quiet", "ingest", trail])
        data.warm(store)
        earlier = {folder.name for folder in (store / KEPT).iterdir()}

        def forget_this_snapshot():
            for folder in (store / KEPT).iterdir():
                if folder.name not in earlier:
                    shutil.rmtree(folder)

        base = [bench.podtrail, "--store", store, "--quiet", "--output", "ndjson", "report"]
        return {
            name: attempt(
                bench, f"{name}, after a batch", lambda name=name: _process([*base, name], forget_this_snapshot)
            )
            for name in REPORTS
        }
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def sql(bench, events):
    """The part `sql`: each statement as a whole process, by a service that has seen it before, and after maintenance."""
    store = bench.store(events)
    statements = Subjects(bench, store).statements()
    data.warm(store)
    Service(bench.podtrail, store).close()
    base = [bench.podtrail, "--store", store, "--quiet", "--output", "ndjson", "sql"]
    results = {"process": {}, "warm": {}}
    for name, statement in statements.items():
        results["process"][name] = attempt(
            bench, f"{name}, process", lambda statement=statement: _process([*base, statement])
        )
    with Service(bench.podtrail, store) as service:
        for name, statement in statements.items():
            results["warm"][name] = attempt(
                bench,
                f"{name}, warm",
                lambda statement=statement: _warm(service, "/api/v1/sql", {"query": statement}),
            )
    try:
        with _maintained(bench, events) as (store, _):
            Service(bench.podtrail, store).close()
            base = [bench.podtrail, "--store", store, "--quiet", "--output", "ndjson", "sql"]
            results["maintained"] = {
                name: attempt(
                    bench, f"{name}, maintained", lambda statement=statement: _process([*base, statement])
                )
                for name, statement in statements.items()
            }
    except child.Failed as error:
        results["maintained"] = {name: {"failed": str(error)} for name in statements}
    return results


def stored(bench, events):
    """The part `stored`: bytes of the store, and of what it keeps for readers, beside those of the log files."""
    store = bench.store(events)
    Service(bench.podtrail, store).close()
    sizes = {folder.name: data.measure(folder)["bytes"] for folder in store.iterdir() if folder.is_dir()}
    trails = {name: data.measure(trail)["bytes"] for name, trail in bench.trails(events)}
    return {"gz": trails, "store": sizes, "total": data.measure(store)["bytes"]}
