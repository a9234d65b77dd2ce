//! Generated trail objects in memory, and what must become of them.
//!
//! Every event has a number, which alone decides its record: copies of an event are equal texts
//! wherever they are.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt;
use futures::stream::BoxStream;
use podtrail_ingest::Result;
use podtrail_ingest::source::{Body, ObjectRef, Source};

use crate::random::Random;

/// A trail object and what it holds.
#[derive(Debug, Clone)]
pub struct Object {
    key: String,
    bytes: Arc<[u8]>,
    listed_size: u64,
    /// Numbers of its events in order, copies included.
    pub events: Vec<u64>,
    /// Reasons of its bad values, in order.
    pub bad: Vec<&'static str>,
}

/// How objects are made.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Objects of the source.
    pub objects: u64,
    /// Records of an object, at most; never 0.
    pub records: u64,
    /// Events that records are drawn from: drawing from few makes many copies.
    pub events: std::ops::Range<u64>,
    /// Least size that objects are listed with. A large one makes ingest decode each object by itself
    /// and so write several files in one batch.
    pub listed_size: u64,
}

/// A source of generated objects.
#[derive(Debug, Clone)]
pub struct Objects {
    id: String,
    objects: Arc<BTreeMap<String, Object>>,
}

impl Objects {
    /// Generates a source: the same seed gives the same objects.
    #[must_use]
    pub fn generate(id: &str, seed: u64, shape: &Shape) -> Self {
        let random = Random::new(seed);
        let objects = (0..shape.objects)
            .map(|number| {
                let key = format!("memory://{id}/{number:04}.json");
                (key.clone(), object(key, &random, shape))
            })
            .collect();
        Self {
            id: id.to_owned(),
            objects: Arc::new(objects),
        }
    }

    /// Gives the objects in the order they are listed.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    /// Gives what the tables must hold of this source.
    pub fn expected(&self) -> impl Iterator<Item = ExpectedObject> {
        self.objects().map(|object| ExpectedObject {
            key: object.key.clone(),
            source: self.id.clone(),
            records: i64::try_from(object.events.len()).unwrap(),
            bad: object.bad.iter().map(|&reason| reason.to_owned()).collect(),
        })
    }

    /// Gives the event ids of this source, each once.
    #[must_use]
    pub fn event_ids(&self) -> BTreeSet<String> {
        self.objects()
            .flat_map(|object| object.events.iter().map(|&event| event_id(event)))
            .collect()
    }
}

/// What `ingested_objects` and `rejects` must hold of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpectedObject {
    /// The object.
    pub key: String,
    /// The only source that lists it.
    pub source: String,
    /// Records, copies included.
    pub records: i64,
    /// Reasons of what is refused, in the order of the object.
    pub bad: Vec<String>,
}

#[async_trait::async_trait]
impl Source for Objects {
    fn id(&self) -> &str {
        &self.id
    }

    fn location(&self) -> &str {
        &self.id
    }

    fn list(&self) -> BoxStream<'static, Result<ObjectRef>> {
        let listed: Vec<_> = self
            .objects()
            .map(|object| {
                Ok(ObjectRef {
                    key: object.key.clone(),
                    etag: format!("v1-{}", object.bytes.len()),
                    size: object.listed_size,
                })
            })
            .collect();
        futures::stream::iter(listed).boxed()
    }

    async fn read(&self, object: &ObjectRef) -> std::io::Result<Body> {
        let object = self.objects.get(&object.key);
        let object = object.ok_or(std::io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(Arc::clone(&object.bytes))))
    }
}

fn object(key: String, random: &Random, shape: &Shape) -> Object {
    let mut values = Vec::new();
    let mut events = Vec::new();
    let mut bad = Vec::new();
    for _ in 0..=random.below(shape.records) {
        let span = shape.events.end - shape.events.start;
        let event = shape.events.start + random.below(span);
        events.push(event);
        values.push(record(event));
    }
    if random.chance(10) {
        // A copy within the object.
        let event = events[0];
        events.push(event);
        values.push(record(event));
    }
    if random.chance(15) {
        let at = usize::try_from(random.below(values.len() as u64 + 1)).unwrap();
        values.insert(at, format!(r#"{{"hello":"{key}"}}"#));
        bad.push("not_cloudtrail");
    }
    if random.chance(15) {
        values.push(r#"{"eventVersion":"1.11","eventTime":"2026-01-"#.to_owned());
        bad.push("truncated");
    }
    let mut text = format!(r#"{{"Records":[{}"#, values.join(","));
    if !bad.contains(&"truncated") {
        text.push_str("]}");
    }
    let bytes = if random.chance(50) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    } else {
        text.into_bytes()
    };
    Object {
        key,
        listed_size: shape.listed_size.max(bytes.len() as u64),
        bytes: bytes.into(),
        events,
        bad,
    }
}

/// Gives the `eventID` of an event.
#[must_use]
pub fn event_id(event: u64) -> String {
    let random = Random::new(event);
    let (high, low) = (random.next(), random.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0xfff,
        low & 0xffff_ffff_ffff
    )
}

/// Gives the record of an event. Neighbouring numbers are calls of one activity, every eighth issues
/// credentials.
fn record(event: u64) -> String {
    let id = event_id(event);
    // Three calls in one five minutes, from the evening of one day into the next.
    let minutes = 22 * 60 + (event / 3) * 10;
    let time = format!(
        "2026-01-{:02}T{:02}:{:02}:{:02}Z",
        1 + minutes / (24 * 60),
        minutes / 60 % 24,
        minutes % 60,
        event % 3 * 7
    );
    let session = event / 3 % 4;
    let caller = format!(
        r#"{{"type":"AssumedRole","principalId":"AROAEXAMPLE{session}:pod-{session}","arn":"arn:aws:sts::111122223333:assumed-role/app-{session}/pod-{session}","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE{session}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE{session}","arn":"arn:aws:iam::111122223333:role/app-{session}","accountId":"111122223333","userName":"app-{session}"}},"attributes":{{"creationDate":"2026-01-01T21:00:00Z","mfaAuthenticated":"false"}}}}}}"#
    );
    let common = format!(
        r#""eventVersion":"1.11","eventTime":"{time}","awsRegion":"eu-west-1","sourceIPAddress":"10.0.0.{session}","userAgent":"aws-sdk-go-v2/1.30.0","eventID":"{id}","eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management""#
    );
    if event % 8 == 7 {
        return format!(
            r#"{{"userIdentity":{caller},"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","readOnly":true,"requestParameters":{{"roleArn":"arn:aws:iam::111122223333:role/next","roleSessionName":"next-{event}"}},"responseElements":{{"credentials":{{"accessKeyId":"ASIANEXT{event:08}","expiration":"Jan 2, 2026, 11:04:05 PM"}},"assumedRoleUser":{{"assumedRoleId":"AROANEXT:next-{event}","arn":"arn:aws:sts::111122223333:assumed-role/next/next-{event}"}}}},{common}}}"#
        );
    }
    format!(
        r#"{{"userIdentity":{caller},"eventSource":"sqs.amazonaws.com","eventName":"ReceiveMessage","readOnly":false,"requestParameters":{{"number":{event}}},"responseElements":null,{common}}}"#
    )
}
