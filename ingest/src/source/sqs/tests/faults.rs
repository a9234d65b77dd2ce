use super::service::{Fault, Service};
use super::{Bucket, Options, created, options, queue, run, texts};
use crate::source::testing::Answer;
use crate::source::{ObjectRef, Source};

fn throttled() -> Fault {
    Fault::Answer(Answer::error(400, "RequestThrottled", "too many requests"))
}

fn broken() -> Fault {
    Fault::Answer(Answer::error(503, "ServiceUnavailable", "later"))
}

fn fill(service: &Service, bucket: &Bucket, count: usize) -> Vec<ObjectRef> {
    let objects: Vec<ObjectRef> = (0..count)
        .map(|number| bucket.put(&format!("{number:02}"), "e1"))
        .collect();
    for object in &objects {
        service.send(&object.key, &created(object));
    }
    objects
}

#[tokio::test]
async fn every_fault_ends_like_an_undisturbed_run() {
    let cut = || {
        Fault::Answer(Answer::Cut(
            serde_json::json!({"Messages": [], "pad": "x".repeat(64)}),
        ))
    };
    let reset = || Fault::Answer(Answer::Reset);
    let cases: [(&str, Vec<Fault>); 7] = [
        ("ReceiveMessage", vec![throttled(), throttled(), broken()]),
        ("ReceiveMessage", vec![reset(), cut(), reset()]),
        ("DeleteMessageBatch", vec![throttled(), broken()]),
        ("DeleteMessageBatch", vec![reset(), cut()]),
        (
            "DeleteMessageBatch",
            vec![
                Fault::Entry { by_sender: false },
                throttled(),
                Fault::Entry { by_sender: false },
            ],
        ),
        ("ChangeMessageVisibilityBatch", vec![broken()]),
        ("GetQueueAttributes", vec![broken()]),
    ];
    for (operation, faults) in cases {
        let (service, bucket) = (Service::default(), Bucket::default());
        let server = service.start().await;
        let objects = fill(&service, &bucket, 12);
        service.fail(operation, faults.clone());
        let queue = queue(&server.url, &bucket, options());
        let (listed, errors) = run(&queue).await;
        assert_eq!(
            (&listed, errors),
            (&objects, Vec::new()),
            "{operation}: {faults:?}"
        );
        let errors = queue.settled(&listed).await;
        assert_eq!(
            texts(&errors),
            Vec::<String>::new(),
            "{operation}: {faults:?}"
        );
        assert_eq!(service.deleted().len(), 12, "{operation}: {faults:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_receipt_costs_a_visibility_timeout() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    let objects = fill(&service, &bucket, 3);
    service.fail("ReceiveMessage", [Fault::Lost]);
    let queue = queue(&server.url, &bucket, options());
    assert_eq!(run(&queue).await, (Vec::new(), Vec::new()));
    service.let_time_pass();
    let (listed, _) = run(&queue).await;
    assert_eq!(listed, objects);
    queue.settled(&listed).await;
    assert_eq!(service.deleted().len(), 3);
}

#[tokio::test]
async fn a_lost_answer_to_a_deletion_is_reported_and_harmless() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    let objects = fill(&service, &bucket, 1);
    service.fail("DeleteMessageBatch", [Fault::Lost]);
    let queue = queue(&server.url, &bucket, options());
    run(&queue).await;
    // Deleted, and then asked for again with a receipt that is good no more.
    let errors = texts(&queue.settled(&objects).await);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("ReceiptHandleIsInvalid"), "{errors:?}");
    assert_eq!(service.deleted().len(), 1);
}

#[tokio::test]
async fn messages_that_cannot_be_deleted_are_reported_with_what_to_do_and_come_again() {
    let denied = Fault::Answer(Answer::error(
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::111122223333:user/me is not authorized",
    ));
    let cases = [
        (
            vec![Fault::Entry { by_sender: true }],
            1,
            "InternalError: try again",
        ),
        (
            vec![Fault::Entry { by_sender: false }; 3],
            1,
            "InternalError: try again",
        ),
        (vec![denied], 2, "allow the IAM action sqs:DeleteMessage"),
    ];
    for (faults, lost, reason) in cases {
        let (service, bucket) = (Service::default(), Bucket::default());
        let server = service.start().await;
        let objects = fill(&service, &bucket, 2);
        service.fail("DeleteMessageBatch", faults);
        let options = Options {
            attempts: 3,
            ..options()
        };
        let queue = queue(&server.url, &bucket, options);
        run(&queue).await;
        let errors = texts(&queue.settled(&objects).await);
        assert_eq!(errors.len(), 1, "{errors:?}");
        let expected = format!(
            "delete {lost} messages of {}/111122223333/trail: ",
            server.url
        );
        assert!(errors[0].starts_with(&expected), "{errors:?}");
        assert!(errors[0].contains(reason), "{errors:?}");

        // The next run finds their objects again, and they are deleted then.
        service.let_time_pass();
        let (again, _) = run(&queue).await;
        assert_eq!(again.len(), lost);
        queue.settled(&again).await;
        assert_eq!(service.deleted().len(), 2);
    }
}

#[tokio::test]
async fn what_forbids_to_receive_is_reported_once_with_what_to_do() {
    let cases = [
        (
            "AccessDenied",
            403,
            "allow the IAM action sqs:ReceiveMessage",
        ),
        ("KmsAccessDenied", 400, "allow kms:Decrypt"),
        ("QueueDoesNotExist", 400, "QueueDoesNotExist: no such queue"),
        ("ExpiredToken", 403, "renew the credentials"),
    ];
    for (code, status, reason) in cases {
        let (service, bucket) = (Service::default(), Bucket::default());
        let server = service.start().await;
        fill(&service, &bucket, 1);
        let fault = Fault::Answer(Answer::error(status, code, "no such queue"));
        service.fail("ReceiveMessage", vec![fault; 20]);
        let queue = queue(&server.url, &bucket, options());
        let (objects, errors) = run(&queue).await;
        assert_eq!((objects.len(), errors.len()), (0, 1), "{errors:?}");
        assert!(
            errors[0].contains("receive from http://127.0.0.1"),
            "{errors:?}"
        );
        assert!(errors[0].contains(reason), "{errors:?}");
    }
}

#[tokio::test]
async fn a_service_that_stays_away_ends_the_run_with_an_error() {
    let (service, bucket) = (Service::default(), Bucket::default());
    let server = service.start().await;
    service.fail("ReceiveMessage", vec![broken(); 100]);
    let options = Options {
        attempts: 3,
        receivers: 1,
        ..options()
    };
    let queue = queue(&server.url, &bucket, options);
    let (objects, errors) = run(&queue).await;
    assert_eq!((objects.len(), errors.len()), (0, 1));
    assert_eq!(service.calls("ReceiveMessage"), 3);
}
