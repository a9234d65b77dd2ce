//! From one JSON value to the records in it: what is a record, what is a wrapper, what is neither.

use std::borrow::Cow;

use super::json;
use super::limits::{DETAIL_BYTES, Limits, WRAPPER_LEVELS};
use super::record;
use super::redact;
use super::reject::{Reject, RejectReason};
use super::scrub::scrub;
use super::split::{Shape, shape_of};
use super::{ObjectKind, Sink};

/// Rank of a member that holds a record, a list of records or a JSON text of either, best first. Only
/// the best one present is opened, so that no record is found twice.
fn wrapper_rank(name: &str) -> Option<u8> {
    Some(match name {
        "CloudTrailEvent" => 0,
        "Records" => 1,
        "records" => 2,
        "aws" => 3,
        "cloudtrail" => 4,
        "detail" => 5,
        "logEvents" => 6,
        "Events" => 7,
        "events" => 8,
        "Message" => 9,
        "message" => 10,
        "log" => 11,
        "data" => 12,
        "override_record" => 13,
        "record" => 14,
        "event" => 15,
        "test_events" => 16,
        "eventData" => 17,
        "body" | "Body" => 18,
        _ => return None,
    })
}

/// Where results go, with their running numbers.
pub(super) struct Emit<'s, S> {
    pub sink: &'s mut S,
    pub limits: Limits,
    pub records: u64,
    pub rejected: u64,
    pub first_reject: Option<RejectReason>,
    /// Offset of the value in hand.
    pub offset: u64,
}

impl<S: Sink> Emit<'_, S> {
    pub(super) fn reject(
        &mut self,
        reason: RejectReason,
        detail: &str,
        text: &[u8],
    ) -> Result<(), S::Error> {
        let mut detail = scrub(detail, true).into_owned();
        redact::truncate(&mut detail, DETAIL_BYTES);
        let text = redact::excerpt(text, self.limits.reject_text);
        let reject = Reject {
            position: self.records + self.rejected,
            offset: self.offset,
            reason,
            detail,
            text,
        };
        self.rejected += 1;
        self.first_reject.get_or_insert(reason);
        self.sink.reject(reject)
    }

    pub(super) fn kind(&self) -> ObjectKind {
        if self.records > 0 {
            return ObjectKind::CloudTrail;
        }
        match self.first_reject {
            None => ObjectKind::Empty,
            Some(RejectReason::Digest) => ObjectKind::Digest,
            Some(RejectReason::S3Notification) => ObjectKind::S3Notification,
            Some(RejectReason::SnsNotification) => ObjectKind::SnsNotification,
            Some(RejectReason::ControlMessage) => ObjectKind::ControlMessage,
            Some(RejectReason::OtherCloud) => ObjectKind::OtherCloud,
            Some(RejectReason::NotCloudTrail) => ObjectKind::NotCloudTrail,
            Some(_) => ObjectKind::Unreadable,
        }
    }

    /// Emits every record in one sound JSON value, and a reject for every part that is none.
    pub(super) fn value(
        &mut self,
        text: &str,
        shape: &Shape,
        level: usize,
    ) -> Result<(), S::Error> {
        if shape.too_deep {
            let detail = format!("nested deeper than {}", self.limits.depth);
            return self.reject(RejectReason::TooDeep, &detail, text.as_bytes());
        }
        match text.as_bytes().first() {
            Some(b'{') => self.object(text, shape, level),
            Some(b'[') if level < WRAPPER_LEVELS => {
                for element in json::elements(text) {
                    self.part(element, level + 1)?;
                }
                Ok(())
            }
            Some(b'"') => self.string(text, level),
            _ => self.reject(
                RejectReason::NotCloudTrail,
                "not an object",
                text.as_bytes(),
            ),
        }
    }

    /// A part of a sound value, whose own shape is not known yet.
    fn part(&mut self, text: &str, level: usize) -> Result<(), S::Error> {
        match shape_of(text, self.limits.depth) {
            Some(shape) => self.value(text, &shape, level),
            // A bare number has no end of its own.
            None => self.reject(
                RejectReason::NotCloudTrail,
                "not an object",
                text.as_bytes(),
            ),
        }
    }

    fn object(&mut self, text: &str, shape: &Shape, level: usize) -> Result<(), S::Error> {
        let signs = Signs::read(text, shape);
        match signs.judge() {
            Verdict::Record => self.record(text, shape),
            Verdict::Refused(reason, detail) => self.reject(reason, &detail, text.as_bytes()),
            Verdict::Wrapper(value) if level < WRAPPER_LEVELS => self.part(value, level + 1),
            Verdict::Wrapper(_) => self.reject(
                RejectReason::NotCloudTrail,
                "too many wrappers",
                text.as_bytes(),
            ),
        }
    }

    fn string(&mut self, token: &str, level: usize) -> Result<(), S::Error> {
        let plain = json::string(token).unwrap_or_default();
        let inner = plain.trim();
        if inner.starts_with("CWL CONTROL MESSAGE") {
            return self.reject(
                RejectReason::ControlMessage,
                "subscription health check",
                inner.as_bytes(),
            );
        }
        if level >= WRAPPER_LEVELS || !inner.starts_with(['{', '[', '"']) {
            return self.reject(
                RejectReason::NotCloudTrail,
                "text without JSON",
                inner.as_bytes(),
            );
        }
        match shape_of(inner, self.limits.depth) {
            Some(shape) => self.value(inner, &shape, level + 1),
            None => self.reject(
                RejectReason::InvalidJson,
                "text in a wrapper is not JSON",
                inner.as_bytes(),
            ),
        }
    }

    fn record(&mut self, text: &str, shape: &Shape) -> Result<(), S::Error> {
        let position = self.records + self.rejected;
        self.records += 1;
        if !shape.spaced && !shape.suspect {
            return self
                .sink
                .record(&record::build(text, &shape.members, position, self.offset));
        }
        let clean = redact::rewrite(text);
        // Rewritten text is sound: its shape is always known.
        let members = shape_of(&clean, usize::MAX)
            .map(|shape| shape.members)
            .unwrap_or_default();
        self.sink
            .record(&record::build(&clean, &members, position, self.offset))
    }
}

enum Verdict<'a> {
    Record,
    Wrapper(&'a str),
    Refused(RejectReason, Cow<'static, str>),
}

/// The members that tell what an object is.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // independent signs, not states
struct Signs<'a> {
    event_name: bool,
    event_source: Cow<'a, str>,
    event_version: Cow<'a, str>,
    event_type: Cow<'a, str>,
    event_category: Cow<'a, str>,
    identity: Option<&'a str>,
    s3: bool,
    test_event: bool,
    digest: u8,
    other_cloud: Option<&'static str>,
    kubernetes: bool,
    sns: bool,
    announced: bool,
    detail_type: Option<Cow<'a, str>>,
    source: Cow<'a, str>,
    wrapper: Option<(u8, &'a str)>,
}

impl<'a> Signs<'a> {
    fn read(text: &'a str, shape: &Shape) -> Self {
        let mut signs = Self::default();
        for span in &shape.members {
            if let (Some(key), Some(value)) =
                (text.get(span.key.clone()), text.get(span.value.clone()))
            {
                signs.see(key, value);
            }
        }
        signs
    }

    fn see(&mut self, key: &str, value: &'a str) {
        let content = || json::string(value).unwrap_or_default();
        match key {
            "eventName" => self.event_name = value.len() > 2 && value != "null",
            "eventSource" => self.event_source = content(),
            "eventVersion" => self.event_version = json::text(value).unwrap_or_default(),
            "eventType" => self.event_type = content(),
            "eventCategory" => self.event_category = content(),
            "userIdentity" => self.identity = Some(value),
            "s3" => self.s3 = value.starts_with('{'),
            "Event" => self.test_event = value == "\"s3:TestEvent\"",
            "digestStartTime" | "digestS3Bucket" | "previousDigestSignature" | "logFiles" => {
                self.digest += 1;
            }
            "acsRegion" => self.other_cloud = Some("Alibaba Cloud ActionTrail"),
            "protoPayload" => self.other_cloud = Some("Google Cloud audit log"),
            "resourceId" if value.starts_with("\"/") => {
                self.other_cloud = Some("Azure activity log");
            }
            "apiVersion" => self.kubernetes |= value.starts_with("\"audit.k8s.io/"),
            "TopicArn" => self.sns = true,
            "s3ObjectKey" => self.announced = true,
            "detail-type" => self.detail_type = json::text(value),
            "source" => self.source = content(),
            _ => {}
        }
        let Some(rank) = wrapper_rank(key) else {
            return;
        };
        // Only what can hold a record: an object, an array or a JSON text. A message of another kind is
        // refused for what it is.
        let opens = match value.as_bytes() {
            [b'{' | b'[', ..] => true,
            [b'"', ..] => {
                content().trim_start().starts_with(['{', '['])
                    || matches!(key, "message" | "Message")
            }
            _ => false,
        };
        let value = if key == "aws" {
            json::find(value, "cloudtrail")
        } else {
            Some(value)
        };
        if let Some(value) = value
            && opens
            && self.wrapper.is_none_or(|(best, _)| rank < best)
        {
            self.wrapper = Some((rank, value));
        }
    }

    fn judge(&self) -> Verdict<'a> {
        if let Some(refused) = self.look_alike() {
            return refused;
        }
        if self.is_record() {
            return Verdict::Record;
        }
        if let Some(detail_type) = &self.detail_type
            && !detail_type.ends_with("via CloudTrail")
            && !self
                .wrapper
                .is_some_and(|(_, detail)| plainly_record(detail))
        {
            let reason = if self.source == "aws.s3" {
                RejectReason::S3Notification
            } else {
                RejectReason::NotCloudTrail
            };
            return Verdict::Refused(
                reason,
                format!("EventBridge event \"{detail_type}\"").into(),
            );
        }
        if let Some((_, value)) = self.wrapper {
            if self.sns
                && !json::string(value)
                    .unwrap_or_default()
                    .trim_start()
                    .starts_with(['{', '['])
            {
                return Verdict::Refused(
                    RejectReason::SnsNotification,
                    "message without JSON".into(),
                );
            }
            return Verdict::Wrapper(value);
        }
        Verdict::Refused(
            RejectReason::NotCloudTrail,
            "no member of a CloudTrail record".into(),
        )
    }

    fn look_alike(&self) -> Option<Verdict<'a>> {
        let (reason, detail) = if self.digest >= 2 {
            (RejectReason::Digest, "CloudTrail digest file")
        } else if self.test_event
            || self.event_source == "aws:s3"
            || self.s3 && !self.event_version.starts_with("1.")
        {
            (RejectReason::S3Notification, "S3 event notification")
        } else if self.event_source.starts_with("aws:") {
            (
                RejectReason::NotCloudTrail,
                "event of an AWS service for Lambda",
            )
        } else if let Some(cloud) = self.other_cloud {
            if cloud.starts_with("Azure") && self.event_name {
                return None;
            }
            (RejectReason::OtherCloud, cloud)
        } else if self.event_source.ends_with(".aliyuncs.com") || self.alibaba_identity() {
            (RejectReason::OtherCloud, "Alibaba Cloud ActionTrail")
        } else if self.kubernetes {
            (RejectReason::NotCloudTrail, "Kubernetes audit event")
        } else if self.announced {
            (RejectReason::SnsNotification, "announcement of log files")
        } else {
            return None;
        };
        Some(Verdict::Refused(reason, detail.into()))
    }

    fn alibaba_identity(&self) -> bool {
        self.identity
            .and_then(|identity| json::find(identity, "type"))
            .is_some_and(|kind| {
                matches!(
                    kind,
                    "\"ram-user\"" | "\"root-account\"" | "\"assumed-role\"" | "\"saml-user\""
                )
            })
    }

    fn is_record(&self) -> bool {
        let identity = self
            .identity
            .is_some_and(|identity| identity.starts_with('{'));
        let version = self.event_version.starts_with("1.");
        let service = self.event_source.contains(".amazonaws.com")
            || self.event_source.ends_with(".amazon.com");
        let kind = self.event_type.starts_with("Aws");
        if self.event_name {
            return identity
                || version
                || kind
                || service && !self.event_source.starts_with("aws:");
        }
        let category = matches!(
            &*self.event_category,
            "Insight" | "Aggregated" | "ActivityAuditLog"
        ) || matches!(&*self.event_category, "Management" | "Data" | "NetworkActivity" if version);
        category || kind && (version || identity || service) || version && identity && service
    }
}

/// Whether the detail of an event with an unusual title is a record all the same. Findings and
/// state changes have none of these members.
fn plainly_record(detail: &str) -> bool {
    json::find(detail, "eventName").is_some() && json::find(detail, "userIdentity").is_some()
}
