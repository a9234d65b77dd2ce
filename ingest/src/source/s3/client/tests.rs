use super::*;
use crate::source::s3::tests::server::options;

fn bucket_with(random: fn() -> u64) -> S3Options {
    let mut options = options("http://127.0.0.1:9");
    options.pause = Duration::from_millis(100);
    options.longest_pause = Duration::from_secs(20);
    options.random = random;
    options
}

#[tokio::test]
async fn pauses_double_up_to_the_longest_and_are_spread_from_nothing() {
    let longest = bucket_with(|| u64::MAX);
    let nanos = |pause: Duration| u64::try_from(pause.as_nanos()).unwrap();
    let bucket = Bucket::connect("trail", longest).await.unwrap();
    for (failed, most) in [
        (1, 100),
        (2, 200),
        (3, 400),
        (8, 12_800),
        (9, 20_000),
        (60, 20_000),
    ] {
        let most = nanos(Duration::from_millis(most));
        assert_eq!(
            nanos(bucket.pause(failed)),
            u64::MAX % (most + 1),
            "{failed}"
        );
        assert!(nanos(bucket.pause(failed)) <= most);
    }
    let none = Bucket::connect("trail", bucket_with(|| 0)).await.unwrap();
    assert_eq!(none.pause(5), Duration::ZERO);
}

#[tokio::test]
async fn keys_are_of_the_bucket_or_not() {
    let bucket = Bucket::connect("trail", options("http://127.0.0.1:9"))
        .await
        .unwrap();
    let object = |key: &str| ObjectRef {
        key: key.to_owned(),
        etag: String::new(),
        size: 1,
    };
    assert_eq!(bucket.key_of(&object("s3://trail/a/b")), Some("a/b"));
    assert_eq!(bucket.key_of(&object("s3://trail//b")), Some("/b"));
    for other in ["s3://trail", "s3://trails/a", "s3://a/trail/a", "a/b"] {
        assert_eq!(bucket.key_of(&object(other)), None, "{other}");
    }
    assert_eq!(bucket.uri("a/b"), "s3://trail/a/b");
}

#[tokio::test]
async fn requests_that_fail_at_once_renew_the_client_once() {
    let bucket = Bucket::connect("trail", options("http://127.0.0.1:9"))
        .await
        .unwrap();
    tokio::join!(bucket.renew(0), bucket.renew(0), bucket.renew(0));
    assert_eq!(bucket.client().0, 1);
    bucket.renew(0).await;
    assert_eq!(bucket.client().0, 1);
    bucket.renew(1).await;
    assert_eq!(bucket.client().0, 2);
}
