//! Whole objects of every shape, through the public interface.

use std::convert::Infallible;
use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

mod damage;
mod records;
mod shapes;

/// What a decoded object gave.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub(super) struct Found {
    pub ids: Vec<String>,
    pub shown: Vec<String>,
    pub rejects: Vec<Reject>,
}

impl Found {
    fn reasons(&self) -> Vec<RejectReason> {
        self.rejects.iter().map(|reject| reject.reason).collect()
    }

    /// Everything that would be stored.
    fn everything(&self) -> String {
        format!("{:?}{:?}", self.shown, self.rejects)
    }
}

impl Sink for Found {
    type Error = Infallible;

    fn record(&mut self, record: &Record<'_>) -> Result<(), Infallible> {
        assert_eq!(
            record.position,
            (self.ids.len() + self.rejects.len()) as u64
        );
        self.ids.push(record.event_id.to_string());
        self.shown.push(show(record));
        for json in [
            &record.session_tags,
            &record.resources,
            &record.request_parameters,
            &record.response_elements,
            &record.additional_event_data,
            &record.user_identity_extra,
            &record.extra,
        ]
        .into_iter()
        .flatten()
        {
            let value: Result<&serde_json::value::RawValue, _> = serde_json::from_str(json);
            assert!(value.is_ok(), "not JSON: {json}");
        }
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> Result<(), Infallible> {
        assert_eq!(
            reject.position,
            (self.ids.len() + self.rejects.len()) as u64
        );
        self.rejects.push(reject);
        Ok(())
    }
}

/// The columns that hold something, one a line.
#[allow(clippy::format_push_string)]
pub(super) fn show(record: &Record<'_>) -> String {
    let mut out = String::new();
    macro_rules! text {
        ($($name:ident)*) => { $(if let Some(value) = &record.$name { out += &format!("{}: {value}\n", stringify!($name)); })* };
    }
    out += &format!("event_id: {}\n", record.event_id);
    text!(event_time event_version event_source event_name event_type event_category aws_region recipient_account_id
        source_ip_address user_agent error_code error_message read_only management_event request_id shared_event_id
        vpc_endpoint_id identity_type principal_id identity_arn account_id access_key_id user_name invoked_by
        identity_provider session_issuer_arn session_issuer_id session_name session_created_at federated_provider
        ec2_role_delivery source_identity issued_access_key_id issued_role_arn issued_session_name issued_arn
        issued_expires_at subject audience session_tags resources request_parameters response_elements
        additional_event_data user_identity_extra extra external_id duration_seconds cluster_hint requested_role_arn
        requested_session_name);
    out
}

pub(super) fn run_with(input: impl Read, limits: &Limits) -> (Outcome, Found) {
    let mut found = Found::default();
    let outcome = decode(input, limits, &mut found).expect("a slice never fails");
    assert_eq!(outcome.records, found.ids.len() as u64);
    assert_eq!(outcome.rejected, found.rejects.len() as u64);
    for reject in &found.rejects {
        assert!(
            reject.text.len() <= limits.reject_text && reject.detail.len() <= limits::DETAIL_BYTES
        );
    }
    (outcome, found)
}

pub(super) fn run(text: impl AsRef<[u8]>) -> (Outcome, Found) {
    run_with(text.as_ref(), &Limits::default())
}

/// A plain record with this id.
pub(super) fn event(id: usize) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ann","accountId":"111122223333"}},"eventTime":"2026-01-02T03:04:05Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"eu-west-1","requestParameters":{{"note":"[a, b] }} {{"}},"eventID":"e{id}","readOnly":true}}"#
    )
}

pub(super) fn events(count: usize) -> Vec<String> {
    (0..count).map(event).collect()
}

pub(super) fn pretty(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).expect("fixture is JSON");
    serde_json::to_string_pretty(&value).expect("fixture is JSON")
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

pub(super) fn gz(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes.as_ref()).expect("memory");
    encoder.finish().expect("memory")
}

/// Deals out at most `.1` bytes at a time.
pub(super) struct Slow<'a>(pub &'a [u8], pub usize);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(out.len()).min(self.0.len());
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn names_are_stable_and_distinct() {
    let mut names: Vec<_> = RejectReason::ALL
        .iter()
        .map(|reason| reason.as_str())
        .collect();
    names.dedup();
    assert_eq!(names.len(), RejectReason::ALL.len());
    assert_eq!(RejectReason::NotCloudTrail.to_string(), "not_cloudtrail");
    assert_eq!(ObjectKind::CloudTrail.as_str(), "cloudtrail");
}

#[test]
fn a_failing_reader_is_an_error_and_a_failing_sink_too() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    struct Full;
    impl Sink for Full {
        type Error = &'static str;
        fn record(&mut self, _: &Record<'_>) -> Result<(), &'static str> {
            Err("full")
        }
        fn reject(&mut self, _: Reject) -> Result<(), &'static str> {
            Err("full")
        }
    }
    let half = gz(event(1));
    for input in [&b""[..], b"[", &half[..30]] {
        let error = decode(
            input.chain(Broken),
            &Limits::default(),
            &mut Found::default(),
        )
        .expect_err("reader fails");
        assert!(matches!(error, DecodeError::Read(error) if error.to_string() == "gone"));
    }
    for input in [event(1), "[1]".to_owned(), "PK\u{3}\u{4}".to_owned()] {
        let error =
            decode(input.as_bytes(), &Limits::default(), &mut Full).expect_err("sink fails");
        assert!(matches!(error, DecodeError::Sink("full")));
    }
}
