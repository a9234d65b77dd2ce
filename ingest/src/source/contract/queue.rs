//! A queue with the bucket that its messages name, held to the contract.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use serde_json::{Value, json};

use super::{Case, check};
use crate::source::ObjectRef;
use crate::source::s3::Bucket;
use crate::source::s3::tests::server::{self, BUCKET, Server as Storage, log, options};
use crate::source::sqs::{Objects, Options, SqsQueue};
use crate::source::testing::{Answer, Asked, Server, config};

const ACCOUNT: &str = "111122223333";

/// A queue that gives out its messages one at a time, so that their order is that of the objects.
#[derive(Debug, Default)]
struct Messages {
    bodies: Vec<String>,
    /// Messages given out since they last came back.
    given: usize,
    /// Times that all of them were given out.
    times: usize,
}

impl Messages {
    /// All messages are visible again, as after the visibility timeout.
    fn come_back(&mut self) {
        self.given = 0;
        self.times += 1;
    }

    fn answer(&mut self, asked: &Asked) -> Value {
        if asked.operation == "ReceiveMessage" {
            let messages: Vec<Value> = self.receive().into_iter().collect();
            return json!({ "Messages": messages });
        }
        let request = asked.json();
        let entries = request["Entries"].as_array().unwrap().iter();
        let done: Vec<Value> = entries.map(|entry| json!({"Id": entry["Id"]})).collect();
        json!({"Successful": done, "Failed": []})
    }

    fn receive(&mut self) -> Option<Value> {
        let body = self.bodies.get(self.given)?;
        self.given += 1;
        Some(json!({
            "MessageId": format!("m{}", self.given),
            "ReceiptHandle": format!("handle-{}-{}", self.times, self.given),
            "Body": body,
            "Attributes": {"ApproximateReceiveCount": self.times.to_string()},
        }))
    }
}

fn key(unique: &str) -> String {
    log("AWSLogs/", ACCOUNT, "eu-west-1", "20261122T0005Z", unique)
}

/// How messages' objects are reached.
fn objects_of(bucket: Arc<Bucket>) -> Objects {
    let (for_head, for_read) = (Arc::clone(&bucket), bucket);
    Objects {
        head: Arc::new(move |_: String, key: String| {
            let bucket = Arc::clone(&for_head);
            async move { bucket.head(&key).await }.boxed()
        }),
        read: Arc::new(move |object: ObjectRef| {
            let bucket = Arc::clone(&for_read);
            async move { bucket.read(&object).await }.boxed()
        }),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_holds_to_the_contract_of_sources() {
    let storage = Storage::start().await;
    let keys = ["a", "b", "c"].map(key);
    for key in &keys {
        storage.put(key, key.repeat(20).as_bytes());
    }
    let bucket = Bucket::connect(BUCKET, options(&storage.endpoint));
    let bucket = Arc::new(bucket.await.unwrap());
    let last = bucket.head(&keys[2]).await.unwrap();
    // As CloudTrail tells of two, and S3 of one.
    let of_trail = json!({"s3Bucket": BUCKET, "s3ObjectKey": &keys[..2]});
    let of_storage = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {
        "bucket": {"name": BUCKET}, "object": {"key": keys[2], "size": last.size, "eTag": last.etag}}}]});
    let messages = Arc::new(Mutex::new(Messages {
        bodies: vec![of_trail.to_string(), of_storage.to_string()],
        ..Messages::default()
    }));
    let served = Arc::clone(&messages);
    let service = Server::start(Arc::new(move |asked| {
        let answer = served.lock().unwrap().answer(&asked);
        std::future::ready(Answer::Json(200, answer)).boxed()
    }))
    .await;
    let one_by_one = Options {
        wait_seconds: 0,
        empty_polls: 1,
        receivers: 1,
        ..Options::new(server::bits)
    };
    let address = format!("{}/{ACCOUNT}/trail", service.url);
    let queue = SqsQueue::new(
        &address,
        &config(&service.url),
        objects_of(bucket),
        one_by_one,
    );
    let objects = keys.map(|key| {
        let bytes = key.repeat(20).into_bytes();
        (key, bytes)
    });
    let missing = ObjectRef {
        key: format!("s3://{BUCKET}/{}", key("gone")),
        etag: "0123456789abcdef0123456789abcdef".to_owned(),
        size: 100,
    };
    let case = Case::new(queue.unwrap(), objects.into(), missing);
    check(&case.brought_back_by(move || messages.lock().unwrap().come_back())).await;
}
