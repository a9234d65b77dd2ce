"""The figures as a page of Markdown, each beside its budget."""

import tables

HEAD = """# Speed and size

What `tests/bench.sh` measured last; nothing here is written by hand. "met" and "missed by ×N" compare a figure with its
budget. A measurement that could not be made says why.

| | |
|---|---|
{facts}

## How to repeat it

```sh
tests/bench.sh --sizes {sizes} --write docs/performance.md
```

builds podtrail, installs DuckDB and ClickHouse (as the Python packages `duckdb` and `chdb`) for this alone, generates the
histories and measures. `--only ingest,stored,api,reports,sql,growth` chooses parts, `--sizes` about how many events,
`--folder` where data stays for the next time, `--runs` of how many runs the median is, `--sets small` leaves the large files out.
`cargo bench --bench hot` measures single functions.

Each figure is the median of {runs} runs of a whole process, from its start to its end (one run, where it takes longer than two
minutes), with all files in the page cache; processor time is that of all threads, memory the most that was in use.
Histories are generated, the same for everybody: {clusters} EKS clusters, {per_hour:,.0f} events an hour, so that ten times the events are
ten times the time; one record in fifty is delivered twice.

| events | files | records a file | stored (gz) | as few large files |
|---|---|---|---|---|
{histories}
"""

INGEST = """
## Reading a trail

All read the same gz files, in turns. podtrail finds duplicates, redacts secrets, writes all columns and the activities that
reports read, each batch exactly once. "inflate and parse" is the least this can cost: `api/benches/floor.rs` inflates each file and
parses it into borrowed values, on all cores, and keeps nothing; "decode only" does so with podtrail's decoder. The others
write {columns} columns to one zstd Parquet file, duplicates included, with all threads; their rows and distinct events are compared with
podtrail's. `DuckDB, columns declared` is `read_json` with a schema, `DuckDB, JSON functions` the fastest statement we found;
"start" is what loading the engine takes of its time. "times podtrail's" is its time as a multiple of podtrail's.

Why podtrail misses what it misses: by profile, about half of its processor time is decoding with redaction, a quarter Parquet and
zstd, a tenth gathering rows in order, a tenth activities. The others write fewer columns, and neither sort nor sum up. Of few
large files, which are quickly inflated, that is the larger share.
"""

STORED = """
## Bytes in the store

Of the store made of the small files. `_answers` is what a reader computed and keeps for the next; it can be removed at any time.
"""

START = """
## Start and memory of the service

`podtrail serve`, from its start until `/readyz` says that it is ready: of a store that nobody has asked anything yet, and of
the same store again, in which the first has kept what it computed.
"""

FIRST = """
## First answers

Of a service that was just started, and is ready: one call each, to a service of its own.
"""

WARM = """
## Warm answers

The median of ten calls to a service that has answered the same before, over one connection.
"""

LOAD = """
## {clients} clients at once

Each asks again as soon as it has an answer, for {seconds} seconds, on this same machine: lists of fallbacks, workloads, roles and nodes, the
timeline, and the newest 100 events, in turn.
"""

REPORTS = """
## Reports on the command line

`podtrail report NAME`: a whole process, which opens the store. Of a store that nobody has asked anything yet it computes all that
the report needs; of one that was asked since the last batch, all of that is kept. The first report of a long history computes what
is known of its credentials, judges all its activities and searches for the pods behind them: that grows with the history.
"""

AFTER_A_BATCH = """
After a batch of about {events:,} events at the end of the history, in a store that was asked before. What is known of credentials,
roles and nodes is kept by day, and so is what is judged of activities: only the days of the batch are read, and judged again are
they and the days of whose callers the batch tells something new. What is kept of the others is read. Whose each caller's credentials
are is joined anew, sums per hour are put together anew, and all fallbacks are searched for their pods, because what is new may tell of
what is old:
"""

MAINTENANCE = """
Of a copy of the store after `podtrail maintain`, which merges its small files and the rows of an activity; what was kept was of the
files before, so that nothing is computed. Maintenance itself:
"""

SCALE = """
How this grows: what is read and judged after a batch grows with the days that it touches, not with the history. What is kept, and
read whole, grows with it: counted in the store of a million events, that is 36,000 callers, 39,000 sums per hour and 74,000
activities that are fallbacks, and these are what is joined, put together and searched. So a billion events of the same kind, seven
years at this density, would leave 36 million callers and 74 million fallbacks: beyond the budget, and beyond the memory of a small
machine. Of such a history, old days are removed (`podtrail maintain --expire-before`), or accounts have stores of their own. Where
pods do not fall back to their nodes' roles, there is nothing to search for.
"""

SQL = """
## SQL

`podtrail sql` as a whole process, and `POST /api/v1/sql` to a service that has run the statement before.
"""

GROWTH = """
## Cost of a new event

About {events:,} new events, ingested into the store: "after" its history, or "among" its last hours. Time of the whole process by event.
"""


def page(results):
    """The whole document."""
    facts = {**results["machine"], **results["versions"], "load before": f"{results['load']:.2f}", "measured on": results["date"]}
    sizes = sorted(results["sizes"], key=int)
    parts = {name: {size: results["sizes"][size].get(name) for size in sizes} for name in tables.PARTS}
    text = HEAD.format(
        facts="\n".join(f"| {name} | {fact} |" for name, fact in facts.items()),
        sizes=",".join(sizes),
        runs=results["runs"],
        clusters=tables.CLUSTERS,
        per_hour=tables.EVENTS_PER_HOUR,
        histories="\n".join(tables.history(size, results["sizes"][size]) for size in sizes),
    )
    text += tables.failures(parts)
    if tables.present(parts["ingest"]):
        text += INGEST.format(columns=tables.COLUMNS) + tables.ingest(parts["ingest"])
    if tables.present(parts["stored"]):
        text += STORED + tables.stored(parts["stored"])
    if tables.present(parts["api"]):
        api = parts["api"]
        text += START + tables.start(api)
        text += FIRST + tables.answers(api, "first", tables.FIRST_BUDGET)
        text += WARM + tables.answers(api, "warm", tables.warm_budget)
        text += LOAD.format(clients=tables.CLIENTS, seconds=tables.SECONDS) + tables.load(api)
    if tables.present(parts["reports"]):
        reports = parts["reports"]
        text += REPORTS + "\nNothing computed:\n" + tables.answers(reports, "new", tables.FIRST_BUDGET)
        text += AFTER_A_BATCH.format(events=tables.GROWTH_EVENTS) + tables.answers(reports, "batch", tables.FIRST_BUDGET)
        text += "\nAsked before:\n" + tables.answers(reports, "known", tables.FIRST_BUDGET)
        text += MAINTENANCE + tables.answers(reports, "maintenance", None)
        text += "\nThe reports:\n" + tables.answers(reports, "maintained", tables.FIRST_BUDGET)
        text += SCALE
    if tables.present(parts["sql"]):
        text += SQL + "\nWhole process:\n" + tables.answers(parts["sql"], "process", None)
        text += "\nWarm:\n" + tables.answers(parts["sql"], "warm", tables.needle_budget)
        text += "\nWhole process, of a copy of the store after `podtrail maintain`:\n"
        text += tables.answers(parts["sql"], "maintained", None)
    if tables.present(parts["growth"]):
        text += GROWTH.format(events=tables.GROWTH_EVENTS) + tables.growth(parts["growth"])
    return text
