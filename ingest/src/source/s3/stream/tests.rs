use std::io::Read;
use std::time::Duration;

use futures::StreamExt;

use crate::source::s3::read::SMALL_OBJECT;
use crate::source::s3::tests::proxy::{Fault as Break, Proxy};
use crate::source::s3::tests::server::{Server, options};
use crate::source::s3::{S3Options, S3Trail};
use crate::source::{ObjectRef, Source};

const KEY: &str = "x/large.json.gz";
const GET: &str = "GET x/large.json.gz";

/// More than is held in memory, and no two megabytes alike.
fn bytes() -> Vec<u8> {
    let length = u32::try_from(SMALL_OBJECT).unwrap() + 3_000_000;
    (0..length)
        .map(|index| (index % 251 + index / 1_000_003).to_le_bytes()[0])
        .collect()
}

async fn large() -> (Server, Proxy) {
    let server = Server::start().await;
    server.put(KEY, &bytes());
    let proxy = Proxy::start(&server.endpoint).await;
    (server, proxy)
}

async fn listed(options: S3Options) -> (S3Trail, ObjectRef) {
    let trail = S3Trail::connect("s3://trail/x/", options).await.unwrap();
    let object = trail.list().next().await.unwrap().unwrap();
    (trail, object)
}

async fn whole(trail: &S3Trail, object: &ObjectRef) -> std::io::Result<Vec<u8>> {
    let mut reader = trail.read(object).await?;
    let read = tokio::task::spawn_blocking(move || {
        let mut read = Vec::new();
        reader.read_to_end(&mut read).map(|_| read)
    });
    read.await.unwrap()
}

fn gets(proxy: &Proxy) -> Vec<String> {
    let mut log = proxy.log();
    log.retain(|line| line.starts_with("GET "));
    log
}

#[tokio::test]
async fn a_large_object_is_read_with_one_request() {
    let (_server, proxy) = large().await;
    let (trail, object) = listed(options(&proxy.endpoint)).await;
    assert!(whole(&trail, &object).await.unwrap() == bytes());
    assert_eq!(gets(&proxy), [GET]);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_resumed_where_it_did() {
    for fault in [
        Break::Reset(5_000_000),
        Break::Close(5_000_000),
        Break::Stall(5_000_000),
    ] {
        let (_server, proxy) = large().await;
        let mut options = options(&proxy.endpoint);
        if fault.takes_patience() {
            options.timeout = Duration::from_secs(2);
            options.attempts = 100;
        }
        let (trail, object) = listed(options).await;
        proxy.breaks(GET, 1, fault.clone());
        // The rest fails too, before a byte of it came, and comes then.
        proxy.breaks("GET x/large.json.gz bytes=*", 1, Break::slow_down());
        proxy.breaks("GET x/large.json.gz bytes=*", 1, Break::Close(0));
        assert!(
            whole(&trail, &object).await.unwrap() == bytes(),
            "{fault:?}"
        );
        let gets = gets(&proxy);
        let more = fault.takes_patience() && gets.len() > 4;
        assert!(gets.len() == 4 || more, "{fault:?} {gets:?}");
        assert_eq!(gets[0], GET);
        let from = |line: &str| -> usize {
            let range = line.strip_prefix("GET x/large.json.gz bytes=").unwrap();
            range.strip_suffix('-').unwrap().parse().unwrap()
        };
        // A reset takes with it what the client has not read yet.
        assert!(
            from(&gets[1]) > 0 && from(&gets[1]) <= 5_000_000,
            "{gets:?}"
        );
        assert!(
            more || gets[1..].iter().all(|get| *get == gets[1]),
            "{gets:?}"
        );
    }
}

#[tokio::test]
async fn a_store_that_does_not_heed_ranges_is_read_all_the_same() {
    let (_server, proxy) = large().await;
    let (trail, object) = listed(options(&proxy.endpoint)).await;
    proxy.breaks(GET, 1, Break::Close(5_000_000));
    proxy.breaks("GET x/large.json.gz bytes=*", 1, Break::NoRange);
    assert!(whole(&trail, &object).await.unwrap() == bytes());
    assert_eq!(gets(&proxy).len(), 2);
}

#[tokio::test]
async fn a_body_that_breaks_off_again_and_again_is_an_error_and_no_end() {
    for (fault, said) in [
        (Break::Close(100), "broke off"),
        (Break::Reset(0), "broke off"),
        (Break::slow_down(), "SlowDown"),
        (
            Break::refusal(403, "AccessDenied", "Access Denied"),
            "s3:GetObject",
        ),
        (
            Break::refusal(416, "InvalidRange", "Not satisfiable"),
            "changed",
        ),
    ] {
        let (_server, proxy) = large().await;
        let mut options = options(&proxy.endpoint);
        options.attempts = 3;
        let (trail, object) = listed(options).await;
        proxy.breaks(GET, 1, Break::Close(5_000_000));
        proxy.breaks("GET x/large.json.gz bytes=*", usize::MAX, fault);
        let error = whole(&trail, &object).await.unwrap_err().to_string();
        for word in ["s3://trail/x/large.json.gz", said] {
            assert!(error.contains(word), "{error} without {word}");
        }
        assert!(gets(&proxy).len() <= 3);
    }
}

#[tokio::test]
async fn an_object_that_changes_while_it_is_read_is_an_error() {
    let server = std::sync::Arc::new(Server::start().await);
    server.put(KEY, &bytes());
    let proxy = Proxy::start(&server.endpoint).await;
    let (trail, object) = listed(options(&proxy.endpoint)).await;
    proxy.breaks(GET, 1, Break::Close(5_000_000));
    proxy.breaks("GET x/large.json.gz bytes=*", 1, Break::slow_down());
    let changed = std::sync::Arc::clone(&server);
    let mut reader = trail.read(&object).await.unwrap();
    let mut first = vec![0; 1_000];
    let read = tokio::task::spawn_blocking(move || {
        reader.read_exact(&mut first).unwrap();
        changed.put(KEY, &vec![7; bytes().len()]);
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest)
    });
    let error = read.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("changed since it was listed"), "{error}");
}

#[tokio::test]
async fn what_is_wrong_at_once_is_told_at_once() {
    let (server, proxy) = large().await;
    let (trail, object) = listed(options(&proxy.endpoint)).await;
    server.remove(KEY);
    let error = trail.read(&object).await.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(
        error.to_string().contains("s3://trail/x/large.json.gz"),
        "{error}"
    );
}

#[tokio::test]
async fn a_reader_that_is_dropped_ends_the_task() {
    let (_server, proxy) = large().await;
    let (trail, object) = listed(options(&proxy.endpoint)).await;
    let mut reader = trail.read(&object).await.unwrap();
    let bucket = std::sync::Arc::downgrade(trail.bucket());
    let held = bucket.strong_count();
    let mut first = [0; 10];
    let mut reader = tokio::task::spawn_blocking(move || {
        reader.read_exact(&mut first).unwrap();
        reader
    })
    .await
    .unwrap();
    assert_eq!(reader.read(&mut []).unwrap(), 0);
    assert_eq!(
        bucket.strong_count(),
        held,
        "the task goes on while the reader is there"
    );
    drop(reader);
    while bucket.strong_count() >= held {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_runtime_that_stops_is_an_error_and_no_end() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (_kept, mut reader) = runtime.block_on(async {
        let (server, proxy) = large().await;
        let (trail, object) = listed(options(&proxy.endpoint)).await;
        let reader = trail.read(&object).await.unwrap();
        ((server, proxy), reader)
    });
    runtime.shutdown_timeout(Duration::from_secs(10));
    let mut read = Vec::new();
    let error = reader.read_to_end(&mut read).unwrap_err().to_string();
    assert!(
        error.contains("has stopped") && error.contains("s3://trail/x/large"),
        "{error}"
    );
    assert!(read.len() <= super::AHEAD + (1 << 20));
}
