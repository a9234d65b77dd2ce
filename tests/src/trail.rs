//! A trail of an organisation as CloudTrail delivers it: log files, and digests signed with a test key.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Accounts of the organisation.
pub const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];

/// Regions of the trail.
pub const REGIONS: [&str; 3] = ["eu-central-1", "eu-west-1", "us-east-1"];

/// Where the trail's keys begin.
pub const PREFIX: &str = "audit/";

/// Fingerprint of the test key.
const FINGERPRINT: &str = "0123456789abcdef0123456789abcdef";

/// An object as it lies in the bucket.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Signature, where it is a digest.
    pub signature: Option<String>,
}

/// The test key, made anew by each run of the tests.
fn key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
}

/// What `aws cloudtrail list-public-keys` prints.
#[must_use]
pub fn public_keys() -> String {
    let value = STANDARD.encode(key().public_key().as_ref());
    json!({"PublicKeyList": [{"Value": value, "Fingerprint": FINGERPRINT,
        "ValidityStartTime": "2026-01-01T00:00:00+00:00", "ValidityEndTime": "2026-12-31T00:00:00+00:00"}]})
    .to_string()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

fn sign(text: &str) -> String {
    let mut signature = vec![0; key().public_modulus_len()];
    let random = SystemRandom::new();
    key()
        .sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
        .unwrap();
    hex(&signature)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Begin of every trail.
#[must_use]
pub fn begin() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_323_200, 0).unwrap()
}

/// Makes the whole trail: so many hours with so many log files each, in every account and region. A log
/// file holds two records; every tenth is delivered twice, under another name.
#[must_use]
pub fn deliver(bucket: &str, hours: i64, logs: i64) -> Vec<Delivered> {
    let mut delivered = Vec::new();
    for account in ACCOUNTS {
        for region in REGIONS {
            Lane {
                bucket,
                account,
                region,
            }
            .deliver(hours, logs, &mut delivered);
        }
    }
    delivered
}

struct Lane<'a> {
    bucket: &'a str,
    account: &'a str,
    region: &'a str,
}

/// The digest before.
struct Previous {
    key: String,
    hash: String,
    signature: String,
}

impl Lane<'_> {
    fn folder(&self, kind: &str, at: DateTime<Utc>) -> String {
        let day = at.format("%Y/%m/%d");
        let (account, region) = (self.account, self.region);
        format!("{PREFIX}AWSLogs/o-exampleorgid/{account}/{kind}/{region}/{day}/")
    }

    fn deliver(&self, hours: i64, logs: i64, out: &mut Vec<Delivered>) {
        let mut previous: Option<Previous> = None;
        for hour in 0..hours {
            let start = begin() + Duration::hours(hour);
            let listed: Vec<Value> = (0..logs).map(|log| self.log(start, log, out)).collect();
            previous = Some(self.digest(start, &listed, previous.as_ref(), out));
        }
    }

    fn log(&self, hour: DateTime<Utc>, log: i64, out: &mut Vec<Delivered>) -> Value {
        let at = hour + Duration::seconds(log * 3_500 / 100 % 3_500);
        // What is delivered twice is told apart by its name only.
        let content = if log % 10 == 9 { log - 1 } else { log };
        let at_content = hour + Duration::seconds(content * 3_500 / 100 % 3_500);
        let records: Vec<Value> = (0..2)
            .map(|n| self.record(at_content, content, n))
            .collect();
        let text = json!({ "Records": records }).to_string();
        let (account, region) = (self.account, self.region);
        let slot = at.format("%Y%m%dT%H%MZ");
        let folder = self.folder("CloudTrail", at);
        let key = format!("{folder}{account}_CloudTrail_{region}_{slot}_{log:016}.json.gz");
        out.push(Delivered {
            key: key.clone(),
            bytes: gzip(&text),
            signature: None,
        });
        json!({"s3Bucket": self.bucket, "s3Object": key, "hashValue": hex(&Sha256::digest(&text)),
            "hashAlgorithm": "SHA-256", "newestEventTime": null, "oldestEventTime": null})
    }

    fn record(&self, at: DateTime<Utc>, log: i64, number: i64) -> Value {
        let name = format!("{}/{}/{}/{log}/{number}", self.account, self.region, at);
        let id = hex(&Sha256::digest(&name));
        let id = format!(
            "{}-{}-4{}-8{}-{}",
            &id[..8],
            &id[8..12],
            &id[12..15],
            &id[15..18],
            &id[18..30]
        );
        let account = self.account;
        json!({
            "eventVersion": "1.11", "eventID": id, "eventTime": at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventSource": "sqs.amazonaws.com", "eventName": "ReceiveMessage", "awsRegion": self.region,
            "sourceIPAddress": "10.0.0.7", "userAgent": "Boto3/1.34.0", "recipientAccountId": account,
            "userIdentity": {"type": "AssumedRole", "accountId": account, "accessKeyId": "ASIAEXAMPLE000000001",
                "principalId": "AROAEXAMPLE:worker", "arn": format!("arn:aws:sts::{account}:assumed-role/worker/worker")},
            "requestParameters": {"number": log}, "eventType": "AwsApiCall", "managementEvent": true,
            "eventCategory": "Management", "readOnly": true,
        })
    }

    fn digest(
        &self,
        start: DateTime<Utc>,
        listed: &[Value],
        before: Option<&Previous>,
        out: &mut Vec<Delivered>,
    ) -> Previous {
        let end = start + Duration::hours(1);
        let (account, region) = (self.account, self.region);
        let key = format!(
            "{}{account}_CloudTrail-Digest_{region}_audit_eu-central-1_{}.json.gz",
            self.folder("CloudTrail-Digest", end),
            end.format("%Y%m%dT%H%M%SZ")
        );
        let end = end.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let text = json!({
            "awsAccountId": account, "digestStartTime": start.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "digestEndTime": end, "digestS3Bucket": self.bucket, "digestS3Object": key,
            "digestPublicKeyFingerprint": FINGERPRINT, "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": null, "oldestEventTime": null,
            "previousDigestS3Bucket": before.map(|_| self.bucket),
            "previousDigestS3Object": before.map(|before| &before.key),
            "previousDigestHashValue": before.map(|before| &before.hash),
            "previousDigestHashAlgorithm": before.map(|_| "SHA-256"),
            "previousDigestSignature": before.map(|before| &before.signature),
            "logFiles": listed,
        })
        .to_string();
        let hash = hex(&Sha256::digest(&text));
        let signed_before = before.map_or("null", |before| &before.signature);
        let signature = sign(&format!(
            "{end}\n{}/{key}\n{hash}\n{signed_before}",
            self.bucket
        ));
        out.push(Delivered {
            key: key.clone(),
            bytes: gzip(&text),
            signature: Some(signature.clone()),
        });
        Previous {
            key,
            hash,
            signature,
        }
    }
}
