//! Against moto's server, which others wrote: `moto_server -p 5555` and PODTRAIL_MOTO=http://127.0.0.1:5555.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;

use super::{Bucket, SqsQueue, created, delivered, options, run, texts};
use crate::source::Source;
use crate::source::testing::config;

/// A fresh queue, and a client to fill and look at it.
async fn fresh(name: &str) -> Option<(Client, String, String)> {
    let named = std::env::var("PODTRAIL_MOTO").ok();
    let Some(server) = named.filter(|url| !url.is_empty()) else {
        eprintln!("skipped: PODTRAIL_MOTO names no server");
        return None;
    };
    let client = Client::new(&config(&server));
    let name = format!("{name}-{}", std::process::id());
    let created = client.create_queue().queue_name(name).send().await.unwrap();
    Some((client, server, created.queue_url.unwrap()))
}

async fn left(client: &Client, url: &str) -> (String, String) {
    let visible = QueueAttributeName::ApproximateNumberOfMessages;
    let in_flight = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
    let answer = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(visible.clone())
        .attribute_names(in_flight.clone())
        .send()
        .await
        .unwrap();
    let all = answer.attributes.unwrap();
    (all[&visible].clone(), all[&in_flight].clone())
}

#[tokio::test]
async fn every_shape_is_received_and_deleted() {
    let Some((client, server, url)) = fresh("shapes").await else {
        return;
    };
    let bucket = Bucket::default();
    let mut objects = Vec::new();
    for number in 0..23 {
        let object = bucket.put(&format!("{number:02}"), "e1");
        let key = format!("{number:02}");
        let plain = match number % 3 {
            0 => created(&object),
            1 => delivered(&[&key]),
            _ => json!({"detail-type": "Object Created", "source": "aws.s3", "detail": {
                "bucket": {"name": "trail"},
                "object": {"key": key, "size": object.size, "etag": object.etag},
            }})
            .to_string(),
        };
        let body = if number % 2 == 0 {
            plain
        } else {
            json!({"Type": "Notification", "Message": plain}).to_string()
        };
        client
            .send_message()
            .queue_url(&url)
            .message_body(body)
            .send()
            .await
            .unwrap();
        objects.push(object);
    }
    let source = SqsQueue::new(&url, &config(&server), bucket.objects(), options()).unwrap();
    let (listed, errors) = run(&source).await;
    assert_eq!((&listed, errors), (&objects, Vec::new()));
    assert_eq!(left(&client, &url).await, ("0".to_owned(), "23".to_owned()));
    assert_eq!(
        texts(&source.settled(&listed[..20]).await),
        Vec::<String>::new()
    );
    assert_eq!(left(&client, &url).await, ("0".to_owned(), "3".to_owned()));
    // What is given back is there again, and is looked at as what came twice.
    assert_eq!(texts(&source.release().await), Vec::<String>::new());
    assert_eq!(left(&client, &url).await, ("3".to_owned(), "0".to_owned()));
    let (again, errors) = run(&source).await;
    assert_eq!((again.as_slice(), errors.len()), (&objects[20..], 0));
    assert_eq!(texts(&source.settled(&again).await), Vec::<String>::new());
    assert_eq!(left(&client, &url).await, ("0".to_owned(), "0".to_owned()));
}

#[tokio::test]
async fn poison_is_left_and_a_missing_queue_is_named() {
    let Some((client, server, url)) = fresh("poison").await else {
        return;
    };
    let bucket = Bucket::default();
    client
        .send_message()
        .queue_url(&url)
        .message_body("hello")
        .send()
        .await
        .unwrap();
    let source = SqsQueue::new(&url, &config(&server), bucket.objects(), options()).unwrap();
    let (objects, errors) = run(&source).await;
    assert_eq!((objects.len(), errors.len()), (0, 1));
    assert!(
        errors[0].contains("give it a dead-letter queue"),
        "{errors:?}"
    );
    assert_eq!(left(&client, &url).await, ("0".to_owned(), "1".to_owned()));

    let nowhere = format!("{server}/123456789012/nowhere");
    let source = SqsQueue::new(&nowhere, &config(&server), bucket.objects(), options()).unwrap();
    let (objects, errors) = run(&source).await;
    assert_eq!((objects.len(), errors.len()), (0, 1));
    assert!(errors[0].contains(&nowhere), "{errors:?}");
    assert!(
        errors[0].contains("QueueDoesNotExist") || errors[0].contains("NonExistentQueue"),
        "{errors:?}"
    );
}
