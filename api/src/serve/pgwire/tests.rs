//! Real clients against a listener on loopback.

mod audit;
mod catalog;
mod cursors;
mod limits;
mod protocol;

use std::path::Path;
use std::sync::RwLock;

use podtrail_ingest::source::local::LocalFiles;
use podtrail_ingest::store::Store;
use podtrail_query::{Bounds, Engine, Limits};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::*;

/// Waits for what must come; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_mins(1);
/// A statement that takes far longer than any test.
const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 1000000000000) WHERE value % 7 = 8";

struct Current(RwLock<Arc<Session>>);

impl Snapshots for Current {
    fn current(&self) -> Arc<Session> {
        Arc::clone(&self.0.read().unwrap())
    }
}

/// A store, and a service over it.
struct Stage {
    folder: TempDir,
    engine: Engine,
    snapshots: Arc<Current>,
    executor: Executor,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    service: JoinHandle<anyhow::Result<()>>,
}

impl Stage {
    async fn new() -> Self {
        Self::with(Bounds::default(), |_| {}).await
    }

    async fn with(bounds: Bounds, change: impl FnOnce(&mut PgOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(&folder.path().join("store"), true).unwrap();
        store.create_tables().await.unwrap();
        let engine = Engine::new(store, &Limits::new(2)).unwrap();
        let session = Arc::new(engine.session().await.unwrap());
        let snapshots = Arc::new(Current(RwLock::new(session)));
        let queries = Arc::clone(engine.queries());
        let runtime = tokio::runtime::Handle::current();
        let executor = Executor::new(runtime, bounds, Some(queries), chrono::Utc::now);
        let newest: Arc<dyn Snapshots> = Arc::clone(&snapshots) as _;
        let mut options = PgOptions::new(executor.clone(), newest);
        change(&mut options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let service = tokio::spawn(serve(listener, options, async {
            let _ = stopped.await;
        }));
        Self {
            folder,
            engine,
            snapshots,
            executor,
            address,
            stop: Some(stop),
            service,
        }
    }

    async fn connect(&self) -> Client {
        self.try_connect("").await.unwrap()
    }

    async fn try_connect(&self, more: &str) -> Result<Client, tokio_postgres::Error> {
        let config = format!(
            "host=127.0.0.1 port={} user=somebody dbname=podtrail {more}",
            self.address.port()
        );
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Ingests records and takes the new snapshot into service.
    async fn ingest(&self, records: &[serde_json::Value]) {
        let path = self.folder.path().join("records.json");
        let text = serde_json::json!({ "Records": records }).to_string();
        std::fs::write(&path, text).unwrap();
        self.ingest_file(&path).await;
    }

    async fn ingest_file(&self, path: &Path) {
        let source = LocalFiles::new(path.to_str().unwrap(), None).unwrap();
        let options = podtrail_ingest::Options::new(1, || 1_790_000_000_000_000);
        let summary = podtrail_ingest::run(self.engine.store(), Arc::new(source), options, &());
        assert!(!summary.await.unwrap().has_problems());
        *self.snapshots.0.write().unwrap() = Arc::new(self.engine.session().await.unwrap());
    }

    /// Waits until so many statements run.
    async fn running(&self, count: usize) {
        let settled = async {
            while self.executor.running() != count {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, settled).await.unwrap();
    }
}

fn record(id: &str) -> serde_json::Value {
    serde_json::json!({
        "eventVersion": "1.11",
        "eventTime": "2026-05-01T10:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": "arn:aws:iam::111122223333:user/somebody",
            "accountId": "111122223333",
        },
        "eventID": id,
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    })
}

/// Gives the code of an error.
fn code<T>(result: Result<T, tokio_postgres::Error>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(failure) => match failure.as_db_error() {
            Some(failure) => failure.code().code().to_owned(),
            None => failure.to_string(),
        },
    }
}

/// Gives the rows of a text's statements, as texts.
async fn texts(client: &Client, sql: &str) -> Vec<Vec<Option<String>>> {
    let messages = client.simple_query(sql).await.unwrap();
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|at| row.get(at).map(str::to_owned))
                    .collect(),
            ),
            _ => None,
        })
        .collect()
}

/// Gives the one value of a statement.
async fn value(client: &Client, sql: &str) -> Option<String> {
    texts(client, sql).await.remove(0).remove(0)
}
