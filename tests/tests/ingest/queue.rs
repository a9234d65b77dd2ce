//! A queue that is followed, against moto's server (`PODTRAIL_MOTO` is its URL; tests/run.sh starts it).
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use podtrail_tests::program::{Run, command, run};
use podtrail_tests::trail;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// Sends a request as the AWS protocols have it; moto routes by the scope and checks no signature.
fn ask(host: &str, service: &str, method: &str, path: &str, body: &[u8]) -> String {
    // moto takes the body of a form for its members.
    let kind = if service == "s3" {
        "application/octet-stream"
    } else {
        "application/x-www-form-urlencoded"
    };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: {kind}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE000000001/20260301/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let mut socket = TcpStream::connect(host).unwrap();
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(body).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.contains(" 200 "), "{path}: {answer}");
    answer
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect::<Vec<_>>()
        .concat()
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let from = text.find(begin).unwrap() + begin.len();
    &text[from..from + text[from..].find(end).unwrap()]
}

struct Queue {
    host: String,
    url: String,
    bucket: String,
}

impl Queue {
    fn new(server: &str) -> Self {
        let host = server.trim_start_matches("http://").to_owned();
        let name = format!("podtrail-{}", std::process::id());
        ask(&host, "s3", "PUT", &format!("/{name}"), b"");
        let made = ask(
            &host,
            "sqs",
            "POST",
            "/",
            format!("Action=CreateQueue&QueueName={name}").as_bytes(),
        );
        let url = between(&made, "<QueueUrl>", "</QueueUrl>").to_owned();
        Self {
            host,
            url,
            bucket: name,
        }
    }

    /// Delivers a log file and tells of it as CloudTrail's own notifications do.
    fn deliver(&self, object: &trail::Delivered) {
        ask(
            &self.host,
            "s3",
            "PUT",
            &format!("/{}/{}", self.bucket, object.key),
            &object.bytes,
        );
        let message =
            serde_json::json!({"s3Bucket": self.bucket, "s3ObjectKey": [object.key]}).to_string();
        self.send(&message);
    }

    fn send(&self, message: &str) {
        let body = format!(
            "Action=SendMessage&QueueUrl={}&MessageBody={}",
            encoded(&self.url),
            encoded(message)
        );
        ask(&self.host, "sqs", "POST", "/", body.as_bytes());
    }

    fn messages(&self) -> u32 {
        let body = format!(
            "Action=GetQueueAttributes&AttributeName.1=All&QueueUrl={}",
            encoded(&self.url)
        );
        let answer = ask(&self.host, "sqs", "POST", "/", body.as_bytes());
        let count = |name: &str| -> u32 {
            let part = between(&answer, &format!("<Name>{name}</Name>"), "</Attribute>");
            between(part, "<Value>", "</Value>").parse().unwrap()
        };
        count("ApproximateNumberOfMessages") + count("ApproximateNumberOfMessagesNotVisible")
    }
}

fn events(store: &Path) -> i64 {
    let run = run(
        store,
        &[
            "sql",
            "-o",
            "ndjson",
            "SELECT count(*) AS events FROM events",
        ],
    );
    match run.code {
        Some(0) => run.rows()[0]["events"].as_i64().unwrap(),
        // There is no store yet.
        _ => 0,
    }
}

fn wait(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        // Each look starts a process.
        std::thread::sleep(Duration::from_secs(1));
    }
}

#[test]
fn a_followed_queue_is_read_as_it_fills_and_drained_when_asked_to_end() {
    let Some(server) = std::env::var("PODTRAIL_MOTO")
        .ok()
        .filter(|url| !url.is_empty())
    else {
        eprintln!("skipped: PODTRAIL_MOTO names no server");
        return;
    };
    let queue = Queue::new(&server);
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let logs: Vec<_> = trail::deliver(&queue.bucket, 1, 1)
        .into_iter()
        .filter(|object| object.signature.is_none())
        .collect();
    for object in &logs[..4] {
        queue.deliver(object);
    }
    let child = command(&store, &["ingest", &queue.url, "--follow"])
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE000000001")
        .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PODTRAIL_ENDPOINT_URL", &server)
        .env("PODTRAIL_PATH_STYLE", "true")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait("the first messages", || events(&store) == 8);
    for object in &logs[4..] {
        queue.deliver(object);
        // Delivered twice, as queues do.
        queue.deliver(object);
    }
    queue.send("not a notification");
    wait("what came later", || {
        events(&store) == 2 * i64::try_from(logs.len()).unwrap()
    });
    wait("messages of what is safe", || queue.messages() == 0);
    let asked = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    let ended = Run::from(child.wait_with_output().unwrap());
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    assert!(
        ended.stderr.contains("not a notification"),
        "{}",
        ended.stderr
    );
    let aside = std::fs::read_dir(store.join("_ingest/aside"))
        .unwrap()
        .count();
    assert_eq!(aside, 1, "what is not understood is kept");
    run(&store, &["doctor"]).expect(0);
}
