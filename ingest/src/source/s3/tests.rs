mod faults;
pub(crate) mod proxy;
pub(crate) mod server;

use futures::StreamExt;

use self::proxy::{Fault, Proxy};
use self::server::{BUCKET, Server, log, options};
use super::*;
use crate::source::contract::{self, Case};

/// Objects of two accounts, two regions and two days, by the order in which they are listed.
fn trail() -> Vec<(String, Vec<u8>)> {
    let mut objects = Vec::new();
    for day in ["20261121", "20261122"] {
        for account in ["111122223333", "444455556666"] {
            for region in ["eu-west-1", "us-east-1"] {
                for slot in ["0000", "0005", "0010"] {
                    let key = log("AWSLogs/", account, region, &format!("{day}T{slot}Z"), "a");
                    let bytes = key.repeat(20).into_bytes();
                    objects.push((key, bytes));
                }
            }
        }
    }
    objects
}

fn missing() -> ObjectRef {
    let key = log(
        "AWSLogs/",
        "111122223333",
        "eu-west-1",
        "20261122T0500Z",
        "gone",
    );
    ObjectRef {
        key: format!("s3://{BUCKET}/{key}"),
        etag: "0123456789abcdef0123456789abcdef".to_owned(),
        size: 100,
    }
}

async fn open(location: &str, options: S3Options) -> S3Trail {
    S3Trail::connect(location, options).await.unwrap()
}

async fn listed(trail: &S3Trail) -> Vec<String> {
    let keys = trail.list().map(|object| object.unwrap().key);
    keys.collect().await
}

async fn holds_to_the_contract(server: &Server, options: S3Options) {
    for (key, bytes) in trail() {
        server.put(&key, &bytes);
    }
    let source = open("s3://trail", options).await;
    contract::check(&Case::new(source, trail(), missing())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_to_the_contract_of_sources() {
    let server = Server::start().await;
    server.page(2);
    holds_to_the_contract(&server, options(&server.endpoint)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_to_the_contract_without_memory() {
    let server = Server::start().await;
    let mut options = options(&server.endpoint);
    (options.memory, options.concurrency) = (0, 1);
    (options.list_concurrency, options.attempts) = (1, 1);
    holds_to_the_contract(&server, options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_to_the_contract_where_listings_have_no_etags() {
    let server = Server::with(false).await;
    holds_to_the_contract(&server, options(&server.endpoint)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_to_the_contract_with_an_independent_server() {
    let Ok(endpoint) = std::env::var("PODTRAIL_MOTO") else {
        eprintln!("skipped: PODTRAIL_MOTO is not the URL of a running moto_server");
        return;
    };
    let mut options = options(&endpoint);
    let bucket = format!("podtrail-source-{}", std::process::id());
    let trail = open(&format!("s3://{bucket}"), options.clone()).await;
    let client = trail.bucket().client().1;
    let constraint = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuWest1)
        .build();
    let created = client.create_bucket().bucket(&bucket);
    created
        .create_bucket_configuration(constraint)
        .send()
        .await
        .unwrap();
    let mut objects = self::trail();
    // One too large to be held in memory.
    let large: Vec<u8> = (0..9_u32 << 20).map(|index| (index % 251) as u8).collect();
    objects.last_mut().unwrap().1 = large;
    for (key, bytes) in &objects {
        let put = client.put_object().bucket(&bucket).key(key);
        put.body(bytes.clone().into()).send().await.unwrap();
    }
    let object = trail.bucket().head(&objects[0].0).await.unwrap();
    assert_eq!(object.size, objects[0].1.len() as u64);
    assert_eq!(object, trail.list().next().await.unwrap().unwrap());

    // Its version is checked by the server: If-Match.
    let put = client.put_object().bucket(&bucket).key(&objects[0].0);
    put.body(vec![1; 7].into()).send().await.unwrap();
    let error = trail.read(&object).await.err().unwrap().to_string();
    assert!(error.contains("changed since it was listed"), "{error}");
    objects[0].1 = vec![1; 7];

    let gone = client.delete_object().bucket(&bucket);
    options.aws.region = None;
    let mut missing = missing();
    missing.key = missing.key.replace(BUCKET, &bucket);
    let source = open(&format!("s3://{bucket}/AWSLogs"), options).await;
    contract::check(&Case::new(source, objects.clone(), missing)).await;
    for (key, _) in objects {
        gone.clone().key(key).send().await.unwrap();
    }
    client.delete_bucket().bucket(&bucket).send().await.unwrap();
}

#[tokio::test]
async fn the_same_place_has_one_id_and_filters_do_not_change_it() {
    let server = Server::start().await;
    let plain = open("s3://trail/x", options(&server.endpoint)).await;
    let mut filtered = options(&server.endpoint);
    filtered.accounts = vec!["111122223333".to_owned()];
    let filtered = open("s3://trail/x", filtered).await;
    assert_eq!(plain.id(), filtered.id());
    let other = open("s3://trail/y", options(&server.endpoint)).await;
    assert_ne!(plain.id(), other.id());
    assert_eq!(plain.location(), "s3://trail/x");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_before_any_request() {
    let time = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
    // Nothing listens there.
    let options = options("http://127.0.0.1:9");
    let mut empty = options.clone();
    (empty.from, empty.to) = (time("2026-11-22T00:00:00Z"), time("2026-11-21T00:00:00Z"));
    let mut account = options.clone();
    account.accounts = vec!["1111-2222-3333".to_owned()];
    let mut region = options.clone();
    region.regions = vec!["Ireland".to_owned()];
    let digests = "s3://trail/AWSLogs/111122223333/CloudTrail-Digest/";
    for (location, options, said) in [
        ("s3://trail", empty, "is empty"),
        ("s3://trail", account, "1111-2222-3333"),
        ("s3://trail", region, "Ireland"),
        ("s3://", options.clone(), "no bucket"),
        ("s3://a bucket/x", options.clone(), "no bucket"),
        ("https://trail", options.clone(), "s3://bucket"),
        (digests, options.clone(), "digests"),
    ] {
        let error = S3Trail::connect(location, options).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn an_object_of_another_bucket_is_not_read() {
    let server = Server::start().await;
    let trail = open("s3://trail", options(&server.endpoint)).await;
    for key in ["s3://trail2/a", "s3://other/a", "trail/a", "/trail/a"] {
        let object = ObjectRef {
            key: key.to_owned(),
            etag: String::new(),
            size: 1,
        };
        let error = trail.read(&object).await.err().unwrap().to_string();
        assert!(
            error.contains(key) && error.contains("bucket trail"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_region_is_found_out_even_from_a_refusal() {
    let server = Server::start().await;
    server.put("a.json", b"some records");
    let proxy = Proxy::start(&server.endpoint).await;
    let mut options = options(&proxy.endpoint);
    options.aws.region = None;
    options.aws.profile = Some("no-such-profile".to_owned());
    for status in [200, 301, 400, 403] {
        let region = vec![("x-amz-bucket-region", "ap-southeast-2".to_owned())];
        proxy.breaks("HEAD", 1, Fault::Answer(status, region, String::new()));
        let trail = open("s3://trail", options.clone()).await;
        let client = trail.bucket().client().1;
        let found = client.config().region().map(ToString::to_string);
        assert_eq!(found.as_deref(), Some("ap-southeast-2"), "HTTP {status}");
        assert_eq!(proxy.log(), ["HEAD"]);
    }
    // Where the store does not tell, the listing goes on with what is known.
    proxy.breaks("HEAD", 1, Fault::Answer(403, Vec::new(), String::new()));
    let trail = open("s3://trail", options.clone()).await;
    assert_eq!(listed(&trail).await, ["s3://trail/a.json"]);
    // A region that is given is not asked for.
    proxy.log();
    options.aws.region = Some("eu-west-1".to_owned());
    open("s3://trail", options).await;
    assert_eq!(proxy.log(), Vec::<String>::new());
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named() {
    let server = Server::start().await;
    let mut options = options(&server.endpoint);
    options.aws.region = None;
    let error = S3Trail::connect("s3://elsewhere/x", options)
        .await
        .unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("elsewhere") && said.contains("no such bucket"),
        "{said}"
    );
}

#[tokio::test]
async fn a_wrong_region_is_told() {
    let server = Server::start().await;
    let proxy = Proxy::start(&server.endpoint).await;
    let Fault::Answer(status, _, body) =
        Fault::refusal(301, "PermanentRedirect", "Use the right endpoint.")
    else {
        unreachable!("a refusal is an answer")
    };
    let region = vec![("x-amz-bucket-region", "ap-southeast-2".to_owned())];
    proxy.breaks("FOLDERS *", 1, Fault::Answer(status, region, body));
    let trail = open("s3://trail", options(&proxy.endpoint)).await;
    let error = trail.list().next().await.unwrap().unwrap_err().to_string();
    assert!(error.contains("is in region ap-southeast-2"), "{error}");
}

#[tokio::test]
async fn who_pays_is_said_in_every_request() {
    let server = Server::start().await;
    server.put("a.json", b"some records");
    let proxy = Proxy::start(&server.endpoint).await;
    let mut options = options(&proxy.endpoint);
    options.requester_pays = true;
    let trail = open("s3://trail/a.json", options).await;
    let object = trail.list().next().await.unwrap().unwrap();
    trail.read(&object).await.unwrap();
    let log = proxy.log();
    assert_eq!(
        log.last().map(String::as_str),
        Some("GET a.json paid by requester")
    );
}
