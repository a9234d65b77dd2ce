"""Reads log files into one Parquet file with another engine: `rivals.py ENGINE TRAIL OUT LARGEST`.

Runs in an environment that has the packages duckdb and chdb. LARGEST is how many bytes the largest file
inflates to. Each statement is the fastest of those we tried that give the same rows; `duckdb-columns` is the one
that DuckDB's documentation suggests, `duckdb` a faster one. Prints one line of JSON.

`rivals.py count OUT` tells what a Parquet file holds.
"""

import json
import os
import sys
import time

TEXTS = [
    "eventID",
    "eventTime",
    "eventName",
    "eventSource",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "recipientAccountId",
]
IDENTITY = ["type", "arn", "accessKeyId"]
JSON = ["requestParameters", "responseElements"]
COLUMNS = [*TEXTS, *(f"userIdentity.{name}" for name in IDENTITY), *JSON]


def _text(value):
    """An SQL literal; paths may hold quotes."""
    return "'" + str(value).replace("'", "''") + "'"


def duckdb_statement(trail, out, largest, columns):
    """COPY of the records, by declared columns or by JSON functions on whole files."""
    wanted = ", ".join(f'r.{name} AS "{name}"' for name in COLUMNS)
    files = _text(f"{trail}/**/*.json.gz")
    # Twice this is allocated for each thread; the smallest that fits is the fastest.
    size = f"maximum_object_size={max(1 << 20, largest + 1024)}"
    if columns:
        fields = [f"{name} VARCHAR" for name in TEXTS]
        fields.append(f"userIdentity STRUCT({', '.join(f'{name} VARCHAR' for name in IDENTITY)})")
        fields += [f"{name} JSON" for name in JSON]
        shape = _text(f"STRUCT({', '.join(fields)})[]")
        source = (
            f"SELECT unnest(Records) AS r FROM read_json({files}, format='newline_delimited', "
            f"columns={{Records: {shape}}}, {size})"
        )
    else:
        shape = {name: "VARCHAR" for name in TEXTS}
        shape["userIdentity"] = {name: "VARCHAR" for name in IDENTITY}
        shape |= {name: "JSON" for name in JSON}
        source = (
            f"SELECT unnest(from_json(json->'$.Records', {_text(json.dumps([shape]))})) AS r "
            f"FROM read_json_objects({files}, format='unstructured', {size})"
        )
    return f"COPY (SELECT {wanted} FROM ({source})) TO {_text(out)} (FORMAT parquet, COMPRESSION zstd)"


def duckdb(trail, out, largest, columns):
    """All threads, and rows in any order, which is faster."""
    import duckdb as engine

    connection = engine.connect()
    connection.execute(f"SET threads = {os.cpu_count()}")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"SET temp_directory = {_text(str(out) + '.tmp')}")
    began = time.perf_counter()
    connection.execute(duckdb_statement(trail, out, largest, columns))
    return time.perf_counter() - began


def clickhouse(trail, out, _largest):
    """Each file is one JSON text, from which one function takes all records."""
    import chdb

    kind = "Nullable(String)"
    fields = [f"{name} {kind}" for name in TEXTS]
    fields.append(f"userIdentity Tuple({', '.join(f'{name} {kind}' for name in IDENTITY)})")
    fields += [f"{name} {kind}" for name in JSON]
    shape = _text(f"Array(Tuple({', '.join(fields)}))")

    def member(path):
        value = "r"
        for name in path.split("."):
            value = f"tupleElement({value}, '{name}')"
        return f"{value} AS `{path}`"

    statement = (
        f"INSERT INTO FUNCTION file({_text(out)}, 'Parquet') SELECT {', '.join(map(member, COLUMNS))} "
        f"FROM (SELECT arrayJoin(JSONExtract(json, 'Records', {shape})) AS r "
        f"FROM file({_text(f'{trail}/**/*.json.gz')}, 'JSONAsString', 'json String')) "
        f"SETTINGS max_threads = {os.cpu_count()}, output_format_parquet_compression_method = 'zstd', "
        "engine_file_truncate_on_insert = 1, min_chunk_bytes_for_parallel_parsing = 67108864"
    )
    began = time.perf_counter()
    chdb.query(statement)
    return time.perf_counter() - began


def count(out):
    """Rows and distinct events of a Parquet file."""
    import duckdb as engine

    statement = f"SELECT count(*), count(DISTINCT eventID) FROM read_parquet({_text(out)})"
    records, events = engine.connect().execute(statement).fetchone()
    return {"records": records, "events": events}


def main():
    """Runs what the first argument names."""
    engine, *rest = sys.argv[1:]
    if engine == "count":
        print(json.dumps(count(rest[0])))
        return
    trail, out, largest = rest[0], rest[1], int(rest[2])
    if engine == "clickhouse":
        seconds = clickhouse(trail, out, largest)
    else:
        seconds = duckdb(trail, out, largest, engine == "duckdb-columns")
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
