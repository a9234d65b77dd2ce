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

#[tokio::test(flavor = "multi_thread")]
async fn what_psql_asks_for_its_commands_is_answered() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let asked = include_str!("psql.sql");
    let mut count = 0;
    for sql in asked.split(";\n").filter(|sql| !sql.trim().is_empty()) {
        let answer = client.simple_query(sql).await;
        answer.unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
        count += 1;
    }
    assert_eq!(count, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn grafana_finds_the_tables_and_their_columns() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let tables = "select quote_ident(table_name) as \"table\" from information_schema.tables
        where quote_ident(table_schema) not in ('information_schema', 'pg_catalog')
          and quote_ident(table_schema) IN (
            SELECT
              CASE WHEN trim(s[i]) = '\"$user\"' THEN user ELSE trim(s[i]) END
            FROM
              generate_series(
                array_lower(string_to_array(current_setting('search_path'),','),1),
                array_upper(string_to_array(current_setting('search_path'),','),1)
              ) as i,
              string_to_array(current_setting('search_path'),',') s
            )";
    let names = texts(&client, tables).await.concat();
    assert!(names.contains(&Some("events".to_owned())), "{names:?}");
    assert!(names.contains(&Some("attribution".to_owned())));
    // That is in the schema `system`.
    assert!(!names.contains(&Some("data_files".to_owned())));
    let columns = "select quote_ident(column_name) as \"column\", data_type as \"type\"
        from information_schema.columns where quote_ident(table_name) = 'events'";
    let columns = texts(&client, columns).await;
    assert!(
        columns
            .iter()
            .any(|row| row[0].as_deref() == Some("event_time"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_database() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let rows = texts(&client, "SELECT datname FROM pg_catalog.pg_database").await;
    assert_eq!(rows, [[Some("podtrail".to_owned())]]);
    let sql = "SELECT oid FROM pg_database WHERE datname = current_database()";
    assert!(value(&client, sql).await.is_some());
}
