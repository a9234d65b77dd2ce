use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use serde_json::json;

use super::service::Service;
use super::{Bucket, Options, created, delivered, options, queue, run, texts};
use crate::source::Source;
use crate::source::sqs::Told;

#[tokio::test]
async fn a_message_is_deleted_when_its_objects_are_settled_and_not_before() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    let mut objects = Vec::new();
    for number in 0..25 {
        let object = bucket.put(&format!("{number:02}.json.gz"), "e1");
        service.send(&format!("m{number:02}"), &created(&object));
        objects.push(object);
    }
    let queue = queue(&server.url, &bucket, options());
    let (listed, errors) = run(&queue).await;
    assert_eq!((&listed, errors), (&objects, Vec::new()));
    assert_eq!(bucket.looked_at(), Vec::<String>::new());
    assert_eq!(service.deleted(), Vec::<String>::new());

    // Out of order, in two parts.
    objects.reverse();
    assert_eq!(
        texts(&queue.settled(&objects[..10]).await),
        Vec::<String>::new()
    );
    assert_eq!(service.deleted().len(), 10);
    assert_eq!(
        texts(&queue.settled(&objects[10..]).await),
        Vec::<String>::new()
    );
    assert_eq!(service.deleted().len(), 25);
    assert_eq!(service.in_flight() + service.visible(), 0);
    assert_eq!(run(&queue).await, (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_message_of_several_objects_waits_for_the_last() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    let objects = ["a", "b", "c"].map(|key| bucket.put(key, "e7"));
    service.send("m", &delivered(&["a", "b", "c"]));
    let queue = queue(&server.url, &bucket, options());
    let (listed, errors) = run(&queue).await;
    assert_eq!((listed.as_slice(), errors.len()), (objects.as_slice(), 0));
    // It names neither size nor etag.
    assert_eq!(bucket.looked_at().len(), 3);
    queue.settled(&objects[..2]).await;
    assert_eq!(service.deleted(), Vec::<String>::new());
    queue.settled(&objects[2..]).await;
    assert_eq!(service.deleted(), ["m"]);
}

#[tokio::test]
async fn what_names_no_events_is_deleted_at_once() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    service.send(
        "test",
        r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"trail"}"#,
    );
    service.send(
        "digest",
        &delivered(&["AWSLogs/111122223333/CloudTrail-Digest/x.json.gz"]),
    );
    let queue = queue(&server.url, &bucket, options());
    assert_eq!(run(&queue).await, (Vec::new(), Vec::new()));
    assert_eq!(service.deleted(), ["digest", "test"]);
}

#[tokio::test]
async fn an_object_is_given_once_however_often_it_is_named() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    let object = bucket.put("a", "e1");
    service.send("m", &created(&object));
    service.send("n", &created(&object));
    let queue = queue(&server.url, &bucket, options());
    let mut listing = queue.list();
    let first = listing.next().await.unwrap().unwrap();
    assert_eq!(first, object);
    service.duplicate();
    assert_eq!(listing.count().await, 0);
    queue.settled(&[object]).await;
    assert_eq!(service.deleted(), ["m", "n"]);
    assert_eq!(service.in_flight() + service.visible(), 0);
}

#[tokio::test]
async fn what_was_not_settled_comes_again_with_its_content_now() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    let old = bucket.put("a", "e1");
    service.send("m", &created(&old));
    let queue = queue(&server.url, &bucket, options());
    assert_eq!(run(&queue).await.0, [old]);
    let new = bucket.put("a", "e2");
    service.let_time_pass();
    assert_eq!(run(&queue).await.0, std::slice::from_ref(&new));
    queue.settled(&[new]).await;
    assert_eq!(service.deleted(), ["m"]);
}

/// An event of EventBridge with a record, filled up to some bytes.
fn recorded(id: &str, bytes: usize) -> String {
    let event = json!({
        "version": "0", "id": id, "detail-type": "AWS API Call via CloudTrail", "source": "aws.sts",
        "account": "111122223333", "region": "eu-west-1", "time": "2026-11-22T09:06:11Z", "resources": [],
        "detail": {"eventVersion": "1.11", "eventID": id, "eventTime": "2026-11-22T09:05:00Z",
            "eventSource": "sts.amazonaws.com", "eventName": "GetCallerIdentity", "awsRegion": "eu-west-1",
            "userAgent": "x".repeat(bytes)},
    });
    event.to_string()
}

fn content(body: crate::source::Body) -> String {
    std::io::read_to_string(body).unwrap()
}

#[tokio::test]
async fn an_event_of_eventbridge_is_read_from_its_message_which_goes_when_it_is_settled() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    // Two rules match the event, so that it comes twice.
    for id in ["m", "n"] {
        service.send(id, &recorded("e-1", 1));
    }
    let queue = queue(&server.url, &bucket, options());
    let (objects, errors) = run(&queue).await;
    assert_eq!((objects.len(), errors), (1, Vec::new()));
    assert_eq!(objects[0].key, "eventbridge://111122223333/eu-west-1/e-1");
    // As often as a batch is begun anew.
    for _ in 0..2 {
        let body = queue.read(&objects[0]).await.unwrap();
        assert_eq!(content(body), recorded("e-1", 1));
        assert_eq!(queue.held(&objects[0]), Some(recorded("e-1", 1)));
    }
    assert_eq!(service.deleted(), Vec::<String>::new());

    // Not there any more, and comes again under the same name.
    queue.release().await;
    assert_eq!(queue.held(&objects[0]), None);
    let gone = queue.read(&objects[0]).await.err().unwrap();
    assert!(gone.to_string().contains("it comes again"), "{gone}");
    assert_eq!(run(&queue).await.0, objects);
    queue.settled(&objects).await;
    assert_eq!(service.deleted(), ["m", "n"]);
    assert!(queue.read(&objects[0]).await.is_err());
}

#[tokio::test]
async fn a_run_ends_when_the_events_in_hand_are_too_many_bytes() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    for number in 0..40 {
        let id = format!("e-{number}");
        service.send(&id, &recorded(&id, 1_000));
    }
    let options = Options {
        in_hand_bytes: 1_000,
        ..options()
    };
    let queue = queue(&server.url, &bucket, options);
    let mut given = 0;
    for _ in 0..10 {
        let (objects, errors) = run(&queue).await;
        given += objects.len();
        // What the receivers took at once.
        assert!(objects.len() <= 20, "{}", objects.len());
        assert!(
            errors
                .iter()
                .all(|error| error.contains("the next run goes on"))
        );
        queue.settled(&objects).await;
    }
    assert_eq!((given, service.deleted().len()), (40, 40));
}

#[tokio::test]
async fn a_run_ends_when_too_much_is_in_hand_and_the_next_goes_on() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    for number in 0..60 {
        let object = bucket.put(&number.to_string(), "e1");
        service.send(&number.to_string(), &created(&object));
    }
    let options = Options {
        in_hand: 20,
        ..options()
    };
    let queue = queue(&server.url, &bucket, options);
    let mut given = 0;
    let mut full = 0;
    for _ in 0..10 {
        let (objects, errors) = run(&queue).await;
        given += objects.len();
        // A receiver may have asked when there was still room.
        assert!(objects.len() <= 30, "{}", objects.len());
        full += errors.len();
        assert!(
            errors
                .iter()
                .all(|error| error.contains("the next run goes on"))
        );
        queue.settled(&objects).await;
    }
    assert_eq!((given, service.deleted().len()), (60, 60));
    assert!(full >= 2, "{full}");
}

#[tokio::test]
async fn a_run_ends_in_time_though_there_are_messages() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    service.send("m", &created(&bucket.put("a", "e1")));
    let options = Options {
        longest_run: Some(Duration::ZERO),
        ..options()
    };
    let queue = queue(&server.url, &bucket, options);
    assert_eq!(run(&queue).await, (Vec::new(), Vec::new()));
    assert_eq!(service.calls("ReceiveMessage"), 0);
}

#[tokio::test]
async fn messages_in_hand_are_renewed_until_they_are_settled() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    let object = bucket.put("a", "e1");
    service.send("m", &created(&object));
    let options = Options {
        beat: Duration::from_millis(1),
        ..options()
    };
    let queue = queue(&server.url, &bucket, options);
    run(&queue).await;
    while service.changed().len() < 3 {
        service.asked.notified().await;
    }
    assert_eq!(service.changed()[2], ("m".to_owned(), 600));
    // The receipt is still good.
    assert_eq!(texts(&queue.settled(&[object]).await), Vec::<String>::new());
    assert_eq!(service.deleted(), ["m"]);
}

#[tokio::test]
async fn what_is_released_is_there_for_others_at_once() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    service.send("m", &created(&bucket.put("a", "e1")));
    let queue = queue(&server.url, &bucket, options());
    run(&queue).await;
    assert_eq!(service.visible(), 0);
    assert_eq!(texts(&queue.release().await), Vec::<String>::new());
    assert_eq!((service.visible(), service.in_flight()), (1, 0));
    assert_eq!(service.deleted(), Vec::<String>::new());
}

#[tokio::test]
async fn a_body_is_read_by_who_knows_the_bucket() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    let queue = queue(&server.url, &bucket, options());
    let mut text = String::new();
    let mut body = queue.read(&bucket.put("a", "e1")).await.unwrap();
    body.read_to_string(&mut text).unwrap();
    assert_eq!(text, "s3://trail/a");
    assert_eq!(queue.id().len(), "sqs-".len() + 16);
    assert_eq!(
        queue.location(),
        format!("{}/111122223333/trail", server.url)
    );
}

#[tokio::test]
async fn what_becomes_of_messages_is_told() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    for number in 0..5 {
        let object = bucket.put(&number.to_string(), "e1");
        service.send(&number.to_string(), &created(&object));
    }
    service.send(
        "test",
        r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"trail"}"#,
    );
    // Received, deleted, returned, in hand.
    let told = Arc::<Mutex<[usize; 4]>>::default();
    let heard = Arc::clone(&told);
    let options = Options {
        tell: Some(Arc::new(move |told: Told| {
            let mut sums = heard.lock().unwrap();
            match told {
                Told::Received(count) => sums[0] += count,
                Told::Deleted(count) => sums[1] += count,
                Told::Returned(count) => sums[2] += count,
                Told::InHand(count) => sums[3] = count,
            }
        })),
        ..options()
    };
    let queue = queue(&server.url, &bucket, options);
    let (objects, _) = run(&queue).await;
    assert_eq!(*told.lock().unwrap(), [6, 1, 0, 5]);
    queue.settled(&objects[..2]).await;
    assert_eq!(*told.lock().unwrap(), [6, 3, 0, 3]);
    assert!(queue.release().await.is_empty());
    assert_eq!(*told.lock().unwrap(), [6, 3, 3, 0]);
}
