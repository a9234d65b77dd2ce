//! What a message says: which objects are new.
//!
//! Understood are event notifications of S3 (of S3 itself, and of stores that send the same), the
//! messages that CloudTrail sends to a topic, and `Object Created` events of EventBridge; each as it
//! is, or in the envelope of SNS. So are events of EventBridge that hold a record of CloudTrail, and such a
//! record alone, as rules with the input path `$.detail` send it: such a message is itself what is read.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>,
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>,
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>

use chrono::DateTime;
use serde_json::Value;

use crate::decode::clean;
use crate::hash::short;

/// How the keys of events of EventBridge begin that messages hold themselves.
const HELD_EVENT: &str = "eventbridge://";

/// How the keys of records begin that messages hold without an event around them.
const HELD_RECORD: &str = "record://";

/// Stands for an account that a record does not name.
const NO_ACCOUNT: &str = "unknown";

/// Longest part of such a key, in bytes.
const KEY_PART: usize = 64;

/// Envelopes within envelopes that are opened.
const ENVELOPES: u32 = 2;

/// What CloudTrail sends to a topic to see that it may.
const VALIDATION: &str = "CloudTrail validation message";

/// Events of S3 after which no object has new content.
const NOT_CREATED: [&str; 10] = [
    "ObjectRemoved:",
    "ObjectRestore:",
    "ObjectTagging:",
    "ObjectAcl:",
    "ObjectAnnotation:",
    "LifecycleExpiration:",
    "LifecycleTransition",
    "IntelligentTiering",
    "Replication:",
    "ReducedRedundancyLostObject",
];

/// The same for EventBridge, which names them otherwise.
const NOT_CREATED_ON_BUS: [&str; 9] = [
    "Object Deleted",
    "Object Restore Initiated",
    "Object Restore Completed",
    "Object Restore Expired",
    "Object Storage Class Changed",
    "Object Access Tier Changed",
    "Object ACL Updated",
    "Object Tags Added",
    "Object Tags Deleted",
];

/// Folders of a trail that hold no events of the trail.
const OTHER_FOLDERS: [&str; 3] = [
    "CloudTrail-Digest",
    "CloudTrail-Insight",
    "CloudTrail-Aggregated",
];

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Notice {
    /// Objects to read. None at all is a sound answer, too.
    pub(super) objects: Vec<Named>,
    /// What the message holds itself.
    pub(super) event: Option<HeldEvent>,
    /// Why the message, or a part of it, was not understood.
    pub(super) refused: Option<String>,
}

/// A record of CloudTrail that a message holds, in an event of EventBridge or alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeldEvent {
    /// Names it: account, region, and the id that EventBridge or CloudTrail gave it, however often it is delivered.
    pub(super) key: String,
    /// Names the text as it was sent.
    pub(super) etag: String,
    /// The text, free of credentials: it may be kept.
    pub(super) text: String,
}

impl HeldEvent {
    fn new(key: String, body: &str) -> Self {
        Self {
            key,
            etag: short(body),
            text: clean(body),
        }
    }
}

/// Tells whether an object with this key is in a message itself.
pub(super) fn is_held(key: &str) -> bool {
    key.starts_with(HELD_EVENT) || key.starts_with(HELD_RECORD)
}

/// An object that a message names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) bucket: String,
    pub(super) key: String,
    /// Without quotation marks.
    pub(super) etag: Option<String>,
    pub(super) size: Option<u64>,
}

impl Notice {
    fn nothing() -> Self {
        Self::default()
    }

    fn refused(reason: impl Into<String>) -> Self {
        Self {
            refused: Some(reason.into()),
            ..Self::default()
        }
    }

    fn add(&mut self, object: Result<Option<Named>, String>) {
        match object {
            Ok(Some(named)) if holds_events(&named.key) => self.objects.push(named),
            Ok(_) => {}
            Err(reason) => self.refused = Some(reason),
        }
    }
}

/// Reads the body of a message.
pub(super) fn read(body: &str) -> Notice {
    open(body, ENVELOPES)
}

fn open(body: &str, envelopes: u32) -> Notice {
    if body.trim().starts_with(VALIDATION) {
        return Notice::nothing();
    }
    let message: Value = match serde_json::from_str(body) {
        Ok(message) => message,
        Err(error) => return Notice::refused(format!("is not JSON ({error})")),
    };
    if let Some(records) = message.get("Records").and_then(Value::as_array) {
        return storage_events(records);
    }
    if message.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Notice::nothing();
    }
    if let (Some(bucket), Some(keys)) = (text(&message, "s3Bucket"), message.get("s3ObjectKey")) {
        return trail_message(bucket, keys);
    }
    if let Some(kind) = text(&message, "detail-type") {
        return bus_event(kind, &message, body);
    }
    match (text(&message, "Type"), text(&message, "Message")) {
        (Some("Notification"), Some(inner)) if envelopes > 0 => open(inner, envelopes - 1),
        (Some("Notification"), Some(_)) => Notice::refused("has too many envelopes"),
        (Some("SubscriptionConfirmation"), _) => Notice::refused(
            "asks to confirm a subscription to a topic, which is for its owner to do",
        ),
        _ => lone_record(&message, body).unwrap_or_else(|| {
            Notice::refused(
                "is no notification of S3, CloudTrail or EventBridge, and no record of CloudTrail",
            )
        }),
    }
}

fn storage_events(records: &[Value]) -> Notice {
    if records.is_empty() {
        return Notice::refused("lists no record");
    }
    let mut notice = Notice::nothing();
    for record in records {
        notice.add(storage_event(record));
    }
    notice
}

fn storage_event(record: &Value) -> Result<Option<Named>, String> {
    let source = text(record, "eventSource").unwrap_or_default();
    // S3-compatible stores write their own name in front.
    if !source.ends_with(":s3") {
        return Err(format!("has a record of {source:?} and not of S3"));
    }
    let name = text(record, "eventName").unwrap_or_default();
    let name = name.strip_prefix("s3:").unwrap_or(name);
    if name == "TestEvent" || NOT_CREATED.iter().any(|other| name.starts_with(other)) {
        return Ok(None);
    }
    let bucket = record.pointer("/s3/bucket/name").and_then(Value::as_str);
    let object = record.pointer("/s3/object");
    let key = object.and_then(|object| text(object, "key"));
    let (Some(bucket), Some(object), Some(key)) = (bucket, object, key) else {
        return Err("has a record without bucket or key".to_owned());
    };
    let key = plain(key).ok_or("has a key that is not UTF-8")?;
    Ok(Some(named(bucket, &key, object, "eTag")))
}

fn trail_message(bucket: &str, keys: &Value) -> Notice {
    let keys: Vec<&Value> = match keys {
        Value::Array(keys) => keys.iter().collect(),
        one => vec![one],
    };
    if keys.is_empty() {
        return Notice::refused("lists no key");
    }
    let mut notice = Notice::nothing();
    for key in keys {
        let object = key.as_str().filter(|key| !key.is_empty());
        notice.add(match object {
            Some(key) => Ok(Some(Named {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                etag: None,
                size: None,
            })),
            None => Err("has a key that is no text".to_owned()),
        });
    }
    notice
}

fn bus_event(kind: &str, event: &Value, body: &str) -> Notice {
    let source = text(event, "source").unwrap_or_default();
    // Whoever may put events on a bus may not name such a source, partners of AWS apart.
    let is_of_aws = source.starts_with("aws.") && !source.starts_with("aws.partner/");
    if is_of_aws && kind.ends_with("via CloudTrail") {
        return held_event(event, body);
    }
    if source != "aws.s3" {
        return Notice::refused(format!(
            "is an event ({kind} of {source}) and neither a notification of an object nor a record of CloudTrail; let \
             the rule match the source aws.s3 and the detail type Object Created, or detail types that end in \
             \"via CloudTrail\""
        ));
    }
    if NOT_CREATED_ON_BUS.contains(&kind) {
        return Notice::nothing();
    }
    let bucket = event.pointer("/detail/bucket/name").and_then(Value::as_str);
    let object = event.pointer("/detail/object");
    let key = object.and_then(|object| text(object, "key"));
    let mut notice = Notice::nothing();
    notice.add(match (bucket, object, key) {
        // Not encoded, other than in a notification of S3.
        (Some(bucket), Some(object), Some(key)) => Ok(Some(named(bucket, key, object, "etag"))),
        _ => Err("has no bucket or no key".to_owned()),
    });
    notice
}

fn held_event(event: &Value, body: &str) -> Notice {
    let part = |name: &str| key_part(event, name);
    let named = (part("account"), part("region"), part("id"));
    let (Some(account), Some(region), Some(id)) = named else {
        return Notice::refused("is an event without an account, region or id that could name it");
    };
    if !event.get("detail").is_some_and(Value::is_object) {
        return Notice::refused("is an event of CloudTrail without its record");
    }
    let key = format!("{HELD_EVENT}{account}/{region}/{id}");
    Notice {
        event: Some(HeldEvent::new(key, body)),
        ..Notice::default()
    }
}

/// A record of CloudTrail without anything around it. `None` where it may as well be something else: what is put
/// aside is not lost, while an event that never was would be believed.
fn lone_record(record: &Value, body: &str) -> Option<Notice> {
    text(record, "eventVersion").filter(|version| version.starts_with("1."))?;
    text(record, "eventSource").filter(|source| source.contains(".amazonaws.com"))?;
    text(record, "eventName")?;
    let time = text(record, "eventTime")?;
    DateTime::parse_from_rfc3339(time).ok()?;
    let identity = record
        .get("userIdentity")
        .filter(|identity| identity.is_object())?;
    let region = key_part(record, "awsRegion")?;
    let id = key_part(record, "eventID")?;
    let account = key_part(record, "recipientAccountId");
    // Records of old, and those that EventBridge passes on, need not say whose trail they are of.
    let account = account.or_else(|| key_part(identity, "accountId"));
    let account = account.unwrap_or(NO_ACCOUNT);
    let key = format!("{HELD_RECORD}{account}/{region}/{id}");
    Some(Notice {
        event: Some(HeldEvent::new(key, body)),
        ..Notice::default()
    })
}

/// A text that may be a part of an object's key.
fn key_part<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    text(value, name).filter(|part| {
        part.len() <= KEY_PART
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

fn named(bucket: &str, key: &str, object: &Value, etag: &str) -> Named {
    let etag = text(object, etag).map(|etag| etag.trim_matches('"').to_owned());
    Named {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        etag: etag.filter(|etag| !etag.is_empty()),
        size: object.get("size").and_then(Value::as_u64),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// Takes back what S3 encoded like a form: `+` is a space, `%2F` is a slash.
fn plain(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let pair = behind.get(..2).and_then(hex_pair);
        match (first, pair) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = behind;
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?;
    u8::try_from(value).ok()
}

/// False for what CloudTrail puts beside the log files: digests, Insights events, sums of events, folder markers. A
/// key of unknown form may be that of a copied log file.
fn holds_events(key: &str) -> bool {
    if key.ends_with('/') {
        return false;
    }
    let below = key.rsplit_once("AWSLogs/").map_or("", |(_, below)| below);
    !below
        .split('/')
        .any(|folder| OTHER_FOLDERS.contains(&folder))
}

#[cfg(test)]
mod tests;
