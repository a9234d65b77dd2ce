//! Whatever the bytes of an object: the decoder ends, does not panic, counts and numbers what it hands over, hands
//! over sound JSON, lets no planted credential through, and finds the same wherever its window ends.
#![no_main]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;

mod check;
#[allow(dead_code, unused_imports)] // the target reads a part of what the decoder says
#[path = "../../src/decode/mod.rs"]
mod decode;

use check::{Found, planted, run};
use decode::{Limits, RejectReason};

/// Small enough that a small input exceeds each of them.
fn small() -> Limits {
    Limits {
        record_bytes: 300,
        object_bytes: 3_000,
        ratio: 20,
        depth: 5,
        reject_text: 60,
    }
}

/// An object of [`RejectReason::UnsupportedArchive`] or UTF-16 is known by its first bytes, gzip too.
fn first_bytes_matter(bytes: &[u8], found: &Found) -> bool {
    let unsupported = matches!(
        found.reasons(),
        [RejectReason::UnsupportedArchive | RejectReason::InvalidUtf8]
    );
    unsupported && found.records() == 0 || bytes.first().is_none_or(|byte| matches!(byte, 0x1f | 0))
}

/// Empty lines in front move everything against the ends of the window, and nothing else.
fn padded(bytes: &[u8]) -> (Vec<u8>, u64) {
    let count = 1 + bytes.len() % 97;
    let mut out = vec![b'\n'; count];
    out.extend_from_slice(bytes);
    (out, count as u64)
}

/// Two gzip members, as appending to a log file makes them.
fn zipped(bytes: &[u8]) -> Vec<u8> {
    let (one, other) = bytes.split_at(bytes.len() / 3);
    let mut out = Vec::new();
    for part in [one, other] {
        let mut encoder = GzEncoder::new(out, Compression::fast());
        encoder.write_all(part).expect("memory");
        out = encoder.finish().expect("memory");
    }
    out
}

fuzz_target!(|bytes: &[u8]| {
    let (object, secrets) = planted(bytes);
    let limits = Limits::default();
    let found = run(&object, &limits, 0, secrets);
    run(&object, &small(), 0, secrets);
    if first_bytes_matter(&object, &found) {
        return;
    }
    let (moved, by) = padded(&object);
    assert_eq!(found, run(&moved, &limits, by, secrets), "moved by {by}");
    assert_eq!(found, run(&zipped(&object), &limits, 0, secrets), "zipped");
});
