use std::io::Read;
use std::time::Duration;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use futures::StreamExt;

use super::*;
use crate::source::Source;
use crate::source::s3::tests::proxy::{Fault as Break, Proxy};
use crate::source::s3::tests::server::{Server, credentials, options};
use crate::source::s3::{S3Options, S3Trail};

const KEY: &str = "x/records.json.gz";
const GET: &str = "GET x/records.json.gz";

fn bytes() -> Vec<u8> {
    (0..50_000_u32).map(|index| (index % 251) as u8).collect()
}

/// A server with one object, and a faulty way to it.
async fn one_object() -> (Server, Proxy) {
    let server = Server::start().await;
    server.put(KEY, &bytes());
    let proxy = Proxy::start(&server.endpoint).await;
    (server, proxy)
}

/// Opens the trail and lists its object.
async fn listed(options: S3Options) -> (S3Trail, ObjectRef) {
    let trail = S3Trail::connect("s3://trail/x/", options).await.unwrap();
    let object = trail.list().next().await.unwrap().unwrap();
    (trail, object)
}

async fn whole(trail: &S3Trail, object: &ObjectRef) -> std::io::Result<Vec<u8>> {
    let mut read = Vec::new();
    trail.read(object).await?.read_to_end(&mut read)?;
    Ok(read)
}

fn gets(proxy: &Proxy) -> usize {
    let log = proxy.log();
    log.iter().filter(|line| line.starts_with("GET ")).count()
}

#[tokio::test]
async fn what_passes_is_tried_again_until_the_bytes_are_there() {
    for fault in [
        Break::slow_down(),
        Break::refusal(500, "InternalError", "We encountered an internal error."),
        Break::refusal(
            400,
            "RequestTimeout",
            "Your socket connection was not read from.",
        ),
        Break::Answer(503, Vec::new(), String::new()),
        Break::Answer(504, Vec::new(), "<html>Gateway timeout</html>".to_owned()),
        Break::Reset(0),
        Break::Reset(20_000),
        Break::Close(20_000),
        Break::Short(20_000),
        Break::Short(0),
        Break::Silence,
        Break::Stall(0),
        Break::Stall(20_000),
    ] {
        let (_server, proxy) = one_object().await;
        let mut options = options(&proxy.endpoint);
        if fault.takes_patience() {
            options.timeout = Duration::from_secs(1);
            options.attempts = 100;
        }
        let (trail, object) = listed(options).await;
        proxy.breaks(GET, 2, fault.clone());
        let read = whole(&trail, &object).await.unwrap();
        assert!(read == bytes(), "{fault:?}");
        let gets = gets(&proxy);
        assert!(
            gets == 3 || gets > 3 && fault.takes_patience(),
            "{fault:?} {gets}"
        );
    }
}

#[tokio::test]
async fn as_many_objects_are_read_at_once_as_may_be() {
    let (_server, proxy) = one_object().await;
    let mut options = options(&proxy.endpoint);
    options.concurrency = 4;
    let (trail, object) = listed(options).await;
    let barrier = Arc::new(tokio::sync::Barrier::new(4));
    proxy.breaks(GET, 12, Break::Gather(barrier));
    let reads = futures::future::join_all((0..12).map(|_| whole(&trail, &object)));
    for read in reads.await {
        assert_eq!(read.unwrap(), bytes());
    }
    assert_eq!(proxy.most_at_once(), 4);
}

#[tokio::test]
async fn what_does_not_pass_is_given_up_and_named() {
    for (fault, said) in [
        (Break::slow_down(), "SlowDown"),
        (Break::Reset(20_000), "broke off"),
        (Break::Close(20_000), "broke off"),
        (
            Break::Short(20_000),
            "got 20000 bytes where 50000 were listed",
        ),
    ] {
        let (_server, proxy) = one_object().await;
        let mut options = options(&proxy.endpoint);
        options.attempts = 3;
        let (trail, object) = listed(options).await;
        proxy.breaks(GET, usize::MAX, fault);
        let error = whole(&trail, &object).await.unwrap_err().to_string();
        for word in ["s3://trail/x/records.json.gz", "3 attempts", said] {
            assert!(error.contains(word), "{error} without {word}");
        }
        assert_eq!(gets(&proxy), 3);
    }
}

#[tokio::test]
async fn a_refusal_says_which_permission_is_missing() {
    let kms = "User: arn:aws:sts::111122223333:assumed-role/reader/podtrail is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:444455556666:key/1234";
    for (status, code, message, pays, said, unsaid) in [
        (
            403,
            "AccessDenied",
            "Access Denied",
            false,
            "s3:GetObject",
            "kms:Decrypt",
        ),
        (
            403,
            "AccessDenied",
            "Access Denied",
            false,
            "requester pays",
            "kms:Decrypt",
        ),
        (
            403,
            "AccessDenied",
            "Access Denied",
            true,
            "s3:GetObject",
            "requester pays",
        ),
        (
            403,
            "AccessDenied",
            kms,
            false,
            "needs kms:Decrypt on the key",
            "s3:GetObject",
        ),
        (
            400,
            "KMS.DisabledException",
            "The key is disabled.",
            false,
            "kms:Decrypt",
            "s3:GetObject",
        ),
        (
            403,
            "InvalidObjectState",
            "Not valid for the storage class",
            false,
            "archived",
            "needs",
        ),
        (
            400,
            "InvalidArgument",
            "Bad request",
            false,
            "InvalidArgument (HTTP 400): Bad request",
            "needs",
        ),
    ] {
        let (_server, proxy) = one_object().await;
        let mut options = options(&proxy.endpoint);
        options.requester_pays = pays;
        let (trail, object) = listed(options).await;
        proxy.breaks("GET *", usize::MAX, Break::refusal(status, code, message));
        let error = whole(&trail, &object).await.unwrap_err().to_string();
        for word in ["s3://trail/x/records.json.gz", code, said] {
            assert!(error.contains(word), "{error} without {word}");
        }
        assert!(!error.contains(unsaid), "{error}");
        assert_eq!(gets(&proxy), 1, "{code}");
    }
}

#[tokio::test]
async fn an_object_that_vanished_is_named_and_one_that_changed_is_not_read() {
    let (server, proxy) = one_object().await;
    let (trail, object) = listed(options(&proxy.endpoint)).await;
    server.put(KEY, &vec![7; 50_000]);
    let error = whole(&trail, &object).await.unwrap_err();
    assert!(
        error.to_string().contains("changed since it was listed"),
        "{error}"
    );
    let (again, newer) = listed(options(&proxy.endpoint)).await;
    assert_ne!(newer.etag, object.etag);
    assert_eq!(whole(&again, &newer).await.unwrap(), vec![7; 50_000]);

    server.remove(KEY);
    proxy.log();
    let error = whole(&again, &newer).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(
        error.to_string().contains("s3://trail/x/records.json.gz"),
        "{error}"
    );
    assert!(error.to_string().contains("NoSuchKey"), "{error}");
    assert_eq!(gets(&proxy), 1);
}

#[tokio::test]
async fn a_server_that_does_not_heed_the_version_is_not_trusted() {
    let (_server, proxy) = one_object().await;
    let (trail, object) = listed(options(&proxy.endpoint)).await;
    proxy.breaks(
        GET,
        1,
        Break::Header("etag", "\"00000000000000000000000000000000\""),
    );
    let error = whole(&trail, &object).await.unwrap_err().to_string();
    assert!(
        error.contains(&object.etag) && error.contains("is 0000"),
        "{error}"
    );
    assert_eq!(whole(&trail, &object).await.unwrap(), bytes());
}

#[tokio::test]
async fn without_etags_the_time_of_the_last_change_is_the_version() {
    let server = Server::with(false).await;
    server.put(KEY, &bytes());
    let (trail, object) = listed(options(&server.endpoint)).await;
    assert!(object.etag.starts_with(DATED), "{object:?}");
    assert_eq!(whole(&trail, &object).await.unwrap(), bytes());
    let file = std::fs::File::options()
        .append(true)
        .open(server.path(KEY))
        .unwrap();
    file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .unwrap();
    let error = whole(&trail, &object).await.unwrap_err().to_string();
    assert!(error.contains("modified-1000000000-50000"), "{error}");
}

#[tokio::test]
async fn a_key_alone_can_be_asked_for_and_read() {
    let (_server, proxy) = one_object().await;
    let (trail, object) = listed(options(&proxy.endpoint)).await;
    let found = trail.bucket().head(KEY).await.unwrap();
    assert_eq!(found, object);
    let any = ObjectRef {
        etag: String::new(),
        ..object
    };
    assert_eq!(whole(&trail, &any).await.unwrap(), bytes());
    let error = trail.bucket().head("x/none").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(error.to_string().contains("s3://trail/x/none"), "{error}");
}

/// Counts how often it is asked.
#[derive(Debug, Default)]
struct Counting(std::sync::atomic::AtomicU32);

impl Counting {
    fn asked(&self) -> u32 {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// The same, as the SDK wants it.
#[derive(Debug)]
struct Counted(Arc<Counting>);

impl ProvideCredentials for Counted {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        future::ProvideCredentials::new(async { credentials().provide_credentials().await })
    }
}

#[tokio::test]
async fn expired_credentials_are_fetched_anew_and_no_more_often_than_that() {
    let expired = Break::expired();
    let (_server, proxy) = one_object().await;
    let counting = Arc::new(Counting::default());
    let mut options = options(&proxy.endpoint);
    let provider = Counted(Arc::clone(&counting));
    options.aws.credentials = Some(SharedCredentialsProvider::new(provider));
    let (trail, object) = listed(options).await;
    let before = counting.asked();

    proxy.breaks(GET, 1, expired.clone());
    assert_eq!(whole(&trail, &object).await.unwrap(), bytes());
    assert_eq!(counting.asked(), before + 1);
    assert_eq!(gets(&proxy), 2);

    proxy.breaks(GET, usize::MAX, expired);
    let error = whole(&trail, &object).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("ExpiredToken"), "{error}");
    assert!(error.to_string().contains("renew them"), "{error}");
    assert_eq!(counting.asked(), before + 3);
    assert_eq!(gets(&proxy), 3);
}

#[tokio::test]
async fn without_credentials_the_error_says_what_to_set() {
    use aws_credential_types::provider::error::CredentialsError;

    #[derive(Debug)]
    struct Nothing;

    impl ProvideCredentials for Nothing {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let none = CredentialsError::not_loaded("nothing is set");
            future::ProvideCredentials::ready(Err(none))
        }
    }

    let (_server, proxy) = one_object().await;
    let mut options = options(&proxy.endpoint);
    options.aws.credentials = Some(SharedCredentialsProvider::new(Nothing));
    let trail = S3Trail::connect("s3://trail/x/", options.clone())
        .await
        .unwrap();
    let error = trail.list().next().await.unwrap().unwrap_err().to_string();
    assert!(
        error.contains("AWS_PROFILE") && error.contains("s3://trail/x/"),
        "{error}"
    );
    options.aws.region = None;
    let error = S3Trail::connect("s3://trail/x/", options)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("AWS_PROFILE") && error.contains("bucket trail"),
        "{error}"
    );
    assert_eq!(proxy.log(), Vec::<String>::new());
}

#[tokio::test]
async fn memory_is_given_back_by_readers_and_what_does_not_fit_is_streamed() {
    let (_server, proxy) = one_object().await;
    let mut options = options(&proxy.endpoint);
    options.memory = 120_000;
    let (trail, object) = listed(options).await;
    let memory = &trail.bucket().memory;
    let mut readers = Vec::new();
    for free in [70_000, 20_000, 20_000, 20_000] {
        readers.push(trail.read(&object).await.unwrap());
        assert_eq!(memory.available_permits(), free);
    }
    for mut reader in readers.into_iter().rev() {
        let read = tokio::task::spawn_blocking(move || {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).map(|_| read)
        });
        assert!(read.await.unwrap().unwrap() == bytes());
    }
    assert_eq!(memory.available_permits(), 120_000);
}

#[test]
fn etags_are_bare() {
    for etag in ["\"abc-3\"", "W/\"abc-3\"", "abc-3"] {
        assert_eq!(bare_etag(etag), "abc-3");
    }
    assert_eq!(bare_etag("\"Wide\""), "Wide");
    assert_eq!(bare_etag(""), "");
}
