use super::*;

const NUMBERS: &str = "SELECT value FROM generate_series(1, 2500) ORDER BY value";

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_fetched_piece_by_piece() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    // As psqlODBC sends it.
    let begun = format!(
        "BEGIN;declare \"SQL_CUR1\" cursor with hold for {NUMBERS};fetch 100 in \"SQL_CUR1\""
    );
    assert_eq!(texts(&client, &begun).await.len(), 100);
    for (sql, first, count) in [
        ("FETCH NEXT FROM \"SQL_CUR1\"", Some("101"), 1),
        ("FETCH 0 FROM \"SQL_CUR1\"", None, 0),
        ("FETCH FORWARD 2000 FROM \"SQL_CUR1\"", Some("102"), 2000),
        ("FETCH ALL FROM \"SQL_CUR1\"", Some("2102"), 399),
        ("FETCH ALL FROM \"SQL_CUR1\"", None, 0),
    ] {
        let rows = texts(&client, sql).await;
        assert_eq!(rows.len(), count, "{sql}");
        let found = rows.first().and_then(|row| row[0].as_deref());
        assert_eq!(found, first, "{sql}");
    }
    client
        .batch_execute("CLOSE \"SQL_CUR1\"; COMMIT")
        .await
        .unwrap();
    stage.running(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_have_parameters_and_binary_rows() {
    let stage = Stage::new().await;
    let mut client = stage.connect().await;
    let transaction = client.transaction().await.unwrap();
    let sql = "DECLARE c CURSOR FOR SELECT value FROM generate_series(1, 9) WHERE value > $1 ORDER BY value";
    transaction.execute(sql, &[&7_i64]).await.unwrap();
    let rows = transaction.query("FETCH ALL FROM C", &[]).await.unwrap();
    let numbers: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(numbers, [8, 9]);
    transaction.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_end_with_their_transaction_unless_they_are_held() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let declare = |what: &str| format!("DECLARE c CURSOR {what} FOR {NUMBERS}");
    assert_eq!(code(client.simple_query(&declare("")).await), "25P01");
    for end in ["COMMIT", "ROLLBACK"] {
        let sql = format!("BEGIN; {}; {end}", declare(""));
        client.batch_execute(&sql).await.unwrap();
        assert_eq!(code(client.simple_query("FETCH 1 FROM c").await), "34000");
        assert_eq!(code(client.simple_query("CLOSE c").await), "34000");
        stage.running(0).await;
    }
    client.batch_execute(&declare("WITH HOLD")).await.unwrap();
    assert_eq!(
        texts(&client, "BEGIN; FETCH 2 FROM c; COMMIT").await.len(),
        2
    );
    assert_eq!(texts(&client, "FETCH 2 FROM c").await.len(), 2);
    let again = client.simple_query(&declare("WITH HOLD")).await;
    assert_eq!(code(again), "42P03");
    client.batch_execute("DISCARD ALL").await.unwrap();
    assert_eq!(code(client.simple_query("FETCH 1 FROM c").await), "34000");
    stage.running(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_amid_its_rows_does_not_look_whole() {
    let stage = Stage::new().await;
    let client = stage.connect().await;
    let sql =
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1 / (value - 90000) FROM generate_series(1, 100000)";
    client.batch_execute(sql).await.unwrap();
    assert_eq!(texts(&client, "FETCH 10 FROM c").await.len(), 10);
    assert_eq!(code(client.simple_query("FETCH ALL FROM c").await), "22012");
    assert_eq!(code(client.simple_query("FETCH ALL FROM c").await), "34000");
    let written = client.batch_execute("DECLARE d CURSOR WITH HOLD FOR DROP TABLE events");
    assert_ne!(code(written.await), "no error");
}
