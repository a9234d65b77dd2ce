//! The queue against a server that speaks the JSON protocol of SQS, and against moto.

mod faults;
mod moto;
mod poison;
mod runs;
mod service;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use serde_json::json;

use super::{Objects, Options, SqsQueue};
use crate::error::{Error, Result};
use crate::source::testing::config;
use crate::source::{ObjectRef, Source};

/// A bucket: its objects by key, and which keys were looked at.
#[derive(Debug, Clone, Default)]
struct Bucket {
    objects: Arc<Mutex<HashMap<String, ObjectRef>>>,
    looked_at: Arc<Mutex<Vec<String>>>,
}

impl Bucket {
    fn put(&self, key: &str, etag: &str) -> ObjectRef {
        let object = ObjectRef {
            key: format!("s3://trail/{key}"),
            etag: etag.to_owned(),
            size: 4_711,
        };
        self.objects
            .lock()
            .unwrap()
            .insert(object.key.clone(), object.clone());
        object
    }

    /// Keys below `denied/` may not be looked at.
    fn head(&self, bucket: &str, key: &str) -> io::Result<ObjectRef> {
        let place = format!("s3://{bucket}/{key}");
        self.looked_at.lock().unwrap().push(place.clone());
        if key.starts_with("denied/") {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "allow the IAM action s3:GetObject",
            ));
        }
        let found = self.objects.lock().unwrap().get(&place).cloned();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn objects(&self) -> Objects {
        let bucket = self.clone();
        Objects {
            head: Arc::new(move |name, key| std::future::ready(bucket.head(&name, &key)).boxed()),
            read: Arc::new(|object| {
                let body: super::Body = Box::new(io::Cursor::new(object.key.into_bytes()));
                std::future::ready(Ok(body)).boxed()
            }),
        }
    }

    fn looked_at(&self) -> Vec<String> {
        std::mem::take(&mut self.looked_at.lock().unwrap())
    }
}

/// Bounds that need no waiting. Beats are off.
fn options() -> Options {
    Options {
        wait_seconds: 0,
        receivers: 2,
        pause: Duration::from_millis(1),
        beat: Duration::from_hours(24),
        ..Options::new(|| 500)
    }
}

fn queue(url: &str, bucket: &Bucket, options: Options) -> SqsQueue {
    let address = format!("{url}/111122223333/trail");
    SqsQueue::new(&address, &config(url), bucket.objects(), options).unwrap()
}

/// One run: the objects and the errors, in the order of their keys and texts.
async fn run(queue: &SqsQueue) -> (Vec<ObjectRef>, Vec<String>) {
    let listed: Vec<Result<ObjectRef>> = queue.list().collect().await;
    let mut objects = Vec::new();
    let mut errors = Vec::new();
    for item in listed {
        match item {
            Ok(object) => objects.push(object),
            Err(error) => errors.push(error.to_string()),
        }
    }
    objects.sort_by(|one, other| one.key.cmp(&other.key));
    errors.sort();
    (objects, errors)
}

fn texts(errors: &[Error]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

/// A notification of S3 for an object.
fn created(object: &ObjectRef) -> String {
    let key = object.key.strip_prefix("s3://trail/").unwrap();
    json!({"Records": [{
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "trail"}, "object": {"key": key, "size": object.size, "eTag": object.etag}},
    }]})
    .to_string()
}

/// What CloudTrail itself sends.
fn delivered(keys: &[&str]) -> String {
    json!({"s3Bucket": "trail", "s3ObjectKey": keys}).to_string()
}
