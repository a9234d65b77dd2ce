use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::LazyLock;

use chrono::NaiveDateTime;
use flate2::read::GzDecoder;
use serde_json::Value;

use super::*;

mod delivery;
mod fallbacks;
mod inventory;
mod longer;
mod sessions;
mod whole;

/// A whole history in memory.
#[derive(Default)]
struct Memory {
    /// Key and decompressed text, in the order of delivery.
    objects: Vec<(String, String)>,
    truth: BTreeMap<String, Value>,
    /// The same rows as text.
    rows: Vec<String>,
    /// Path and text of the inventory files.
    inventory: BTreeMap<String, String>,
}

impl DemoOutput for Memory {
    fn trail_object(&mut self, key: &str, gz: &[u8]) -> io::Result<()> {
        let mut text = String::new();
        GzDecoder::new(gz).read_to_string(&mut text)?;
        self.objects.push((key.to_owned(), text));
        Ok(())
    }

    fn inventory_file(&mut self, path: &str, json: &[u8]) -> io::Result<()> {
        let text = String::from_utf8(json.to_vec()).unwrap();
        let before = self.inventory.insert(path.to_owned(), text);
        assert!(before.is_none(), "{path} twice");
        Ok(())
    }

    fn truth(&mut self, row: &Truth<'_>) -> io::Result<()> {
        self.rows.push(serde_json::to_string(row)?);
        self.truth
            .insert(row.event_id.to_owned(), serde_json::to_value(row)?);
        Ok(())
    }
}

fn options(seed: u64) -> DemoOptions {
    DemoOptions {
        seed,
        end: "2026-08-20T12:00:00Z".parse().unwrap(),
        duration: Duration::hours(24),
        ..DemoOptions::default()
    }
}

struct History {
    summary: DemoSummary,
    memory: Memory,
    /// Every copy of every record with the object it is in.
    copies: Vec<(usize, Value)>,
    /// One copy of each record by its id.
    records: BTreeMap<String, Value>,
}

fn history(options: &DemoOptions) -> History {
    let mut memory = Memory::default();
    let summary = generate(options, &mut memory).unwrap();
    let mut copies = Vec::new();
    for (number, (_, text)) in memory.objects.iter().enumerate() {
        let mut object: Value = serde_json::from_str(text).unwrap();
        let Value::Array(records) = object["Records"].take() else {
            panic!("no records")
        };
        copies.extend(records.into_iter().map(|record| (number, record)));
    }
    let records = copies
        .iter()
        .map(|(_, record)| (id(record), record.clone()))
        .collect::<BTreeMap<_, _>>();
    History {
        summary,
        memory,
        copies,
        records,
    }
}

/// The demo's day, generated once for the tests that only read it.
fn day() -> &'static History {
    static DAY: LazyLock<History> = LazyLock::new(|| history(&options(7)));
    &DAY
}

/// A day of one cluster of each kind.
fn six() -> &'static History {
    static SIX: LazyLock<History> = LazyLock::new(|| {
        history(&DemoOptions {
            clusters: 6,
            inventory_every: Some(Duration::hours(1)),
            ..options(21)
        })
    });
    &SIX
}

/// A history whose records nobody looks into.
fn memory(options: &DemoOptions) -> (DemoSummary, Memory) {
    let mut memory = Memory::default();
    let summary = generate(options, &mut memory).unwrap();
    (summary, memory)
}

/// The inventory files of a cluster whose names begin with `kind`, by name, each
/// as the JSON texts in it.
fn files(history: &History, cluster: &str, kind: &str) -> BTreeMap<String, Vec<Value>> {
    let prefix = format!("{cluster}/{kind}");
    let found = (history.memory.inventory.iter()).filter(|(path, _)| path.starts_with(&prefix));
    found
        .map(|(path, text)| {
            let texts = serde_json::Deserializer::from_str(text).into_iter();
            (path.clone(), texts.map(Result::unwrap).collect())
        })
        .collect()
}

/// How often `word` is in all objects, one number for each.
fn counts(memory: &Memory, word: &str) -> Vec<usize> {
    memory
        .objects
        .iter()
        .map(|(_, text)| text.matches(word).count())
        .collect()
}

fn text<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn id(record: &Value) -> String {
    text(record, "/eventID").to_owned()
}

fn issued_key(record: &Value) -> Option<&str> {
    record
        .pointer("/responseElements/credentials/accessKeyId")?
        .as_str()
}

fn fnv1a(texts: impl Iterator<Item = String>) -> u64 {
    texts.fold(0xcbf2_9ce4_8422_2325, |hash, text| {
        text.bytes().fold(hash, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    })
}

/// Of keys, texts and truth, but not of the compressed bytes, which may change
/// with the compressor.
fn fingerprint(options: &DemoOptions) -> u64 {
    let mut memory = Memory::default();
    generate(options, &mut memory).unwrap();
    let objects = memory
        .objects
        .into_iter()
        .flat_map(|(key, text)| [key, text]);
    let inventory = (memory.inventory.into_iter()).flat_map(|(path, text)| [path, text]);
    fnv1a(objects.chain(memory.rows).chain(inventory))
}
