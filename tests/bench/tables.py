"""One function for each table of the page; each figure is judged by its budget."""

from data import CLUSTERS, EVENTS_PER_HOUR
from growth import EVENTS as GROWTH_EVENTS
from queries import CLIENTS, SECONDS
from rivals import COLUMNS as _COLUMNS
from speed import median

__all__ = ["CLUSTERS", "EVENTS_PER_HOUR", "GROWTH_EVENTS", "CLIENTS", "SECONDS"]

PARTS = ["ingest", "stored", "api", "reports", "sql", "growth"]
COLUMNS = len(_COLUMNS)

# Budgets: seconds, bytes, and how many times podtrail's time the others may at least take.
FIRST_BUDGET = 2.0
WARM_BUDGET = 0.2
NEEDLE_BUDGET = 0.05
READY_BUDGET = 2.0
P99_BUDGET = 1.0
MEMORY_BUDGET = 512 * 2**20
FLOOR_BUDGET = 2.5
RIVAL_BUDGETS = {"clickhouse": 1.5, "duckdb-columns": 10.0}
# Costs of one event differ by this much from run to run.
GROWTH_BUDGET = 1.25

NEEDLES = {"explain/{event}", "explain/{access key}", "events of one access key", "one event by id"}

NAMES = {
    "floor": "inflate and parse",
    "decode": "decode only",
    "ingest": "**podtrail ingest**",
    "again": "podtrail ingest, nothing new",
    "duckdb-columns": "DuckDB, columns declared",
    "duckdb": "DuckDB, JSON functions",
    "clickhouse": "ClickHouse",
}


def warm_budget(name):
    """Seconds that a warm answer may take."""
    return NEEDLE_BUDGET if name in NEEDLES else WARM_BUDGET


def needle_budget(name):
    """Only what finds one thing has a budget among statements of users."""
    return NEEDLE_BUDGET if name in NEEDLES else None


def seconds(value):
    """A time as people read it."""
    if value < 0.0995:
        return f"{value * 1e3:.2g} ms" if value < 0.00995 else f"{value * 1e3:.0f} ms"
    return f"{value * 1e3:.0f} ms" if value < 0.9995 else f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"


def size(value):
    """Bytes as people read them."""
    mib = value / 2**20
    return f"{mib:.1f} MiB" if mib < 10 else f"{mib:,.0f} MiB"


def verdict(value, most):
    """Whether a figure is within what it may be at most, and by how much it is not."""
    if most is None:
        return ""
    if value <= most:
        return "met"
    over = value / most
    return f"missed by ×{over:.2f}" if over < 10 else f"missed by ×{over:.0f}"


def judged(text, value, most):
    """A figure with its verdict."""
    word = verdict(value, most)
    return f"{text}, {word}" if word else text


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n" + "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def title(events):
    """A size as it stands in a head."""
    return f"{int(events):,} events"


def present(part):
    """Whether there is a result at any size."""
    return any(result and "failed" not in result for result in part.values())


def _good(part):
    return {events: result for events, result in part.items() if result and "failed" not in result}


def failures(parts):
    """A sentence for each part that could not be measured at all."""
    lines = [
        f"\nNot measured: {name} at {title(events)} ({result['failed']}).\n"
        for name, part in parts.items()
        for events, result in part.items()
        if result and "failed" in result
    ]
    return "".join(lines)


def history(events, parts):
    """A row about what was read."""
    sets = parts.get("sets", {})
    small, large = sets.get("small"), sets.get("large")
    if not small:
        return f"| {int(events):,} | | | | |"
    files = small["files"]
    few = f"{large['files']:,} files, {size(large['bytes'])}" if large else "not measured"
    return f"| {int(events):,} | {files:,} | {int(events) / files:.0f} | {size(small['bytes'])} | {few} |"


def ingest(part):
    """A table for each size and set."""
    text = ""
    for events, sets in _good(part).items():
        for name, result in sets.items():
            text += f"\n### {title(events)}, {result['files']:,} {name} files\n"
            text += _contest(result["contenders"])
    return text


def _contest(contenders):
    ours = median(contenders["ingest"]["wall"])
    floor = median(contenders["floor"]["wall"])
    records = contenders["ingest"].get("records")
    rows = []
    for name, result in contenders.items():
        if "failed" in result or not result["wall"]:
            rows.append([NAMES[name], f"failed: {result.get('failed', 'not run')}", "", "", "", "", ""])
            continue
        wall, cpu = median(result["wall"]), median(result["cpu"])
        start = f" (start {seconds(median(result['start']))})" if "start" in result else ""
        budget = ""
        if name in RIVAL_BUDGETS and ours:
            budget = f"≥ {RIVAL_BUDGETS[name]:g}: {verdict(RIVAL_BUDGETS[name], wall / ours)}"
        if name == "ingest" and floor:
            budget = f"≤ {FLOOR_BUDGET:g} × inflate and parse, is {wall / floor:.2f}: {verdict(wall / floor, FLOOR_BUDGET)}"
        memory = size(result["rss"])
        if name == "ingest":
            memory += f" (< 512: {verdict(result['rss'], MEMORY_BUDGET)})"
        rate = f"{records / wall:,.0f}" if records and name != "again" else ""
        times = f"{wall / ours:.2f}" if ours and name != "again" else ""
        rows.append([NAMES[name], seconds(wall) + start, f"{cpu:.2f} s", memory, rate, times, budget])
    head = ["", "time", "processor time", "memory", "records/s", "times podtrail's", "budget"]
    return table(head, rows)


def stored(part):
    """Bytes by table; a column for each size."""
    part = _good(part)
    names = sorted({name for result in part.values() for name in result["store"]})
    rows = [[f"`{name}`", "", *(size(result["store"].get(name, 0)) for result in part.values())] for name in names]
    rows.append(["all", "", *(size(result["total"]) for result in part.values())])
    for name in dict.fromkeys(name for result in part.values() for name in result["gz"]):
        row = [f"beside the {name} files", "at most their bytes"]
        for result in part.values():
            most = result["gz"].get(name)
            row.append(f"{result['total'] / most:.0%} of {size(most)}, {verdict(result['total'], most)}" if most else "")
        rows.append(row)
    return table(["folder", "budget", *map(title, part)], rows)


def start(api):
    """Time until ready, and memory."""
    api = _good(api)
    rows = [["first start, nothing computed", f"≤ {seconds(READY_BUDGET)}"], ["start of the same store again", f"≤ {seconds(READY_BUDGET)}"]]
    for result in api.values():
        for row, value in zip(rows, result["starts"]):
            row.append(judged(seconds(value), value, READY_BUDGET))
    for key, name in (("ready", "memory when ready"), ("calls", "after the calls below"), ("load", "after many clients")):
        values = [result["memory"].get(key) for result in api.values()]
        rows.append([name, "", *(size(value) if value else "not measured" for value in values)])
    return table(["", "budget", *map(title, api)], rows)


def answers(part, key, budget):
    """A row for each answer, a column for each size: growth is what stands side by side."""
    part = {events: result.get(key, {}) for events, result in _good(part).items()}
    names = list(dict.fromkeys(name for result in part.values() for name in result))
    rows = []
    for name in names:
        most = budget(name) if callable(budget) else budget
        row = [f"`{name}`" if "{" in name or " " not in name else name]
        if budget:
            row.append(f"≤ {seconds(most)}" if most else "")
        for result in part.values():
            row.append(_answer(result.get(name), most))
        rows.append(row)
    return table(["", *(["budget"] if budget else []), *map(title, part)], rows)


def _answer(result, most):
    if not result:
        return "not measured"
    if "failed" in result:
        return f"failed: {result['failed']}".replace("|", "\\|")
    value = median(result["wall"])
    return judged(seconds(value), value, most)


def load(api):
    """Many clients at once."""
    api = {events: result.get("load") or {"failed": "not run"} for events, result in _good(api).items()}

    def row(name, budget, cell):
        return [name, budget, *(f"failed: {one['failed']}" if "failed" in one else cell(one) for one in api.values())]

    def time_of(key, most=None):
        return lambda one: judged(seconds(one[key]), one[key], most) if one[key] is not None else "no answer"

    rows = [
        row("requests a second", "", lambda one: f"{one['per_second']:,.0f}"),
        row("half of them within", "", time_of("p50")),
        row("99 of 100 within", f"≤ {seconds(P99_BUDGET)}", time_of("p99", P99_BUDGET)),
        row("the slowest", "", time_of("longest")),
        row("errors", "0", lambda one: "0, met" if not one["errors"] else f"{one['errors']:,}, missed"),
    ]
    return table(["", "budget", *map(title, api)], rows)


def growth(part):
    """Microseconds for each new event, beside those at the smallest size."""
    part = _good(part)
    names = list(dict.fromkeys(name for result in part.values() for name in result))
    rows = []
    for name in names:
        row, least = [name, f"flat: ≤ ×{GROWTH_BUDGET:g} of the smallest"], None
        for result in part.values():
            one = result.get(name, {})
            if "failed" in one or not one:
                row.append(f"failed: {one.get('failed', 'not run')}")
                continue
            cost = median(one["wall"]) / one["new"]
            text = f"{cost * 1e6:.0f} µs, {size(one['rss'])}"
            if least:
                text = judged(f"{text}, ×{cost / least:.2f}", cost, GROWTH_BUDGET * least)
            least = least or cost
            row.append(text)
        rows.append(row)
    return table(["", "budget", *(f"store of {title(events)}" for events in part)], rows)
