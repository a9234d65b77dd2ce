use std::fmt::Write;

use futures::StreamExt;

use crate::source::Source;
use crate::source::s3::tests::proxy::{Fault, Proxy};
use crate::source::s3::tests::server::{Server, log, options};
use crate::source::s3::{S3Options, S3Trail};

const ACCOUNT: &str = "111122223333";

/// One entry for each thing listed: the end of its key, or an error.
async fn listed(location: &str, options: S3Options) -> Vec<Result<String, String>> {
    let trail = S3Trail::connect(location, options).await.unwrap();
    let listing = trail.list().map(|object| match object {
        Ok(object) => Ok(object.key.strip_prefix("s3://trail/").unwrap().to_owned()),
        Err(error) => Err(error.to_string()),
    });
    listing.collect().await
}

fn ok(keys: &[&str]) -> Vec<Result<String, String>> {
    keys.iter().map(|key| Ok((*key).to_owned())).collect()
}

#[tokio::test]
async fn etags_have_no_quotes_and_sizes_are_those_stored() {
    let server = Server::start().await;
    server.put("a.json", b"some records");
    let trail = S3Trail::connect("s3://trail", options(&server.endpoint))
        .await
        .unwrap();
    let object = trail.list().next().await.unwrap().unwrap();
    assert_eq!(object.key, "s3://trail/a.json");
    // The MD5 of the bytes, as S3 gives it for an object put at once.
    assert_eq!(object.etag, "3799519e1f2aeca0b1acc975f6f236ce");
    assert_eq!(object.size, 12);
}

#[tokio::test]
async fn keys_of_all_characters_are_listed_and_read() {
    let server = Server::start().await;
    let key = "x/a b+c&d=e?f%41'<é>.json";
    server.put(key, b"some records");
    let location = "s3://trail/x/";
    assert_eq!(
        listed(location, options(&server.endpoint)).await,
        ok(&[key])
    );
    let trail = S3Trail::connect(location, options(&server.endpoint))
        .await
        .unwrap();
    let object = trail.list().next().await.unwrap().unwrap();
    let mut text = String::new();
    let mut reader = trail.read(&object).await.unwrap();
    std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
    assert_eq!(text, "some records");
}

#[tokio::test]
async fn what_cannot_be_listed_at_all_is_one_error() {
    let server = Server::start().await;
    let proxy = Proxy::start(&server.endpoint).await;
    let refusal = Fault::refusal(403, "AccessDenied", "Access Denied");
    proxy.breaks("FOLDERS *", 1, refusal);
    let found = listed("s3://trail", options(&proxy.endpoint)).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].as_ref().unwrap_err().contains("s3:ListBucket"),
        "{found:?}"
    );
    assert_eq!(proxy.log(), ["FOLDERS "]);

    let found = listed("s3://elsewhere", options(&server.endpoint)).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let said = found[0].as_ref().unwrap_err();
    assert!(
        said.contains("s3://elsewhere/") && said.contains("NoSuchBucket"),
        "{said}"
    );
}

#[tokio::test]
async fn an_unknown_layout_is_listed_whole_and_told_by_names() {
    let server = Server::start().await;
    let name = |service: &str, region: &str, time: &str| {
        format!("copies/{ACCOUNT}_{service}_{region}_{time}_a.json.gz")
    };
    let wanted = name("CloudTrail", "eu-west-1", "20261121T0010Z");
    for key in [
        &wanted,
        &name("CloudTrail", "us-east-1", "20261121T0010Z"),
        &name("CloudTrail", "eu-west-1", "20261101T0010Z"),
        &name("CloudTrail-Insight", "eu-west-1", "20261121T0010Z"),
        &name(
            "CloudTrail-Digest",
            "eu-west-1",
            "t_eu-west-1_20261121T001000Z",
        ),
        "copies/CloudTrail-Digest/records.json",
        "copies/CloudTrail-Insight/records.json",
        "copies/records.json",
        "copies/deep/er/records.json",
    ] {
        server.put(key, b"{}");
    }
    server.put("copies/empty.json", b"");
    let mut options = options(&server.endpoint);
    options.from = Some("2026-11-20T00:00:00Z".parse().unwrap());
    options.regions = vec!["eu-west-1".to_owned()];
    for location in ["s3://trail/copies", "s3://trail/copies/", "s3://trail"] {
        assert_eq!(
            listed(location, options.clone()).await,
            ok(&[
                &wanted,
                "copies/deep/er/records.json",
                "copies/records.json"
            ])
        );
    }
    assert_eq!(
        listed("s3://trail/copies/CloudTrail-Insight", options.clone()).await,
        ok(&["copies/CloudTrail-Insight/records.json"])
    );
    let one = "copies/CloudTrail-Insight/records.json";
    assert_eq!(
        listed(&format!("s3://trail/{one}"), options).await,
        ok(&[one])
    );
}

/// A page of a listing as S3 words it.
fn page(keys: &[&str], next: Option<&str>) -> Fault {
    Fault::Answer(200, Vec::new(), listing(keys, next, keys.len()))
}

/// A page that says that it has more keys than it has.
fn listing_of(told: usize, had: usize) -> String {
    let keys = ["x/a.json", "x/b.json", "x/c.json"];
    listing(&keys[..had], None, told)
}

fn listing(keys: &[&str], next: Option<&str>, count: usize) -> String {
    let mut contents = String::new();
    for key in keys {
        let object = "<LastModified>2026-11-22T11:00:00.000Z</LastModified><ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>5</Size>";
        let _ = write!(contents, "<Contents><Key>{key}</Key>{object}</Contents>");
    }
    let truncated = next.is_some();
    let next = next.map_or(String::new(), |token| {
        format!("<NextContinuationToken>{token}</NextContinuationToken>")
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>trail</Name><KeyCount>{count}</KeyCount><IsTruncated>{truncated}</IsTruncated>{next}{contents}</ListBucketResult>"
    )
}

#[tokio::test]
async fn a_key_that_a_changing_listing_gives_again_comes_once() {
    let server = Server::start().await;
    server.put("x/a.json", b"12345");
    let proxy = Proxy::start(&server.endpoint).await;
    proxy.breaks("LIST x/ most 1", 1, page(&["x/a.json"], None));
    proxy.breaks(
        "LIST x/",
        1,
        page(&["x/a.json", "x/c.json", "x/c.json"], Some("1")),
    );
    proxy.breaks(
        "LIST x/ next",
        1,
        page(&["x/b.json", "x/c.json", "x/d.json"], Some("2")),
    );
    proxy.breaks(
        "LIST x/ next",
        1,
        page(&["x/", "x/a.json", "x/e.json", "x/e/"], None),
    );
    assert_eq!(
        listed("s3://trail/x", options(&proxy.endpoint)).await,
        ok(&["x/a.json", "x/c.json", "x/b.json", "x/d.json", "x/e.json"])
    );
}

#[tokio::test]
async fn a_listing_that_grows_and_shrinks_between_pages_is_listed_to_its_end() {
    let server = std::sync::Arc::new(Server::start().await);
    server.page(2);
    for name in ["b", "c", "d", "e", "f"] {
        server.put(&format!("x/{name}.json"), b"12345");
    }
    let proxy = Proxy::start(&server.endpoint).await;
    let changed = std::sync::Arc::clone(&server);
    // Between the first page (b, c) and the second: what comes before it was not there, what comes
    // after it is.
    proxy.then("LIST x/", move || {
        for name in ["a", "bb", "dd"] {
            changed.put(&format!("x/{name}.json"), b"12345");
        }
        changed.remove("x/e.json");
    });
    let keys = listed("s3://trail/x/", options(&proxy.endpoint)).await;
    assert_eq!(
        keys,
        ok(&["x/b.json", "x/c.json", "x/d.json", "x/dd.json", "x/f.json"])
    );
    let again = listed("s3://trail/x/", options(&proxy.endpoint)).await;
    let all = ["a", "b", "bb", "c", "d", "dd", "f"].map(|name| format!("x/{name}.json"));
    assert_eq!(again, all.map(Ok), "the next run finds the rest");
}

#[tokio::test]
async fn a_listing_that_goes_in_a_circle_ends() {
    let server = Server::start().await;
    server.put("x/a.json", b"12345");
    let proxy = Proxy::start(&server.endpoint).await;
    proxy.breaks("LIST x/ most 1", 1, page(&["x/a.json"], None));
    proxy.breaks("LIST x/", 1, page(&["x/a.json"], Some("1")));
    proxy.breaks("LIST x/ next", 1, page(&["x/b.json"], Some("1")));
    let found = listed("s3://trail/x/", options(&proxy.endpoint)).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[1].as_ref().unwrap_err().contains("circle"),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_partition_that_fails_is_named_once_and_the_rest_goes_on() {
    let server = Server::start().await;
    let mut expected = Vec::new();
    for day in 19..=22 {
        for slot in ["0000", "0005", "0010"] {
            let time = format!("202611{day}T{slot}Z");
            let key = log("AWSLogs/", ACCOUNT, "eu-west-1", &time, "a");
            server.put(&key, b"{}");
            expected.push(Ok(key));
        }
    }
    server.page(1);
    let proxy = Proxy::start(&server.endpoint).await;
    let root = format!("AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2026/11/");
    let refusal = Fault::refusal(403, "AccessDenied", "Access Denied");
    proxy.breaks(&format!("LIST {root}20/"), 1, refusal);
    // The first page of this one comes, and then it fails for good.
    proxy.breaks(&format!("LIST {root}21/ next"), 8, Fault::slow_down());
    let found = listed("s3://trail", options(&proxy.endpoint)).await;
    let said = |at: usize, words: &[&str]| {
        let error = found[at].as_ref().unwrap_err();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    assert_eq!(found.len(), 3 + 1 + 1 + 1 + 3, "{found:#?}");
    assert_eq!(found[..3], expected[..3]);
    said(
        3,
        &[
            &format!("s3://trail/{root}20/"),
            "AccessDenied",
            "s3:ListBucket",
        ],
    );
    assert_eq!(found[4], expected[6]);
    said(
        5,
        &[&format!("s3://trail/{root}21/"), "SlowDown", "8 attempts"],
    );
    assert_eq!(found[6..], expected[9..]);

    // The next run finds all.
    assert_eq!(
        listed("s3://trail", options(&proxy.endpoint)).await,
        expected
    );
}

#[tokio::test]
async fn listings_are_tried_again() {
    let server = Server::start().await;
    let mut expected = Vec::new();
    for slot in ["0000", "0005", "0010"] {
        let time = format!("20261122T{slot}Z");
        let key = log("AWSLogs/", ACCOUNT, "eu-west-1", &time, "a");
        server.put(&key, b"{}");
        expected.push(Ok(key));
    }
    server.page(2);
    let day = format!("AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2026/11/22/");
    for fault in [
        Fault::slow_down(),
        Fault::refusal(500, "InternalError", "We encountered an internal error."),
        Fault::refusal(
            400,
            "RequestTimeout",
            "Your socket connection was not read from.",
        ),
        Fault::Answer(502, Vec::new(), "<html>Bad gateway</html>".to_owned()),
        Fault::Answer(200, Vec::new(), "<ListBucketResult><Contents>".to_owned()),
        Fault::Answer(200, Vec::new(), listing_of(2, 1)),
        Fault::Answer(
            200,
            Vec::new(),
            listing_of(1, 1).replace("<Size>5</Size>", ""),
        ),
        Fault::Answer(
            200,
            Vec::new(),
            listing_of(2, 1).replace("</ListBucketResult>", ""),
        ),
        Fault::Reset(0),
        Fault::Reset(40),
        Fault::Close(40),
        Fault::Silence,
        Fault::Stall(10),
    ] {
        let proxy = Proxy::start(&server.endpoint).await;
        proxy.breaks(&format!("LIST {day}"), 1, fault.clone());
        proxy.breaks(&format!("LIST {day} next"), 1, fault.clone());
        let mut options = options(&proxy.endpoint);
        if fault.takes_patience() {
            options.timeout = std::time::Duration::from_secs(1);
            options.attempts = 100;
        }
        let location = format!("s3://trail/{day}");
        assert_eq!(listed(&location, options).await, expected, "{fault:?}");
        let (first, next) = (format!("LIST {day}"), format!("LIST {day} next"));
        let requests = [first.clone(), first, next.clone(), next];
        let mut log = proxy.log();
        if fault.takes_patience() {
            assert!(log.len() >= requests.len(), "{log:?}");
            log.dedup();
            assert_eq!(log, [requests[0].clone(), requests[2].clone()]);
        } else {
            assert_eq!(log, requests, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn as_many_partitions_are_listed_at_once_as_may_be() {
    let server = Server::start().await;
    let mut expected = Vec::new();
    for day in 17..=22 {
        let key = log(
            "AWSLogs/",
            ACCOUNT,
            "eu-west-1",
            &format!("202611{day}T0000Z"),
            "a",
        );
        server.put(&key, b"{}");
        expected.push(Ok(key));
    }
    let proxy = Proxy::start(&server.endpoint).await;
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(3));
    proxy.breaks("LIST *", 6, Fault::Gather(barrier));
    let mut options = options(&proxy.endpoint);
    options.list_concurrency = 3;
    assert_eq!(listed("s3://trail", options).await, expected);
    assert_eq!(proxy.most_at_once(), 3);
}

#[tokio::test]
async fn a_store_that_is_down_is_not_asked_for_every_partition() {
    let server = Server::start().await;
    for day in 1..=30 {
        for month in ["09", "11"] {
            let time = format!("2026{month}{day:02}T0000Z");
            server.put(&log("AWSLogs/", ACCOUNT, "eu-west-1", &time, "a"), b"{}");
        }
    }
    let proxy = Proxy::start(&server.endpoint).await;
    proxy.breaks("LIST *", usize::MAX, Fault::slow_down());
    let mut options = options(&proxy.endpoint);
    options.attempts = 2;
    let found = listed("s3://trail", options).await;
    assert_eq!(found.len(), super::GIVE_UP + 1);
    let last = found.last().unwrap().as_ref().unwrap_err();
    assert!(
        last.contains("stopped") && last.contains("next run"),
        "{last}"
    );
}

#[tokio::test]
async fn a_listing_left_early_stops() {
    let server = Server::start().await;
    for index in 0..3_000 {
        server.put(&format!("x/{index:05}.json"), b"{}");
    }
    server.page(100);
    let proxy = Proxy::start(&server.endpoint).await;
    let trail = S3Trail::connect("s3://trail/x/", options(&proxy.endpoint))
        .await
        .unwrap();
    let mut listing = trail.list();
    listing.next().await.unwrap().unwrap();
    // Ahead of the reader are so many objects and pages, and no more.
    let most = 2 + super::OBJECTS_AHEAD / 100 + super::PAGES_AHEAD + 4;
    drop(listing);
    let requests = proxy.log().len();
    assert!(requests <= most, "{requests} requests");
}

#[test]
fn repeats_within_reach_are_told() {
    let mut recent = super::Recent::default();
    assert!(recent.is_new("b"));
    assert!(!recent.is_new("b"));
    assert!(recent.is_new("a"), "out of order, and new");
    assert!(!recent.is_new("a"));
    for index in 0..2 * super::RECENT_KEYS {
        assert!(recent.is_new(&format!("c{index:06}")));
    }
    assert_eq!(recent.keys.len(), super::RECENT_KEYS);
    assert_eq!(recent.order.len(), super::RECENT_KEYS);
}
