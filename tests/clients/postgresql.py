"""Reads podtrail by psycopg, as a BI tool does: postgresql.py HOST PORT [TOKEN]. Prints OK."""

import datetime
import sys

import psycopg


def main(host, port, token=None):
    place = dict(host=host, port=port, dbname="podtrail", user="tester", password=token)
    with psycopg.connect(**place) as connection:
        paths = connection.execute(
            "SELECT access_path, count(*) FROM attribution GROUP BY 1 ORDER BY 1"
        ).fetchall()
        assert paths and all(calls > 0 for _, calls in paths), paths
        path, calls = paths[0]
        for binary in (False, True):
            cursor = connection.cursor(binary=binary)
            # psycopg sends parameters to the server.
            cursor.execute(
                "SELECT count(*), min(event_time) FROM attribution WHERE access_path = %s", [path]
            )
            count, first = cursor.fetchone()
            assert count == calls, (count, calls)
            assert isinstance(first, datetime.datetime) and first.utcoffset() is not None, first
        rows = connection.execute("SELECT event_id FROM events ORDER BY event_id").fetchall()
        assert len(rows) == len(set(rows)) > 1000, len(rows)
        for binary in (False, True):
            with connection.cursor(name="ahead", binary=binary) as cursor:
                cursor.execute(
                    "SELECT event_id FROM events WHERE event_id <> %s ORDER BY event_id", [""]
                )
                pieces = cursor.fetchmany(500) + cursor.fetchall()
            assert pieces == rows, len(pieces)
    with psycopg.connect(**place) as connection:
        try:
            connection.execute("CREATE TABLE t AS SELECT 1")
            raise SystemExit("a table could be made")
        except psycopg.errors.ReadOnlySqlTransaction:
            connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)
    print("OK")


main(*sys.argv[1:])
