//! Writes what CloudTrail delivers into a folder: log files, and digests signed with a test key.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::digest::{Event, KeyFile, LocalFolder, Options, Report, Status, verify};

pub(super) const MINUTE: i64 = 60 * 1_000_000;
pub(super) const HOUR: i64 = 60 * MINUTE;

/// 2026-03-01T20:17:28Z, so that chains cross midnight.
pub(super) const BEGIN: i64 = 1_772_396_248_000_000;

pub(super) const FINGERPRINT: &str = "0123456789abcdef0123456789abcdef";

/// The test key, made anew by each run of the tests.
pub(super) fn key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
}

/// The key of somebody else.
pub(super) fn foreign_key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
}

pub(super) fn key_file(fingerprint: &str) -> KeyFile {
    let value = STANDARD.encode(key().public_key().as_ref());
    let answer = json!({"PublicKeyList": [{
        "Value": value, "Fingerprint": fingerprint,
        "ValidityStartTime": "2026-02-20T00:00:00+00:00",
        "ValidityEndTime": 1_774_000_000.0,
    }]});
    KeyFile::parse(answer.to_string().as_bytes()).unwrap()
}

pub(super) fn sign(key: &RsaKeyPair, text: &str) -> String {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .unwrap();
    crate::hex(&signature)
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    crate::hex(&Sha256::digest(bytes))
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

fn time(micros: i64, format: &str) -> String {
    let time = DateTime::from_timestamp_micros(micros).unwrap();
    time.format(format).to_string()
}

/// A digest as delivered.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) key: String,
    pub(super) logs: Vec<String>,
    pub(super) start: i64,
    pub(super) end: i64,
    hash: String,
    signature: String,
    bucket: String,
}

/// A trail in one account and region.
#[derive(Debug)]
pub(super) struct Trail {
    pub(super) root: PathBuf,
    pub(super) bucket: String,
    /// Ends with `AWSLogs/`, or with the organisation.
    pub(super) prefix: String,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) name: String,
    pub(super) home: String,
    /// Whether signatures are kept beside the digests.
    pub(super) heads: bool,
    pub(super) now: i64,
    pub(super) digests: Vec<Made>,
    pub(super) previous: Option<Made>,
}

impl Trail {
    pub(super) fn new(root: &Path, account: &str, region: &str) -> Self {
        Self {
            root: root.to_owned(),
            bucket: "example-trail-bucket".to_owned(),
            prefix: "AWSLogs/".to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            name: "main_trail".to_owned(),
            home: "eu-central-1".to_owned(),
            heads: true,
            now: BEGIN,
            digests: Vec::new(),
            previous: None,
        }
    }

    /// Delivers a digest an hour, with so many log files each.
    pub(super) fn hours(mut self, logs: &[usize]) -> Self {
        for logs in logs {
            let (start, end) = (self.now, self.now + HOUR);
            self.now = end;
            let made = self.deliver(start, end, *logs, "");
            self.previous = Some(made.clone());
            self.digests.push(made);
        }
        self
    }

    /// Stops logging and starts it again later.
    pub(super) fn pause(mut self, hours: i64) -> Self {
        self.previous = None;
        self.now += hours * HOUR;
        self
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    fn folder(&self, kind: &str, at: i64) -> String {
        let day = time(at, "%Y/%m/%d");
        let (prefix, account, region) = (&self.prefix, &self.account, &self.region);
        format!("{prefix}{account}/{kind}/{region}/{day}/")
    }

    pub(super) fn log_key(&self, at: i64, unique: &str) -> String {
        let at = at - at % (5 * MINUTE);
        let slot = time(at, "%Y%m%dT%H%MZ");
        let (account, region) = (&self.account, &self.region);
        let folder = self.folder("CloudTrail", at);
        format!("{folder}{account}_CloudTrail_{region}_{slot}_{unique}.json.gz")
    }

    pub(super) fn digest_key(&self, end: i64, suffix: &str) -> String {
        let stamp = time(end, "%Y%m%dT%H%M%SZ");
        let (account, region, name, home) = (&self.account, &self.region, &self.name, &self.home);
        let folder = self.folder("CloudTrail-Digest", end);
        format!(
            "{folder}{account}_CloudTrail-Digest_{region}_{name}_{home}_{stamp}{suffix}.json.gz"
        )
    }

    pub(super) fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.path(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Writes a log file and gives its entry in a digest.
    pub(super) fn put_log(&self, key: &str) -> Value {
        let text = json!({"Records": [{"eventVersion": "1.11", "eventID": key}]}).to_string();
        self.put(key, &gzip(text.as_bytes()));
        json!({"s3Bucket": self.bucket, "s3Object": key, "hashValue": sha256(text.as_bytes()),
            "hashAlgorithm": "SHA-256", "newestEventTime": null, "oldestEventTime": null})
    }

    pub(super) fn deliver(&self, start: i64, end: i64, logs: usize, suffix: &str) -> Made {
        let keys: Vec<String> = (0_i64..)
            .take(logs)
            .map(|n| {
                let at = start + (n * 9 % 50) * MINUTE;
                self.log_key(at, &format!("{}{suffix}{n:08}", self.name))
            })
            .collect();
        let listed: Vec<Value> = keys.iter().map(|key| self.put_log(key)).collect();
        let key = self.digest_key(end, suffix);
        let previous = self.previous.as_ref();
        let text = json!({
            "awsAccountId": self.account,
            "digestStartTime": time(start, "%Y-%m-%dT%H:%M:%SZ"),
            "digestEndTime": time(end, "%Y-%m-%dT%H:%M:%SZ"),
            "digestS3Bucket": self.bucket,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": FINGERPRINT,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": null,
            "oldestEventTime": null,
            "previousDigestS3Bucket": previous.map(|made| &made.bucket),
            "previousDigestS3Object": previous.map(|made| &made.key),
            "previousDigestHashValue": previous.map(|made| &made.hash),
            "previousDigestHashAlgorithm": previous.map(|_| "SHA-256"),
            "previousDigestSignature": previous.map(|made| &made.signature),
            "logFiles": listed,
        })
        .to_string();
        let signature = self.put_digest(&key, &text, key_pair());
        Made {
            hash: sha256(text.as_bytes()),
            key,
            logs: keys,
            start,
            end,
            signature,
            bucket: self.bucket.clone(),
        }
    }

    /// Writes and signs a digest.
    pub(super) fn put_digest(&self, key: &str, text: &str, signer: &RsaKeyPair) -> String {
        let value: Value = serde_json::from_str(text).unwrap();
        let previous = value["previousDigestSignature"].as_str().unwrap_or("null");
        let signed = [
            value["digestEndTime"].as_str().unwrap(),
            &format!(
                "{}/{}",
                value["digestS3Bucket"].as_str().unwrap(),
                value["digestS3Object"].as_str().unwrap()
            ),
            &sha256(text.as_bytes()),
            previous,
        ]
        .join("\n");
        let signature = sign(signer, &signed);
        self.put(key, &gzip(text.as_bytes()));
        if self.heads {
            self.put_head(key, &signature);
        }
        signature
    }

    /// Saves what `aws s3api head-object` prints.
    pub(super) fn put_head(&self, key: &str, signature: &str) {
        let head = json!({
            "AcceptRanges": "bytes", "ContentLength": 1, "ContentType": "application/json",
            "Metadata": {"signature": signature, "signature-algorithm": "SHA256withRSA",
                "backfill-generation-timestamp": "2026-03-02T09:00:00Z"},
        });
        self.put(&format!("{key}.head.json"), head.to_string().as_bytes());
    }

    pub(super) fn text(&self, key: &str) -> String {
        String::from_utf8(gunzip(&fs::read(self.path(key)).unwrap())).unwrap()
    }

    pub(super) fn remove(&self, key: &str) {
        fs::remove_file(self.path(key)).unwrap();
    }

    pub(super) fn all_logs(&self) -> usize {
        self.digests.iter().map(|made| made.logs.len()).sum()
    }
}

fn key_pair() -> &'static RsaKeyPair {
    key()
}

pub(super) fn options() -> Options {
    Options {
        bucket: Some("example-trail-bucket".to_owned()),
        ..Options::default()
    }
}

/// Verifies a folder that is a copy of the whole bucket.
pub(super) async fn report(root: &Path, options: Options) -> Report {
    report_with(root, options, key_file(FINGERPRINT)).await
}

pub(super) async fn report_with(root: &Path, options: Options, keys: KeyFile) -> Report {
    let vault = LocalFolder::new(root.to_owned(), String::new(), options.bucket.clone());
    Report::collect(verify(
        std::sync::Arc::new(vault),
        std::sync::Arc::new(keys),
        options,
    ))
    .await
}

pub(super) async fn events(root: &Path, options: Options) -> Vec<Event> {
    use futures::StreamExt;
    let vault = LocalFolder::new(root.to_owned(), String::new(), options.bucket.clone());
    let keys = std::sync::Arc::new(key_file(FINGERPRINT));
    verify(std::sync::Arc::new(vault), keys, options)
        .collect()
        .await
}

/// The findings that are not valid, by status and key, sorted.
pub(super) fn faults(report: &Report) -> Vec<(Status, &str)> {
    let mut faults: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.status, finding.key.as_str()))
        .collect();
    faults.sort_unstable();
    faults
}
