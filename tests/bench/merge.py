"""Joins the records of small log files into files of thousands: `merge.py TRAIL INTO`.

A process of its own, so that its memory is not that of the harness. Texts are joined as they are:
nothing is parsed, so the records stay the same to the byte.
"""

import gzip
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HEAD, TAIL = b'{"Records":[', b"]}"
# How each record of the generator begins.
RECORD = b'{"eventVersion":'
RECORDS = 5_000
# Before an object of this size is too large for a reader with common limits.
TEXT_BYTES = 12 << 20
# Files whose compression may wait; each keeps its text.
WAITING = 4


def _groups(trail):
    """Log files by account and region, in order of their names."""
    groups = {}
    for path in sorted(trail.rglob("*.json.gz")):
        # AWSLogs/ACCOUNT/CloudTrail/REGION/YEAR/MONTH/DAY/FILE
        groups.setdefault(path.relative_to(trail).parts[:-4], []).append(path)
    return groups.values()


def _inner(path):
    """The records of a file, without what is around them."""
    text = gzip.decompress(path.read_bytes()).strip()
    if not (text.startswith(HEAD) and text.endswith(TAIL)):
        sys.exit(f"{path} is no log file of the generator")
    return text[len(HEAD) : -len(TAIL)]


def _write(path, parts):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(HEAD + b",".join(parts) + TAIL, 6, mtime=0))


def _merged(trail):
    """Pairs of a path below the trail and the texts that belong into that file."""
    for files in _groups(trail):
        parts, records, size, name = [], 0, 0, None
        for path in files:
            part = _inner(path)
            if not part:
                continue
            if parts and (records >= RECORDS or size + len(part) > TEXT_BYTES):
                yield name, parts
                parts, records, size = [], 0, 0
            name = name if parts else path.relative_to(trail)
            parts.append(part)
            records += part.count(RECORD)
            size += len(part)
        if parts:
            yield name, parts


def main():
    """Compresses on all cores while the next file is read; zlib lets go of the interpreter."""
    trail, into = Path(sys.argv[1]), Path(sys.argv[2])
    with ThreadPoolExecutor() as pool:
        waiting = deque()
        for name, parts in _merged(trail):
            waiting.append(pool.submit(_write, into / name, parts))
            while len(waiting) > WAITING:
                waiting.popleft().result()
        for one in waiting:
            one.result()


if __name__ == "__main__":
    main()
