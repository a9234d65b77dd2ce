//! The real service: `podtrail serve` as a process of its own, and a client that speaks HTTP with it.

use std::future::Future;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, UNIX_EPOCH};

use reqwest::header::{ACCEPT, HeaderMap};
use serde_json::{Value, json};
use url::Url;

use crate::program;

/// How long a test waits for what has to come.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// What the service says when it listens.
const GREETING: &str = "podtrail serves ";

/// Looks again and again until there is something, at most for [`PATIENCE`].
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "never came: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// What a process has written to standard error so far.
#[derive(Debug, Default)]
struct Log {
    text: Mutex<(String, bool)>,
    changed: Condvar,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, (String, bool)> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads until the end.
    fn fill(&self, from: impl Read) {
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            self.lock().0.push_str(&String::from_utf8_lossy(&line));
            self.changed.notify_all();
            line.clear();
        }
        self.lock().1 = true;
        self.changed.notify_all();
    }

    /// Waits for an address, none where the process ends without one.
    fn address(&self) -> Option<String> {
        let end = Instant::now() + PATIENCE;
        let mut log = self.lock();
        loop {
            let line = log.0.lines().find_map(|line| line.strip_prefix(GREETING));
            if let Some(address) = line {
                return Some(address.trim().to_owned());
            }
            if log.1 || Instant::now() > end {
                return None;
            }
            log = self
                .changed
                .wait_timeout(log, LOOK)
                .map_or_else(|error| error.into_inner().0, |(log, _)| log);
        }
    }
}

/// A running service. Dropped, it is killed.
#[derive(Debug)]
pub struct Service {
    child: Child,
    address: String,
    log: Arc<Log>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Service {
    /// Starts the service on a store and waits until it is ready.
    pub async fn start(store: &Path, arguments: &[&str]) -> Self {
        let service = Self::started(store, arguments, &[]);
        service.ready(&service.client()).await;
        service
    }

    /// Starts the service, with settings in the environment, and waits until it listens.
    pub fn started(store: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut all = vec!["serve"];
        if !arguments.contains(&"--listen") {
            all.extend(["--listen", "127.0.0.1:0"]);
        }
        all.extend(arguments);
        let mut command = program::command(store, &all);
        command.envs(environment.iter().copied());
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("podtrail runs");
        let log = Arc::<Log>::default();
        let filled = Arc::clone(&log);
        let stderr = child.stderr.take().expect("piped");
        let reader = std::thread::spawn(move || filled.fill(stderr));
        let Some(address) = log.address() else {
            // What panics here drops nothing that would end it.
            let _ = child.kill();
            let _ = child.wait();
            panic!("the service does not listen: {}", log.lock().0);
        };
        Self {
            child,
            address,
            log,
            reader: Some(reader),
        }
    }

    /// Waits until `/readyz` says so.
    pub async fn ready(&self, client: &Client) {
        eventually("a service that is ready", || async {
            let answer = client.try_get("/readyz").await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
    }

    /// Gives scheme, host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Gives host and port.
    pub fn authority(&self) -> &str {
        self.address
            .split_once("://")
            .map_or(self.address.as_str(), |(_, authority)| authority)
    }

    /// Makes a client. Each test needs one of its own: connections belong to its runtime.
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Gives what it has written to standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().0.clone()
    }

    /// Gives the most memory that it had resident, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("a process that runs has a status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("a status has the peak");
        let kib = line.trim().trim_end_matches(" kB");
        kib.parse::<u64>().expect("a number") << 10
    }

    /// Tells whether it runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends SIGTERM.
    pub fn ask_to_end(&self) {
        let sent = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for its end. Gives its exit code, none where a signal ended it, and all that it wrote to standard error.
    pub async fn ended(mut self) -> (Option<i32>, String) {
        let mut child = std::mem::replace(&mut self.child, nobody());
        let status = eventually("the end of the service", || {
            let status = child.try_wait().expect("a child can be waited for");
            async move { status }
        })
        .await;
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader ends");
        }
        (status.code(), self.log())
    }

    /// Sends SIGTERM and waits for its end, as [`Service::ended`].
    pub async fn terminate(self) -> (Option<i32>, String) {
        self.ask_to_end();
        self.ended().await
    }
}

/// A process that has nothing to do, in place of one that is taken away.
fn nobody() -> Child {
    Command::new("true").spawn().expect("true runs")
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service that the tests of one binary share: it runs as long as one of them has it.
#[derive(Debug, Default)]
pub struct Shared(tokio::sync::Mutex<Weak<Service>>);

impl Shared {
    /// Makes a place for it.
    pub const fn new() -> Self {
        Self(tokio::sync::Mutex::const_new(Weak::new()))
    }

    /// Gives the service, on the [`demo`].
    pub async fn get(&self, arguments: &[&str]) -> Arc<Service> {
        let mut shared = self.0.lock().await;
        if let Some(service) = shared.upgrade() {
            return service;
        }
        let service = Arc::new(Service::start(&demo(), arguments).await);
        *shared = Arc::downgrade(&service);
        service
    }
}

/// Gives the store of a demo that is the same everywhere. Only for reading: it is kept for the next test.
pub fn demo() -> PathBuf {
    static MADE: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.get_or_insert_with(make_demo).join("store")
}

/// Gives the folder of the trail that the demo was read from.
pub fn demo_trail() -> PathBuf {
    demo().with_file_name("trail")
}

/// Makes the demo with the binary at hand, where it has not been made yet.
fn make_demo() -> PathBuf {
    let binary = std::fs::metadata(program::path()).expect("podtrail is built");
    let changed = binary.modified().expect("files have times");
    let changed = changed.duration_since(UNIX_EPOCH).expect("after 1970");
    // This test is <target>/debug/deps/<test>.
    let test = std::env::current_exe().expect("a test has a path");
    let target = test.ancestors().nth(3).expect("tests lie in deps");
    let all = target.join("tmp").join("demo");
    let folder = all.join(format!("{}-{}", changed.as_nanos(), binary.len()));
    if folder.is_dir() {
        return folder;
    }
    // Those of binaries before this one.
    let _ = std::fs::remove_dir_all(&all);
    std::fs::create_dir_all(&all).expect("a place for the demo");
    let making = tempfile::tempdir_in(&all).expect("a place for the demo");
    let made = Command::new(program::path())
        .args([
            "demo",
            "--no-serve",
            "--quiet",
            "--seed",
            "1",
            "--hours",
            "12",
        ])
        .args(["--end", "2026-05-02T00:00:00Z", "--folder"])
        .arg(making.path())
        .stdout(Stdio::null())
        .status()
        .expect("podtrail runs");
    assert!(made.success(), "the demo cannot be made");
    std::fs::rename(making.keep(), &folder).expect("the demo gets its name");
    folder
}

/// A copy of the demo's store, for tests that change it.
#[derive(Debug)]
pub struct OwnStore {
    folder: tempfile::TempDir,
}

impl OwnStore {
    /// Copies the demo.
    pub fn of_demo() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(&demo(), &folder.path().join("store"));
        Self { folder }
    }

    /// Gives the folder that holds the store, for other files of the test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gives the store.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Ingests records as one more file.
    pub fn ingest(&self, name: &str, records: &[Value]) {
        let input = self.folder.path().join("input");
        std::fs::create_dir_all(&input).expect("a place for input");
        let file = input.join(name);
        std::fs::write(&file, json!({ "Records": records }).to_string()).expect("input");
        program::run(
            &self.store(),
            &["ingest", "--quiet", file.to_str().expect("a name")],
        )
        .expect(0);
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Demands a status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Gives a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Gives the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Gives the body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// Gives the member `items`.
    #[track_caller]
    pub fn items(&self) -> Vec<Value> {
        match self.json()["items"].take() {
            Value::Array(items) => items,
            other => panic!("no items: {other}"),
        }
    }

    /// Demands a problem document of this status, whose request id is that of the header.
    #[track_caller]
    pub fn problem(self, status: u16) -> Value {
        let answer = self.expect(status);
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{}",
            answer.text()
        );
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        assert_eq!(
            problem["request_id"].as_str(),
            answer.header("x-request-id"),
            "{problem}"
        );
        assert!(problem["title"].is_string(), "{problem}");
        problem
    }
}

/// Speaks with a service.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    address: String,
    token: Option<String>,
}

impl Client {
    /// Makes a client of a service at this address.
    pub fn new(address: &str) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE * 2)
            .build()
            .expect("a client");
        Self::with(http, address)
    }

    /// Makes a client of a certain kind.
    pub fn with(http: reqwest::Client, address: &str) -> Self {
        Self {
            http,
            address: address.to_owned(),
            token: None,
        }
    }

    /// Gives a client that shows a token.
    pub fn bearing(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// Gives the URL of a path with these parameters.
    pub fn url(&self, path: &str, parameters: &[(&str, &str)]) -> Url {
        let mut url = Url::parse(&format!("{}{path}", self.address)).expect("a URL");
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        url
    }

    /// Prepares a request.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, self.url(path, &[]));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// Where no whole answer comes.
    pub async fn try_send(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await?.to_vec(),
        })
    }

    /// Sends a request and reads the whole answer, which has to come.
    pub async fn send(request: reqwest::RequestBuilder) -> Answer {
        Self::try_send(request).await.expect("a whole answer")
    }

    /// Gets a path, which may have a query.
    ///
    /// # Errors
    /// As [`Client::try_send`].
    pub async fn try_get(&self, path: &str) -> reqwest::Result<Answer> {
        Self::try_send(self.request("GET", path)).await
    }

    /// Gets a path, which may have a query.
    pub async fn get(&self, path: &str) -> Answer {
        Self::send(self.request("GET", path)).await
    }

    /// Gets a path in a form.
    pub async fn get_as(&self, path: &str, accept: &str) -> Answer {
        Self::send(self.request("GET", path).header(ACCEPT, accept)).await
    }

    /// Gets a list with parameters.
    pub async fn list(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        let url = self.url(path, parameters);
        let target = &url[url::Position::BeforePath..];
        self.get(target).await
    }

    /// Prepares a request to `/api/v1/sql`.
    pub fn statement(&self, body: &Value) -> reqwest::RequestBuilder {
        self.request("POST", "/api/v1/sql").json(body)
    }

    /// Asks `/api/v1/sql`.
    pub async fn post_sql(&self, body: &Value) -> Answer {
        Self::send(self.statement(body)).await
    }

    /// Gives all rows of a statement.
    pub async fn sql(&self, query: &str) -> Vec<Value> {
        let answer = self
            .post_sql(&json!({"query": query, "limit": 1_000_000}))
            .await
            .expect(200);
        assert_eq!(answer.json()["truncated"], false);
        answer.items()
    }
}
