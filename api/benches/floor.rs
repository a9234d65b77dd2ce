//! The least that reading a trail can cost, to measure ingestion against.
//!
//! `floor FOLDER` inflates every log file below a folder on all cores and parses it into borrowed
//! values, keeping nothing: who reads CloudTrail with these libraries cannot be faster. `decode FOLDER`
//! does the same with podtrail's decoder, which also unwraps, redacts and refuses. Both print one line
//! of JSON; `tests/bench.sh` runs them beside `podtrail ingest` on the same files.
#![allow(clippy::unwrap_used, clippy::expect_used)] // What fails here should end the measurement.
#![allow(clippy::print_stdout)] // It is a program that prints one line.

use std::borrow::Cow;
use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::hint::black_box;
use std::io::{self, Read};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use podtrail_ingest::decode::{self, Limits, Reject, Sink};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Text that borrows where it holds no escapes. Serde borrows into a `Cow` only where it stands
/// directly in a field, never inside an `Option`.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct LogFile<'a> {
    #[serde(borrow, rename = "Records")]
    records: Vec<Record<'a>>,
}

/// The columns that the rivals write as well.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow, rename = "eventID")]
    event_id: Option<Text<'a>>,
    #[serde(borrow)]
    event_time: Option<Text<'a>>,
    #[serde(borrow)]
    event_name: Option<Text<'a>>,
    #[serde(borrow)]
    event_source: Option<Text<'a>>,
    #[serde(borrow)]
    aws_region: Option<Text<'a>>,
    #[serde(borrow, rename = "sourceIPAddress")]
    source_ip_address: Option<Text<'a>>,
    #[serde(borrow)]
    user_agent: Option<Text<'a>>,
    #[serde(borrow)]
    error_code: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_account_id: Option<Text<'a>>,
    #[serde(borrow)]
    user_identity: Option<Identity<'a>>,
    #[serde(borrow)]
    request_parameters: Option<&'a RawValue>,
    #[serde(borrow)]
    response_elements: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    arn: Option<Text<'a>>,
    #[serde(borrow)]
    access_key_id: Option<Text<'a>>,
}

impl Record<'_> {
    /// Bytes of what was parsed. Reading every member keeps the parser from being optimised away.
    fn weight(&self) -> usize {
        let identity = self.user_identity.as_ref();
        let texts = [
            self.event_id.as_ref(),
            self.event_time.as_ref(),
            self.event_name.as_ref(),
            self.event_source.as_ref(),
            self.aws_region.as_ref(),
            self.source_ip_address.as_ref(),
            self.user_agent.as_ref(),
            self.error_code.as_ref(),
            self.recipient_account_id.as_ref(),
            identity.and_then(|identity| identity.kind.as_ref()),
            identity.and_then(|identity| identity.arn.as_ref()),
            identity.and_then(|identity| identity.access_key_id.as_ref()),
        ];
        let raw = [self.request_parameters, self.response_elements];
        let texts: usize = texts.into_iter().flatten().map(|text| text.0.len()).sum();
        let raw: usize = raw.into_iter().flatten().map(|raw| raw.get().len()).sum();
        texts + raw
    }
}

/// Reads one file: its bytes as stored, and memory for its text that was used before.
type ReadFile = fn(&[u8], &mut Vec<u8>) -> Counts;

/// What was read, of one file or of all.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    records: u64,
    rejects: u64,
    bytes: u64,
    inflated: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.records += other.records;
        self.rejects += other.rejects;
        self.bytes += other.bytes;
        self.inflated += other.inflated;
    }
}

/// Takes records and forgets them.
struct Counting;

impl Sink for Counting {
    type Error = Infallible;

    fn record(&mut self, record: &decode::Record<'_>) -> Result<(), Infallible> {
        black_box(record);
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> Result<(), Infallible> {
        black_box(&reject);
        Ok(())
    }
}

/// Inflates a file whole, into a buffer that is used again, and parses it.
fn parse_only(stored: &[u8], text: &mut Vec<u8>) -> Counts {
    text.clear();
    flate2::read::MultiGzDecoder::new(stored)
        .read_to_end(text)
        .unwrap();
    let file: LogFile<'_> = serde_json::from_slice(text).unwrap();
    let weight: usize = file.records.iter().map(Record::weight).sum();
    black_box(weight);
    Counts {
        records: file.records.len() as u64,
        rejects: 0,
        bytes: stored.len() as u64,
        inflated: text.len() as u64,
    }
}

/// Decodes a file as ingestion does.
fn decode_only(stored: &[u8], _text: &mut Vec<u8>) -> Counts {
    let outcome = decode::decode(stored, &Limits::default(), &mut Counting).unwrap();
    Counts {
        records: outcome.records,
        rejects: outcome.rejected,
        bytes: outcome.bytes_in,
        inflated: outcome.bytes_inflated,
    }
}

fn log_files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            log_files(&path, found)?;
        } else if path.to_string_lossy().ends_with(".json.gz") {
            found.push(path);
        }
    }
    Ok(())
}

/// Reads all files on all cores; each thread takes the next file that nobody has.
fn read_all(files: &[PathBuf], read: ReadFile) -> Counts {
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut text, mut counts) = (Vec::new(), Counts::default());
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            counts.add(read(&fs::read(file).unwrap(), &mut text));
        }
        counts
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running
            .into_iter()
            .fold(Counts::default(), |mut all, thread| {
                all.add(thread.join().unwrap());
                all
            })
    })
}

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<OsString> = std::env::args_os()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let read: Option<ReadFile> = match arguments.first().and_then(|mode| mode.to_str()) {
        Some("floor") => Some(parse_only),
        Some("decode") => Some(decode_only),
        _ => None,
    };
    let (Some(read), [mode, folder]) = (read, arguments.as_slice()) else {
        // Not an error: `cargo bench` starts every benchmark without arguments.
        eprintln!("usage: floor|decode FOLDER");
        return;
    };
    let started = Instant::now();
    let mut files = Vec::new();
    log_files(folder.as_ref(), &mut files).unwrap();
    files.sort();
    let counts = read_all(&files, read);
    let line = serde_json::json!({
        "mode": mode.to_str(),
        "files": files.len(),
        "records": counts.records,
        "rejects": counts.rejects,
        "bytes": counts.bytes,
        "inflated": counts.inflated,
        "seconds": started.elapsed().as_secs_f64(),
    });
    println!("{line}");
}
