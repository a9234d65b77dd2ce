use std::io;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use serde_json::json;

use super::service::{Fault, Service};
use super::{Bucket, Options, created, delivered, options, queue, run, texts};
use crate::source::Source;
use crate::source::sqs::Aside;
use crate::source::testing::Answer;

/// Options that put messages aside into a list.
fn aside(list: &Arc<Mutex<Vec<Aside>>>) -> Options {
    let list = Arc::clone(list);
    Options {
        put_aside: Some(Arc::new(move |aside| {
            list.lock().unwrap().push(aside);
            std::future::ready(Ok(())).boxed()
        })),
        ..options()
    }
}

#[tokio::test]
async fn what_is_not_understood_stays_in_the_queue_hidden_and_is_reported_without_credentials() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    let secret = "wJalrXUtnFEMIexampleK7MDENGbPxRfiCYEXAMPLE";
    let body = json!({"what": "ever", "SecretAccessKey": secret, "pad": "x".repeat(2_000)});
    service.send("m", &body.to_string());
    let queue = queue(&server.url, &bucket, options());
    let (objects, errors) = run(&queue).await;
    assert_eq!((objects.len(), errors.len()), (0, 1));
    let error = &errors[0];
    assert!(
        error.starts_with("message m of http://127.0.0.1"),
        "{error}"
    );
    assert!(error.contains("is no notification of S3"), "{error}");
    assert!(error.contains("give it a dead-letter queue"), "{error}");
    assert!(!error.contains(secret) && error.len() < 1_000, "{error}");
    assert_eq!(service.changed(), [("m".to_owned(), 3_600)]);
    assert_eq!((service.deleted().len(), service.in_flight()), (0, 1));
}

#[tokio::test]
async fn a_dead_letter_queue_is_left_to_do_its_work() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    service.has_dead_letter_queue();
    service.send("m", "hello");
    let list = Arc::default();
    let queue = queue(&server.url, &bucket, aside(&list));
    let (_, errors) = run(&queue).await;
    assert!(
        errors[0].contains("left to the queue's dead-letter queue"),
        "{errors:?}"
    );
    assert_eq!(list.lock().unwrap().len(), 0);
    assert_eq!((service.deleted().len(), service.changed().len()), (0, 0));
}

#[tokio::test]
async fn a_message_is_deleted_after_it_was_put_aside_and_its_other_objects_are_settled() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    let key = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/22/111122223333_CloudTrail_eu-west-1_20261122T0905Z_aBcD1234eFgH5678.json.gz";
    let object = bucket.put(key, "e1");
    let mut body: serde_json::Value = serde_json::from_str(&created(&object)).unwrap();
    let records = body["Records"].as_array_mut().unwrap();
    records.push(json!({"eventSource": "aws:ses", "sessionToken": "IQoJb3JpZ2luX2VjEXAMPLE", "pad": "x".repeat(600)}));
    service.send("half", &body.to_string());
    service.send("whole", &format!("hello s3://trail/{key}"));
    let list = Arc::default();
    let queue = queue(&server.url, &bucket, aside(&list));
    let (objects, errors) = run(&queue).await;
    assert_eq!((objects.as_slice(), errors.len()), ([object].as_slice(), 2));
    assert!(
        errors.iter().all(|error| error.contains("; put aside: ")),
        "{errors:?}"
    );
    assert_eq!(service.deleted(), ["whole"]);
    assert_eq!(texts(&queue.settled(&objects).await), Vec::<String>::new());
    assert_eq!(service.deleted(), ["half", "whole"]);
    let mut asides = list.lock().unwrap().clone();
    asides.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(
        asides[0].reason,
        r#"has a record of "aws:ses" and not of S3"#
    );
    // Whoever looks at it later can still find the object.
    assert!(asides[0].text.contains(key), "{:?}", asides[0]);
    assert!(!asides[0].text.contains("IQoJ"), "{:?}", asides[0]);
    assert_eq!(asides[1].text, format!("hello s3://trail/{key}"));
}

#[tokio::test]
async fn who_only_looks_gives_every_message_back() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    let object = bucket.put("here", "e1");
    service.send("good", &created(&object));
    service.send("twice", &created(&object));
    service.send("poison", "hello");
    service.send("gone", &delivered(&["gone"]));
    service.send(
        "empty",
        r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"trail"}"#,
    );
    let list = Arc::default();
    let options = Options {
        only_look: true,
        ..aside(&list)
    };
    let queue = queue(&server.url, &bucket, options);
    let (objects, errors) = run(&queue).await;
    assert_eq!(objects, [object]);
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(
        errors
            .iter()
            .any(|error| error.contains("; left in the queue: hello")),
        "{errors:?}"
    );
    assert_eq!((service.changed().len(), service.in_flight()), (0, 5));
    assert_eq!(texts(&queue.release().await), Vec::<String>::new());
    assert_eq!((service.visible(), service.in_flight()), (5, 0));
    assert_eq!(service.deleted(), Vec::<String>::new());
    assert_eq!(list.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn nothing_is_deleted_where_it_cannot_be_put_aside_or_nobody_may_ask() {
    let denied = Fault::Answer(Answer::error(403, "AccessDenied", "no"));
    let full: Options = Options {
        put_aside: Some(Arc::new(|_| {
            std::future::ready(Err(io::Error::other("the disk is full"))).boxed()
        })),
        ..options()
    };
    let list = Arc::default();
    let cases = [
        (full, None, "cannot be put aside (the disk is full)"),
        (aside(&list), Some(denied), "allow sqs:GetQueueAttributes"),
    ];
    for (options, fault, reason) in cases {
        let (service, bucket) = (Service::default(), Bucket::default());
        let server = service.start().await;
        service.send("m", "hello");
        service.fail("GetQueueAttributes", fault);
        let queue = queue(&server.url, &bucket, options);
        let (_, errors) = run(&queue).await;
        assert_eq!(errors.len(), 1);
        assert!(errors[0].contains(reason), "{errors:?}");
        assert_eq!(service.deleted(), Vec::<String>::new());
        assert_eq!(service.changed().len(), 1);
    }
    assert_eq!(list.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_missing_object_is_waited_for_and_given_up_in_the_end() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    let here = bucket.put("here", "e1");
    service.send("m", &delivered(&["here", "gone"]));
    let list = Arc::default();
    let queue = queue(&server.url, &bucket, aside(&list));
    for _ in 1..5 {
        let (objects, errors) = run(&queue).await;
        assert_eq!(objects, std::slice::from_ref(&here));
        assert_eq!(errors.len(), 1);
        assert!(
            errors[0].contains("names s3://trail/gone, which does not exist; it comes again"),
            "{errors:?}"
        );
        // What is there does not settle the message.
        queue.settled(&objects).await;
        assert_eq!(service.deleted(), Vec::<String>::new());
        service.let_time_pass();
    }
    let (objects, errors) = run(&queue).await;
    assert!(
        errors[0].contains("which does not exist; put aside"),
        "{errors:?}"
    );
    assert_eq!(list.lock().unwrap().len(), 1);
    queue.settled(&objects).await;
    assert_eq!(service.deleted(), ["m"]);
}

#[tokio::test]
async fn a_bucket_that_denies_is_no_reason_to_give_up() {
    for keys in [["denied/a", "gone"], ["gone", "denied/a"]] {
        let (service, bucket) = (Service::default(), Bucket::default());
        let server = service.start().await;
        let list = Arc::default();
        service.sent_before("m", &delivered(&keys), 40);
        let queue = queue(&server.url, &bucket, aside(&list));
        let (objects, errors) = run(&queue).await;
        assert_eq!((objects.len(), errors.len()), (0, 1));
        let error = &errors[0];
        assert!(
            error.contains("allow the IAM action s3:GetObject"),
            "{error}"
        );
        assert!(error.contains("it comes again"), "{error}");
        assert_eq!(service.deleted(), Vec::<String>::new());
        assert_eq!(list.lock().unwrap().len(), 0);
    }
}
