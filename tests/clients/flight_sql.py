"""Asks a running service by Arrow Flight SQL with the ADBC driver, as a user would.

    pip install adbc-driver-flightsql pyarrow
    python flight_sql.py grpc://127.0.0.1:8080 [TOKEN]

Prints OK, or ends with an error.
"""

import sys

import adbc_driver_flightsql
import adbc_driver_manager
import pyarrow
from adbc_driver_flightsql import dbapi

PATHS = "SELECT access_path, count(*) AS calls FROM attribution GROUP BY access_path ORDER BY 1"
COUNT = "SELECT count(*) AS calls FROM attribution WHERE access_path = $1"


def connect(uri, password=None, token=None):
    """Connects with a token, as a password or as it is."""
    options = {}
    if password is not None:
        options = {"username": "anybody", "password": password}
    if token is not None:
        header = adbc_driver_flightsql.DatabaseOptions.AUTHORIZATION_HEADER.value
        options = {header: f"Bearer {token}"}
    return dbapi.connect(uri, db_kwargs=options, autocommit=True)


def refused(cursor, sql, kind):
    """Checks that a statement is refused, with an error of this kind."""
    try:
        cursor.execute(sql)
    except kind as error:
        assert str(error), sql
        return
    raise AssertionError(f"not refused: {sql}")


def ask(connection):
    """Checks statements, with and without parameters."""
    with connection.cursor() as cursor:
        cursor.execute(PATHS)
        paths = cursor.fetchall()
        assert paths, "attribution is empty"
        for path, calls in paths:
            if path is not None:
                cursor.execute(COUNT, (path,))
                assert cursor.fetchone() == (calls,), path
        cursor.execute(COUNT, ("none",))
        assert cursor.fetchone() == (0,)

        columns = cursor.adbc_execute_schema(PATHS)
        assert columns.names == ["access_path", "calls"], columns

        schema = cursor.adbc_prepare(COUNT)
        assert schema.field(0).type == pyarrow.string(), schema

        cursor.execute("SELECT * FROM events LIMIT 1000")
        rows = cursor.fetch_arrow_table()
        assert 0 < rows.num_rows <= 1000
        cursor.execute("SELECT event_id FROM events WHERE false")
        assert cursor.fetch_arrow_table().num_rows == 0

        wrong = (adbc_driver_manager.ProgrammingError, adbc_driver_manager.InternalError)
        refused(cursor, "SELECT nothing FROM events", wrong)
        refused(cursor, "DROP TABLE events", wrong)
        try:
            cursor.executemany(COUNT, [("a",), ("b",)])
        except adbc_driver_manager.Error as error:
            assert "only reads" in str(error) or "one row" in str(error), error
        else:
            raise AssertionError("several rows of parameters were taken")


def look(connection):
    """Checks what the driver learns of the tables."""
    info = connection.adbc_get_info()
    assert info["vendor_name"] == "podtrail", info
    kinds = connection.adbc_get_table_types()
    assert kinds == ["TABLE", "VIEW"], kinds
    objects = connection.adbc_get_objects(depth="all").read_all().to_pylist()
    tables = {
        (schema["db_schema_name"], table["table_name"]): table
        for catalog in objects
        for schema in catalog["catalog_db_schemas"]
        for table in schema["db_schema_tables"]
    }
    columns = [
        name
        for (_, table), described in tables.items()
        if table == "attribution"
        for name in (column["column_name"] for column in described["table_columns"])
    ]
    assert "access_path" in columns, columns
    assert ("system", "queries") in tables, sorted(tables)
    schema = connection.adbc_get_table_schema("events")
    assert "event_id" in schema.names, schema


def main():
    uri, token = sys.argv[1], (sys.argv[2:] or [None])[0]
    for arguments in [{"password": token or "any"}, {"token": token}]:
        with connect(uri, **arguments) as connection:
            ask(connection)
            look(connection)
    if token is not None:
        try:
            with connect(uri, token="pt_wrong") as connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except adbc_driver_manager.Error as error:
            assert "token" in str(error), error
        else:
            raise AssertionError("a wrong token was taken")
    print("OK")


if __name__ == "__main__":
    main()
