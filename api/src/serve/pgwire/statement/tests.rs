use datafusion_postgres::pgwire::error::ErrorInfo;

use super::*;

fn orders(text: &str) -> Vec<Order> {
    let sorted = Sorter::new().read(text);
    let sorted = sorted.unwrap_or_else(|failure| panic!("{text}: {failure}"));
    sorted.into_iter().map(|sorted| sorted.order).collect()
}

fn shown(order: &Order) -> String {
    match order {
        Order::Read(sql) => format!("read {sql}"),
        other => format!("{other:?}"),
    }
}

fn code(text: &str) -> String {
    match Sorter::new().read(text) {
        Ok(sorted) => format!("{:?}", sorted.iter().map(|s| &s.order).collect::<Vec<_>>()),
        Err(failure) => ErrorInfo::from(failure).code,
    }
}

#[test]
fn what_concerns_the_connection_never_reaches_the_engine() {
    let cases = [
        ("BEGIN READ ONLY", "Begin"),
        ("START TRANSACTION ISOLATION LEVEL READ COMMITTED", "Begin"),
        ("COMMIT", "Commit"),
        ("END", "Commit"),
        ("ROLLBACK", "Rollback"),
        ("SAVEPOINT a", r#"Nothing("SAVEPOINT")"#),
        ("ROLLBACK TO SAVEPOINT a", "RollbackTo"),
        ("RELEASE SAVEPOINT a", r#"Nothing("RELEASE")"#),
        (
            "SET extra_float_digits = 3",
            r#"Set("extra_float_digits", Some("3"))"#,
        ),
        (
            "SET SESSION statement_timeout TO '5s'",
            r#"Set("statement_timeout", Some("5s"))"#,
        ),
        (
            "SET datestyle TO ISO, MDY",
            r#"Set("datestyle", Some("ISO, MDY"))"#,
        ),
        ("SET search_path TO DEFAULT", r#"Set("search_path", None)"#),
        ("SET TIME ZONE 'UTC'", r#"Set("timezone", Some("UTC"))"#),
        (
            "SET NAMES 'UTF8'",
            r#"Set("client_encoding", Some("UTF8"))"#,
        ),
        ("SET TRANSACTION READ ONLY", r#"Nothing("SET")"#),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            r#"Nothing("SET")"#,
        ),
        ("RESET ALL", "ResetAll"),
        ("RESET timezone", r#"Set("timezone", None)"#),
        ("SHOW search_path", r#"Show("search_path")"#),
        (
            "SHOW TRANSACTION ISOLATION LEVEL",
            r#"Show("transaction isolation level")"#,
        ),
        ("SHOW ALL", "ShowAll"),
        ("DISCARD ALL", "DiscardAll"),
        ("DEALLOCATE ALL", "Deallocate(None)"),
        ("DEALLOCATE a", r#"Deallocate(Some("a"))"#),
        ("CLOSE ALL", "Close(None)"),
        (r#"CLOSE "Mine""#, r#"Close(Some("Mine"))"#),
        ("FETCH NEXT FROM Mine", r#"Fetch("mine", 1)"#),
        (r#"FETCH 2048 IN "SQL_CUR1""#, r#"Fetch("SQL_CUR1", 2048)"#),
        ("FETCH FORWARD 100 FROM c", r#"Fetch("c", 100)"#),
        ("UNLISTEN *", r#"Nothing("UNLISTEN")"#),
    ];
    for (text, expected) in cases {
        let orders = orders(text);
        assert_eq!(orders.len(), 1, "{text}");
        assert_eq!(shown(&orders[0]), expected, "{text}");
    }
}

#[test]
fn whatever_does_more_than_read_is_refused() {
    let read_only = [
        "CREATE TABLE t (a INT)",
        "CREATE VIEW v AS SELECT 1",
        "CREATE FUNCTION f() RETURNS INT LANGUAGE sql AS 'SELECT 1'",
        "DROP TABLE events",
        "ALTER TABLE events ADD COLUMN a INT",
        "TRUNCATE events",
        "INSERT INTO events VALUES (1)",
        "UPDATE events SET a = 1",
        "DELETE FROM events",
        "COPY events TO '/tmp/x'",
        "COPY events FROM STDIN",
        "GRANT SELECT ON events TO x",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "VACUUM",
        "LOCK TABLE events",
        "NOTIFY x",
        "LISTEN x",
        "CALL f()",
        "EXPLAIN ANALYZE INSERT INTO events VALUES (1)",
        "EXPLAIN CREATE TABLE t (a INT)",
    ];
    for text in read_only {
        assert_eq!(code(text), "25006", "{text}");
    }
    let not_supported = [
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "DECLARE c SCROLL CURSOR FOR SELECT 1",
        "DECLARE c BINARY CURSOR FOR SELECT 1",
        "FETCH PRIOR FROM c",
        "FETCH BACKWARD 1 FROM c",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
    ];
    for text in not_supported {
        assert_eq!(code(text), "0A000", "{text}");
    }
    for text in ["SELEC 1", "SELECT 1 FROM", "SELECT 'open"] {
        assert_eq!(code(text), "42601", "{text}");
    }
}

#[test]
fn a_statement_that_reads_data_keeps_its_meaning() {
    let cases = [
        // Other servers of this kind would put NULL here, and one row there.
        (
            "SELECT r.role_arn, (SELECT count(*) FROM events e WHERE e.role_arn = r.role_arn) FROM roles r",
            "read SELECT r.role_arn, (SELECT count(*) FROM events e WHERE e.role_arn = r.role_arn) FROM roles r",
        ),
        (
            "SELECT (SELECT s.v + 1) FROM generate_series(1, 3) AS s (v)",
            "read SELECT (SELECT s.v + 1) FROM generate_series(1, 3) AS s (v)",
        ),
        (
            "WITH pg_class AS (SELECT 1) SELECT (SELECT x FROM events) FROM pg_class",
            "read WITH pg_class AS (SELECT 1) SELECT (SELECT x FROM events) FROM pg_class",
        ),
        (
            "SELECT pg_catalog.lower(role_arn) FROM roles ORDER BY role_arn COLLATE pg_catalog.\"default\"",
            "read SELECT lower(role_arn) FROM roles ORDER BY role_arn",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(&orders(text)[0]), expected, "{text}");
    }
}

#[test]
fn what_the_catalog_has_nothing_of_is_nothing() {
    let cases = [
        (
            "SELECT ARRAY(SELECT m.roleid FROM pg_auth_members m WHERE m.member = r.oid) AS x FROM pg_catalog.pg_roles r",
            "'{}' AS x",
        ),
        (
            "SELECT pg_catalog.array_to_string(c.relacl, E'\\n') AS x FROM pg_catalog.pg_class c",
            "SELECT NULL AS x",
        ),
        (
            "SELECT array_to_string(c.reloptions || array(SELECT 'a' FROM pg_am), ', ') AS x FROM pg_class c",
            "SELECT NULL AS x",
        ),
        (
            "SELECT array_to_string(ARRAY['a'], ',') AS x FROM pg_class c",
            "array_to_string(ARRAY['a'], ',') AS x",
        ),
        (
            "SELECT 1 FROM pg_type t WHERE (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid)",
            "WHERE false",
        ),
        // Only where the catalog alone is read.
        (
            "SELECT e.relacl FROM events e",
            "read SELECT e.relacl FROM events e",
        ),
    ];
    for (text, expected) in cases {
        let shown = shown(&orders(text)[0]);
        assert!(shown.contains(expected), "{text}: {shown}");
    }
}

#[test]
fn a_text_may_have_many_statements_or_none() {
    assert!(orders("").is_empty());
    assert!(orders(" ; ;").is_empty());
    let sorted = Sorter::new()
        .read("SELECT 1; SET jit = off ;SELECT 'a;b'")
        .unwrap();
    let texts: Vec<_> = sorted.iter().map(|sorted| sorted.text.as_str()).collect();
    assert_eq!(texts, ["SELECT 1", "SET jit = off", "SELECT 'a;b'"]);
}

#[test]
fn relations_are_told_apart() {
    let cases = [
        ("SELECT * FROM pg_class", true),
        (
            "SELECT * FROM pg_catalog.pg_class c, information_schema.tables t",
            true,
        ),
        ("WITH a AS (SELECT * FROM pg_type) SELECT * FROM a", true),
        (
            "SELECT * FROM pg_catalog.generate_series(1, 2), pg_class",
            true,
        ),
        ("SELECT 1", false),
        ("SELECT * FROM events", false),
        ("SELECT * FROM public.pg_class", false),
        (
            "SELECT * FROM pg_class WHERE relname IN (SELECT name FROM events)",
            false,
        ),
    ];
    for (text, expected) in cases {
        let statements = parse(text).unwrap();
        assert_eq!(reads_catalog(&statements[0]), expected, "{text}");
    }
}

#[test]
fn a_statement_is_only_so_deep() {
    let cases = [
        format!("SELECT 1{}", "+1".repeat(100_000)),
        format!("SELECT true{}", " OR true".repeat(30_000)),
        format!("SELECT {}1{}", "(".repeat(3000), ")".repeat(3000)),
        format!("SELECT 1{}", "::int".repeat(30_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(10_000)),
        format!("SELECT 1 FROM events{}", ", events".repeat(10_000)),
        format!("SELECT a{} FROM events", "[1]".repeat(10_000)),
    ];
    for text in cases {
        assert_eq!(code(&text), "54001", "{}", &text[..40]);
    }
    let many = "'arn:aws:iam::111122223333:role/r', ".repeat(10_000);
    let long = format!("SELECT * FROM roles WHERE role_arn IN ({many}NULL)");
    assert_eq!(orders(&long).len(), 1);
    let chain = format!("SELECT 1{}", "+1".repeat(podtrail_query::MOST_JOINTS - 1));
    // What walks down such a tree needs the stack that threads of the service have.
    let thread = std::thread::Builder::new().stack_size(podtrail_query::STACK_BYTES);
    let read = thread.spawn(move || orders(&chain).len()).unwrap();
    assert_eq!(read.join().unwrap(), 1);
}

#[test]
fn what_there_is_too_much_of_is_told_as_elsewhere() {
    let deep = format!("SELECT {}1{}", "(".repeat(100), ")".repeat(100));
    let long = format!("SELECT 1{}", "+1".repeat(3_000));
    let wide = format!("SELECT 1 FROM events{}", ", events".repeat(300));
    for (text, advice) in [
        (deep, "a query in FROM can go on"),
        (long, "more than 2000 operators and keywords"),
        (wide, "more than 200 relations"),
    ] {
        let refused = podtrail_query::check_size(&text).unwrap_err().to_string();
        assert!(refused.contains(advice), "{refused}");
        let failure = ErrorInfo::from(Sorter::new().read(&text).unwrap_err());
        assert_eq!((failure.code.as_str(), failure.message), ("54001", refused));
    }
}
