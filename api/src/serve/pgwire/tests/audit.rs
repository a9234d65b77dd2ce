//! What is noted of statements, and who may still ask.

use std::sync::Mutex;

use super::*;

/// Takes one password, as long as nothing is set to refuse it with.
#[derive(Default)]
struct Revocable(Mutex<Option<Refused>>);

impl Revocable {
    fn refuse(&self, with: Option<Refused>) {
        *self.0.lock().unwrap() = with;
    }
}

#[async_trait]
impl PasswordCheck for Revocable {
    async fn check(&self, password: &str) -> Result<String, Refused> {
        match (password, self.0.lock().unwrap().clone()) {
            ("right", None) => Ok("reader".to_owned()),
            ("right", Some(refused)) => Err(refused),
            _ => Err(Refused::Denied("no such token".to_owned())),
        }
    }
}

async fn guarded(bounds: Bounds) -> (Stage, Arc<Revocable>) {
    let auth = Arc::<Revocable>::default();
    let check: Arc<dyn PasswordCheck> = Arc::clone(&auth) as _;
    let stage = Stage::with(bounds, |options| options.auth = Some(check)).await;
    (stage, auth)
}

/// Gives text, state, error, who asked and how of the statements whose text begins so.
async fn noted(client: &Client, begin: &str) -> Vec<[Option<String>; 5]> {
    let sql = "SELECT query, state, error, \"by\", door FROM system.queries ORDER BY id";
    let begin = &begin[..begin.len().min(100)];
    texts(client, sql)
        .await
        .into_iter()
        .filter_map(|row| <[Option<String>; 5]>::try_from(row).ok())
        .filter(|[query, ..]| query.as_deref().is_some_and(|text| text.starts_with(begin)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_is_written_down_with_who_asked() {
    let (stage, _) = guarded(Bounds::default()).await;
    let client = stage.try_connect("password=right").await.unwrap();
    let sql = "SELECT 'mark', $1";
    let rows = client.query(sql, &[&"a value of mine"]).await.unwrap();
    assert_eq!(rows.len(), 1);
    let rows = noted(&client, sql).await;
    let [[_, state, error, by, door]] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    assert_eq!(state.as_deref(), Some("finished"));
    assert_eq!(error.as_deref(), None);
    assert_eq!(by.as_deref(), Some("reader"));
    assert_eq!(door.as_deref(), Some("postgresql"));
    assert!(!format!("{rows:?}").contains("a value of mine"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_comes_to_run_is_written_down_too() {
    let bounds = Bounds {
        text_bytes: 10_000,
        ..Bounds::default()
    };
    let (stage, _) = guarded(bounds).await;
    let client = stage.try_connect("password=right").await.unwrap();
    let long = format!("SELECT '{}'", "x".repeat(10_000));
    let deep = format!("SELECT 1{}", " + 1".repeat(2_200));
    for sql in [
        "DROP TABLE events",
        "COPY events FROM STDIN",
        "SELEC 1",
        "SELECT nothing_such FROM events",
        "SELECT * FROM nothing_such",
        "SET nothing_such = 1",
        "DECLARE c CURSOR FOR SELECT 1",
        "SELECT 1; SELECT 'open",
        &long,
        &deep,
    ] {
        assert_ne!(code(client.simple_query(sql).await), "no error", "{sql}");
        assert_eq!(noted(&client, sql).await.len(), 1, "{sql}");
        // SET is refused when it is run, else a statement is refused when it is prepared.
        assert_ne!(code(client.query(sql, &[]).await), "no error", "{sql}");
        let rows = noted(&client, sql).await;
        assert_eq!(rows.len(), 2, "{sql}");
        for [_, state, error, by, _] in rows {
            assert_eq!(state.as_deref(), Some("failed"), "{sql}");
            assert!(error.is_some_and(|error| !error.is_empty()), "{sql}");
            assert_eq!(by.as_deref(), Some("reader"), "{sql}");
        }
    }
    // What is answered without the engine is a statement of the connection alone.
    client
        .batch_execute("SET extra_float_digits = 3; BEGIN; COMMIT")
        .await
        .unwrap();
    assert!(noted(&client, "SET extra_float_digits").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_stays_out_of_what_is_noted() {
    let (stage, _) = guarded(Bounds::default()).await;
    let client = stage.try_connect("password=right").await.unwrap();
    let secret = "a-secret-value";
    let sql = "SELECT CAST(concat($1, 'x') AS INT)";
    let failure = client.query(sql, &[&secret]).await.unwrap_err();
    let told = failure.as_db_error().unwrap();
    assert!(told.message().contains(secret), "{told:?}");
    let rows = noted(&client, sql).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0][1].as_deref(), Some("failed"));
    assert!(!format!("{rows:?}").contains(secret), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_let_in_no_more_asks_nothing_more() {
    let (stage, auth) = guarded(Bounds::default()).await;
    for extended in [false, true] {
        auth.refuse(None);
        let client = stage.try_connect("password=right").await.unwrap();
        let prepared = client.prepare("SELECT 1").await.unwrap();
        assert_eq!(client.query(&prepared, &[]).await.unwrap().len(), 1);
        auth.refuse(Some(Refused::Denied("revoked".to_owned())));
        let refused = if extended {
            code(client.query(&prepared, &[]).await)
        } else {
            code(client.simple_query("SELECT 1").await)
        };
        assert_eq!(refused, "28000");
        let ended = async {
            while !client.is_closed() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, ended).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_checked_now_is_not_taken_for_revoked_and_asks_again_later() {
    let (stage, auth) = guarded(Bounds::default()).await;
    let client = stage.try_connect("password=right").await.unwrap();
    let prepared = client.prepare("SELECT 1").await.unwrap();
    auth.refuse(Some(Refused::Unavailable("no answer".to_owned())));
    let simple = client.simple_query("SELECT 1").await.map(|_| ());
    let extended = client.query(&prepared, &[]).await.map(|_| ());
    for refused in [simple, extended] {
        let refused = refused.unwrap_err();
        let told = refused.as_db_error().unwrap();
        assert_eq!((told.severity(), told.code().code()), ("ERROR", "58000"));
        let message = told.message();
        assert!(message.contains("cannot be checked"), "{message}");
    }
    let outside = stage.try_connect("password=right").await.err().unwrap();
    let told = outside.as_db_error().unwrap();
    assert_eq!((told.severity(), told.code().code()), ("FATAL", "57P03"));
    auth.refuse(None);
    assert_eq!(client.query(&prepared, &[]).await.unwrap().len(), 1);
}
