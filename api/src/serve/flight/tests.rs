//! The protocol, as a client meets it, over a store without events.
#![allow(clippy::unwrap_used)]

mod columns;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Int64Type};
use arrow::ipc::reader::StreamReader;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{
    CommandGetDbSchemas, CommandGetExportedKeys, CommandGetPrimaryKeys, CommandGetTables,
    CommandGetXdbcTypeInfo, SqlInfo,
};
use arrow_flight::{Action, FlightInfo};
use axum::Router;
use axum::body::Body;
use chrono::Utc;
use futures::TryStreamExt;
use http_body_util::BodyExt;
use podtrail_ingest::store::Store;
use podtrail_query::{Bounds, Engine, Executor, Limits};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::Code;
use tonic::transport::Channel;
use tower::ServiceExt;

use crate::serve::access::Access;
use crate::serve::auth::{Authenticator, Scope, Scopes, TokenFile, Tokens};
use crate::serve::layers::HttpLimits;
use crate::serve::listen::{ListenOptions, serve};
use crate::serve::schedule::Schedules;
use crate::serve::served::Served;
use crate::serve::state::State;

type Client = FlightSqlServiceClient<Channel>;

/// Rows without end, as far as anybody waits for them.
const ENDLESS: &str =
    "SELECT a.value FROM generate_series(1, 100000) a CROSS JOIN generate_series(1, 100000) b";

/// A service that listens, and stops when it is dropped.
struct Service {
    router: Router,
    address: String,
    _stop: oneshot::Sender<()>,
    _folder: tempfile::TempDir,
}

impl Service {
    async fn start() -> Self {
        Self::with(|_| Access::Loopback, HttpLimits::default()).await
    }

    async fn with(access: impl FnOnce(&Path) -> Access, limits: HttpLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(&folder.path().join("store"), true).unwrap();
        store.create_tables().await.unwrap();
        let engine = Engine::new(store, &Limits::new(2)).unwrap();
        let queries = Arc::clone(engine.queries());
        let served = Arc::new(Served::open(engine, Utc::now).await.unwrap());
        let handle = tokio::runtime::Handle::current();
        let state = State {
            served,
            remembered: Arc::default(),
            reports: Executor::new(handle.clone(), Bounds::default(), None, Utc::now),
            sql: Executor::new(handle, Bounds::default(), Some(queries), Utc::now),
            schedules: Arc::new(Schedules::default()),
            metrics: None,
            clock: Utc::now,
        };
        let router = crate::serve::router(state, &access(folder.path()), &limits, false);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let options = ListenOptions::default();
        tokio::spawn(serve(listener, router.clone(), options, async {
            let _ = stopped.await;
        }));
        Self {
            router,
            address,
            _stop: stop,
            _folder: folder,
        }
    }

    async fn client(&self) -> Client {
        let channel = Channel::from_shared(self.address.clone()).unwrap();
        FlightSqlServiceClient::new(channel.connect().await.unwrap())
    }

    /// Asks the HTTP API.
    async fn http(&self, sql: &str, accept: &str) -> Vec<u8> {
        let request = http::Request::post("/api/v1/sql")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("accept", accept)
            .body(Body::from(json!({ "query": sql }).to_string()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap();
        body.to_bytes().to_vec()
    }
}

fn tokens(folder: &Path, scope: Scope) -> (Access, String) {
    let path = folder.join("tokens.jsonl");
    let file = TokenFile::open(&path).unwrap();
    let scopes = Scopes::from_iter([scope]);
    let (_, secret) = file.create("ci", scopes, None, Utc::now()).unwrap();
    let tokens = Tokens::load(&path, Utc::now()).unwrap();
    let access = Access::Tokens(Arc::new(Authenticator::new(Some(tokens), None)));
    (access, secret.expose().to_owned())
}

async fn stream(client: &mut Client, info: FlightInfo) -> FlightRecordBatchStream {
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    client.do_get(ticket).await.unwrap()
}

/// Reads all rows; they have the columns that were promised.
async fn rows(client: &mut Client, info: FlightInfo) -> RecordBatch {
    let promised = Arc::new(info.clone().try_decode_schema().unwrap());
    let rows = stream(client, info).await;
    let rows: Vec<RecordBatch> = rows.try_collect().await.unwrap();
    concat_batches(&promised, &rows).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T, FlightError>) -> (Code, String) {
    match result.unwrap_err() {
        FlightError::Tonic(status) => (status.code(), status.message().to_owned()),
        error => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_those_of_the_http_api() {
    let service = Service::start().await;
    let mut client = service.client().await;
    for sql in [
        "SELECT * FROM system.functions ORDER BY name",
        // A type that only the analysis of the plan tells, a dictionary, and nulls.
        "SELECT 1 AS n UNION ALL SELECT 2.5 ORDER BY n",
        "SELECT arrow_cast('a', 'Dictionary(Int32, Utf8)') AS a, NULL AS b, now() AS c WHERE false",
        "SELECT value, CASE WHEN value % 3 = 0 THEN repeat('ä', 300) END AS text \
         FROM generate_series(1, 9000) ORDER BY value",
        "SELECT * FROM attribution",
    ] {
        let info = client.execute(sql.to_owned(), None).await.unwrap();
        let flight = rows(&mut client, info).await;
        let body = service
            .http(sql, "application/vnd.apache.arrow.stream")
            .await;
        let reader = StreamReader::try_new(body.as_slice(), None).unwrap();
        let schema = reader.schema();
        let http: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
        let http = concat_batches(&schema, &http).unwrap();
        assert_eq!(flight.num_rows(), http.num_rows(), "{sql}");
        for (place, field) in flight.schema().fields().iter().enumerate() {
            assert_eq!(field.name(), schema.field(place).name());
            let same = arrow::compute::cast(http.column(place), field.data_type()).unwrap();
            assert_eq!(flight.column(place), &same, "{sql}: {}", field.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_statement_takes_values_again_and_again() {
    let service = Service::start().await;
    let mut client = service.client().await;
    let sql = "SELECT value, $2 AS text FROM generate_series(1, 9) WHERE value > $1";
    let mut prepared = client.prepare(sql.to_owned(), None).await.unwrap();
    let parameters = prepared.parameter_schema().unwrap();
    let kinds: Vec<_> = parameters
        .fields()
        .iter()
        .map(|field| (field.name().as_str(), field.data_type().clone()))
        .collect();
    assert_eq!(kinds, [("$1", DataType::Int64), ("$2", DataType::Utf8)]);
    let columns = prepared.dataset_schema().unwrap();
    assert_eq!(columns.field(0).name(), "value");

    for (above, text, count) in [(7, "a", 2), (9, "b'; --", 0), (0, "c", 9)] {
        let values = RecordBatch::try_from_iter([
            ("0", Arc::new(Int64Array::from(vec![above])) as ArrayRef),
            ("1", Arc::new(StringArray::from(vec![text])) as ArrayRef),
        ])
        .unwrap();
        prepared.set_parameters(values).unwrap();
        let info = prepared.execute().await.unwrap();
        let rows = rows(&mut client, info).await;
        assert_eq!(rows.num_rows(), count);
        assert!(
            rows.column(1)
                .as_string::<i32>()
                .iter()
                .all(|got| got == Some(text))
        );
    }
    prepared.close().await.unwrap();

    // Values that are missing, superfluous, or of no meaning.
    let mut open = client.prepare(sql.to_owned(), None).await.unwrap();
    let info = open.execute().await.unwrap();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let (missing, text) = code(client.do_get(ticket).await.map(drop));
    assert_eq!(missing, Code::InvalidArgument, "{text}");
    for sql in ["SELECT 1", "SELECT $1, $2"] {
        let mut prepared = client.prepare(sql.to_owned(), None).await.unwrap();
        let one = Arc::new(Int64Array::from(vec![1])) as ArrayRef;
        let values = RecordBatch::try_from_iter([("a", one)]).unwrap();
        prepared.set_parameters(values).unwrap();
        let (refused, text) = code(prepared.execute().await);
        assert_eq!(refused, Code::InvalidArgument, "{sql}: {text}");
    }
    for sql in ["SELECT $name", "SELECT $4000000000"] {
        let (refused, _) = code(client.prepare(sql.to_owned(), None).await.map(drop));
        assert_eq!(refused, Code::InvalidArgument, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drivers_learn_what_there_is() {
    let service = Service::start().await;
    let mut client = service.client().await;
    let names = |rows: &RecordBatch, column: &str| -> Vec<String> {
        let column = rows.column_by_name(column).unwrap();
        let texts = column.as_string::<i32>().iter();
        texts.map(|text| text.unwrap().to_owned()).collect()
    };

    let info = client.get_catalogs().await.unwrap();
    let catalogs = rows(&mut client, info).await;
    assert_eq!(names(&catalogs, "catalog_name").len(), 1);
    let info = client
        .get_db_schemas(CommandGetDbSchemas {
            catalog: None,
            db_schema_filter_pattern: Some("sys%".to_owned()),
        })
        .await
        .unwrap();
    let schemas = rows(&mut client, info).await;
    assert_eq!(names(&schemas, "db_schema_name"), ["system"]);

    let mut wanted = CommandGetTables {
        table_name_filter_pattern: Some("attribution".to_owned()),
        include_schema: true,
        ..CommandGetTables::default()
    };
    let info = client.get_tables(wanted.clone()).await.unwrap();
    let tables = rows(&mut client, info).await;
    assert_eq!(names(&tables, "table_name"), ["attribution"]);
    let columns = tables.column_by_name("table_schema").unwrap();
    let columns = columns.as_binary::<i32>().value(0);
    let columns = arrow::ipc::convert::try_schema_from_ipc_buffer(columns).unwrap();
    columns.field_with_name("access_path").unwrap();
    wanted.table_name_filter_pattern = None;
    wanted.table_types = vec!["TABLE".to_owned()];
    let info = client.get_tables(wanted).await.unwrap();
    assert!(names(&rows(&mut client, info).await, "table_name").contains(&"events".to_owned()));

    let info = client.get_table_types().await.unwrap();
    assert_eq!(
        names(&rows(&mut client, info).await, "table_type"),
        ["TABLE", "VIEW"]
    );
    let asked = vec![
        SqlInfo::FlightSqlServerName,
        SqlInfo::FlightSqlServerReadOnly,
    ];
    let info = client.get_sql_info(asked).await.unwrap();
    assert_eq!(rows(&mut client, info).await.num_rows(), 2);
    let info = client
        .get_primary_keys(CommandGetPrimaryKeys::default())
        .await
        .unwrap();
    assert_eq!(rows(&mut client, info).await.num_rows(), 0);
    let info = client
        .get_exported_keys(CommandGetExportedKeys::default())
        .await
        .unwrap();
    assert_eq!(rows(&mut client, info).await.num_rows(), 0);
    let info = client
        .get_xdbc_type_info(CommandGetXdbcTypeInfo::default())
        .await
        .unwrap();
    assert_eq!(rows(&mut client, info).await.num_rows(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_writes_and_every_refusal_says_why() {
    let service = Service::start().await;
    let mut client = service.client().await;
    let invalid = "CREATE TABLE t AS SELECT 1; INSERT INTO events VALUES (1); SELECT; \
         SELECT * FROM none; COPY events TO '/tmp/x'";
    for sql in invalid.split("; ") {
        let (refused, text) = code(client.execute(sql.to_owned(), None).await);
        assert_eq!(refused, Code::InvalidArgument, "{sql}: {text}");
        assert!(!text.is_empty());
    }
    let long = format!("SELECT 1 -- {}", "x".repeat(300 << 10));
    let (refused, text) = code(client.execute(long, None).await);
    assert_eq!(refused, Code::InvalidArgument);
    assert!(text.contains("longer than"), "{text}");
    let huge = format!("SELECT 1 -- {}", "x".repeat(2 << 20));
    code(client.execute(huge, None).await);

    let update = client.execute_update("DROP TABLE events".to_owned(), None);
    let (refused, text) = code(update.await);
    assert_eq!(
        (refused, text.as_str()),
        (Code::Unimplemented, "podtrail's SQL only reads")
    );
    let (refused, _) = code(client.begin_transaction().await);
    assert_eq!(refused, Code::Unimplemented);
    let transaction = Some("t".into());
    let (refused, _) = code(client.execute("SELECT 1".to_owned(), transaction).await);
    assert_eq!(refused, Code::Unimplemented);
    let action = Action::new("CloseSession", "");
    let status = client.inner_mut().do_action(action).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);

    // What a client was refused is found where what it ran is.
    let told =
        "SELECT count(*) AS n FROM system.queries WHERE door = 'flight' AND state = 'failed'";
    let told: Value =
        serde_json::from_slice(&service.http(told, "application/json").await).unwrap();
    assert_eq!(told["items"][0]["n"], json!(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_among_the_rows_have_codes_too() {
    let service = Service::start().await;
    let mut client = service.client().await;
    let info = client.execute(ENDLESS.to_owned(), None).await.unwrap();
    let mut stream = stream(&mut client, info).await;
    let mut count = 0;
    let error = loop {
        match stream.try_next().await {
            Ok(Some(batch)) => count += batch.num_rows(),
            Ok(None) => panic!("{count} rows, and no more"),
            Err(error) => break error,
        }
    };
    let (exceeded, text) = code::<()>(Err(error));
    assert_eq!(exceeded, Code::ResourceExhausted, "{text}");
    assert!(count > 900_000);
    let sql = "SELECT 1 / (value - 1) FROM generate_series(1, 2)";
    let info = client.execute(sql.to_owned(), None).await.unwrap();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let (divided, _) = code(client.do_get(ticket).await.map(drop));
    assert_eq!(divided, Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_its_statement() {
    let service = Service::start().await;
    let mut client = service.client().await;
    let info = client.execute(ENDLESS.to_owned(), None).await.unwrap();
    let mut stream = stream(&mut client, info).await;
    assert!(stream.try_next().await.unwrap().is_some());
    let states = "SELECT state FROM system.queries WHERE door = 'flight'";
    let state = async || -> Value {
        let told = service.http(states, "application/json").await;
        let mut told: Value = serde_json::from_slice(&told).unwrap();
        told["items"][0]["state"].take()
    };
    assert_eq!(state().await, json!("running"));
    drop(stream);
    let ended = async {
        while state().await == json!("running") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), ended)
        .await
        .unwrap();
    assert_eq!(state().await, json!("cancelled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_has_a_token_is_answered() {
    let mut token = String::new();
    let service = Service::with(
        |folder| {
            let (access, secret) = tokens(folder, Scope::Sql);
            token = secret;
            access
        },
        HttpLimits::default(),
    )
    .await;
    let mut client = service.client().await;
    let ask = "SELECT 1 AS one".to_owned();
    for wrong in [None, Some("pt_wrong"), Some("a b")] {
        match wrong {
            Some(wrong) => client.set_token(wrong.to_owned()),
            None => client.clear_token(),
        }
        let (refused, text) = code(client.execute(ask.clone(), None).await);
        assert_eq!(refused, Code::Unauthenticated, "{text}");
        assert!(text.contains("token"), "{text}");
    }
    client.clear_token();
    let refused = client.handshake("me", "pt_wrong").await.unwrap_err();
    assert!(refused.to_string().contains("invalid token"), "{refused}");

    let payload = client.handshake("me", &token).await.unwrap();
    assert_eq!(payload, token.as_bytes());
    assert_eq!(client.token(), Some(&token));
    let info = client.execute(ask.clone(), None).await.unwrap();
    let one = rows(&mut client, info).await;
    assert_eq!(one.column(0).as_primitive::<Int64Type>().value(0), 1);
    // A password opens the handshake alone.
    let mut other = service.client().await;
    other.set_header("authorization", "Basic bWU6cHQ=");
    let (refused, _) = code(other.execute(ask, None).await);
    assert_eq!(refused, Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_gate_and_shell_are_of_grpc() {
    let mut token = String::new();
    let service = Service::with(
        |folder| {
            let (access, secret) = tokens(folder, Scope::Read);
            token = secret;
            access
        },
        HttpLimits::default(),
    )
    .await;
    let mut client = service.client().await;
    client.set_token(token);
    let (refused, text) = code(client.execute("SELECT 1".to_owned(), None).await);
    assert_eq!(refused, Code::PermissionDenied);
    assert!(text.contains("scope sql"), "{text}");

    let limits = HttpLimits {
        in_flight: 0,
        ..HttpLimits::default()
    };
    let service = Service::with(|_| Access::Loopback, limits).await;
    let mut client = service.client().await;
    let (refused, _) = code(client.execute("SELECT 1".to_owned(), None).await);
    assert_eq!(refused, Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_grpc_gets_a_problem() {
    let service = Service::start().await;
    let path = "/arrow.flight.protocol.FlightService/DoGet";
    for (kind, host, status) in [
        ("text/plain", "localhost", 415),
        ("application/grpc-web", "localhost", 415),
        ("application/json", "evil.example", 421),
    ] {
        let request = http::Request::post(path)
            .header("host", host)
            .header("content-type", kind)
            .body(Body::empty())
            .unwrap();
        let response = service.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{kind}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
    }
    let request = http::Request::post("/none")
        .header("host", "localhost")
        .header("content-type", "application/grpc")
        .body(Body::empty())
        .unwrap();
    let response = service.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "12");
}
