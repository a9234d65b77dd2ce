"""The histories that everything is measured on: made once, kept in the folder, used again.

The generator of `podtrail demo` delivers in files like those of real trails: many small ones. The
large-file set holds the same records, thousands to a file.
"""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import child

CLUSTERS = 3
END = "2026-06-01T00:00:00Z"
# As dense at every size, so that more events are a longer history and not a busier one.
EVENTS_PER_HOUR = 100_000 / 6
LEAST_HOURS = 6
# Minutes between two looks at what runs in the clusters.
INVENTORY_EVERY = 60

HERE = Path(__file__).parent


def _complete(folder, wanted):
    """True where the folder was made to its end, and as wanted."""
    try:
        return json.loads((folder / "made.json").read_text()) == wanted
    except (OSError, ValueError):
        return False


def _remake(folder, wanted, make):
    """Makes a folder, unless an earlier run did. A half-made one is made anew."""
    if _complete(folder, wanted):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make(folder)
    (folder / "made.json").write_text(json.dumps(wanted))
    return folder


def _generate(podtrail, folder, options):
    # The truth about each event is not needed here, and larger than the trail.
    (folder / "truth").mkdir()
    os.symlink(os.devnull, folder / "truth" / "truth.ndjson")
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    child.run([podtrail, "demo", "--quiet", "--generate-only", "--folder", folder, *arguments])
    shutil.rmtree(folder / "truth")


def history(podtrail, root, events):
    """The history with about so many events: `trail` with small files, and `inventory`."""
    options = {
        "seed": 1,
        "end": END,
        "hours": max(LEAST_HOURS, round(events / EVENTS_PER_HOUR)),
        "clusters": CLUSTERS,
        "events": events,
        "inventory-every": INVENTORY_EVERY,
    }
    return _remake(root / f"events-{events}", options, lambda made: _generate(podtrail, made, options))


def large_files(root, events):
    """The same records in few files; made of a history that is there."""
    wanted = {"of": events, "by": hashlib.sha256((HERE / "merge.py").read_bytes()).hexdigest()}
    trail = root / f"events-{events}" / "trail"

    def make(made):
        child.run([sys.executable, HERE / "merge.py", trail, made / "trail"])

    return _remake(root / f"large-{events}", wanted, make)


def news(podtrail, root, name, end, events):
    """A trail of other events, which ends at another time."""
    options = {"seed": 2, "end": end, "hours": 3, "clusters": 1, "events": events, "inventory-every": 0}
    return _remake(root / f"news-{name}", options, lambda made: _generate(podtrail, made, options))


def measure(folder):
    """Files and bytes below a folder."""
    files = total = 0
    for place, _, names in os.walk(folder):
        files += len(names)
        total += sum(os.lstat(os.path.join(place, name)).st_size for name in names)
    return {"files": files, "bytes": total}


def largest_text(folder):
    """Bytes that the largest file inflates to: what its last four bytes say."""
    largest = 0
    for path in Path(folder).rglob("*.json.gz"):
        with open(path, "rb") as file:
            file.seek(-4, os.SEEK_END)
            largest = max(largest, int.from_bytes(file.read(4), "little"))
    return largest


def warm(folder):
    """Reads everything once, so that nobody who is measured waits for the disk alone."""
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                while file.read(1 << 20):
                    pass
