use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn object_ids_outlive_a_snapshot() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let sql = "SELECT c.oid, c.relname, c.relkind FROM pg_catalog.pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'public' ORDER BY c.relname";
    let before = texts(&client, sql).await;
    let names: Vec<_> = before.iter().filter_map(|row| row[1].as_deref()).collect();
    assert!(
        names.contains(&"events") && names.contains(&"attribution"),
        "{names:?}"
    );
    let oid = value(&client, "SELECT 'events'::regclass::oid").await;
    assert!(
        before
            .iter()
            .any(|row| row[0] == oid && row[1].as_deref() == Some("events"))
    );
    stage.ingest(&[record("one")]).await;
    assert_eq!(texts(&client, sql).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_have_types() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let sql = "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a \
               WHERE a.attrelid = 'events'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
    let columns = texts(&client, sql).await;
    let type_of = |name: &str| {
        let column = columns.iter().find(|row| row[0].as_deref() == Some(name));
        column.and_then(|row| row[1].clone())
    };
    assert_eq!(type_of("event_name").as_deref(), Some("text"));
    assert_eq!(
        type_of("event_time").as_deref(),
        Some("timestamp with time zone")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn json_values_are_texts() {
    let stage = Stage::new().await;
    stage.ingest(&[record("one")]).await;
    let client = stage.connect().await;
    let sql = "SELECT request_parameters->'filterSet' FROM events";
    assert_eq!(client.query(sql, &[]).await.unwrap().len(), 1);
    assert_eq!(texts(&client, sql).await, vec![vec![None]]);
    let nested = "SELECT array_agg(request_parameters->'filterSet') FROM events";
    assert_eq!(code(client.query(nested, &[]).await), "0A000");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_and_view_can_be_read() {
    let stage = Stage::new().await;
    stage.ingest(&[record("one")]).await;
    let client = stage.connect().await;
    let sql = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('public', 'system')";
    let tables = texts(&client, sql).await;
    assert!(tables.len() > 40, "{}", tables.len());
    for table in tables {
        let [Some(schema), Some(name)] = table.as_slice() else {
            panic!("a table without a name");
        };
        let sql = format!("SELECT * FROM {schema}.{name} LIMIT 2");
        let binary = client.query(&sql, &[]).await;
        let binary = binary.unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        assert_eq!(texts(&client, &sql).await.len(), binary.len(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_ask_first_is_answered() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let version = value(&client, "select pg_catalog.version()").await.unwrap();
    assert!(version.starts_with("PostgreSQL 16."), "{version}");
    let cases = [
        (
            "SELECT current_setting('server_version_num')::int / 100",
            Some("1600"),
        ),
        ("SELECT current_setting('nothing.such', true)", None),
        ("SELECT current_schema()", Some("public")),
        ("SELECT current_database()", Some("podtrail")),
        ("SHOW standard_conforming_strings", Some("on")),
        ("SELECT pg_advisory_unlock_all()", None),
    ];
    for (sql, expected) in cases {
        assert_eq!(value(&client, sql).await.as_deref(), expected, "{sql}");
    }
    assert_eq!(
        code(
            client
                .simple_query("SELECT current_setting('nothing.such')")
                .await
        ),
        "42704"
    );
    client
        .batch_execute("CLOSE ALL; UNLISTEN *; RESET ALL")
        .await
        .unwrap();
    // Other doors know nothing of all this.
    let session = stage.snapshots.current();
    assert!(
        session
            .plan("SELECT * FROM pg_catalog.pg_class")
            .await
            .is_err()
    );
    assert!(session.plan("SELECT pg_backend_pid()").await.is_err());
}
