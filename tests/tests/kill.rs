//! SIGKILL at any moment of `podtrail ingest` loses nothing and repeats nothing.
#![allow(clippy::unwrap_used)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use podtrail_tests::inspect::record_columns;
use podtrail_tests::program::{command, run, sql};
use podtrail_tests::random::Random;

/// Kills in all.
const KILLS: u64 = 27;

/// Kills of one store before it is left in peace.
const KILLS_OF_A_STORE: u64 = 6;

/// Between two looks at a store that is being written.
const LOOK: Duration = Duration::from_millis(1);

/// How long a process may take, killed or not.
const PATIENCE: Duration = Duration::from_mins(2);

/// Generates trail folders with copies of files, within a folder and across folders, and a file that
/// is cut off.
fn generate(folder: &Path) -> Vec<PathBuf> {
    let made = folder.join("generated");
    let arguments = "demo --generate-only --seed 7 --hours 2 --end 2026-01-02T00:00:00Z --folder";
    let mut arguments: Vec<_> = arguments.split(' ').map(OsStr::new).collect();
    arguments.push(made.as_os_str());
    run(folder, &arguments).expect(0);
    let mut files = Vec::new();
    find_files(&made.join("trail"), &mut files);
    files.sort();
    assert!(files.len() > 50, "{} files", files.len());
    let sources = ["first", "second", "third"].map(|name| folder.join(name));
    for source in &sources {
        fs::create_dir(source).unwrap();
    }
    let (many, few) = files.split_at(files.len() * 2 / 3);
    for (number, file) in files.iter().enumerate() {
        let name = file.file_name().unwrap();
        let home = usize::from(number >= many.len());
        fs::copy(file, sources[home].join(name)).unwrap();
        if number % 7 == 0 {
            let copy = format!("copy-{number}.json.gz");
            fs::copy(file, sources[home].join(copy)).unwrap();
        }
        if number % 3 == 0 {
            fs::copy(file, sources[2].join(name)).unwrap();
        }
    }
    let whole = fs::read(&few[0]).unwrap();
    fs::write(
        sources[1].join("cut-off.json.gz"),
        &whole[..whole.len() - 12],
    )
    .unwrap();
    sources.into()
}

fn find_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        // A store's folder may not exist yet.
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_files(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn count_files(folder: &Path) -> u64 {
    let mut files = Vec::new();
    find_files(folder, &mut files);
    files.len() as u64
}

fn ingest(store: &Path, sources: &[PathBuf]) -> Child {
    let mut arguments = vec![OsStr::new("ingest")];
    arguments.extend(sources.iter().map(|source| source.as_os_str()));
    command(store, &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs ingest to its end and gives its exit code and what it said.
fn finish(store: &Path, sources: &[PathBuf]) -> (Option<i32>, String) {
    let output = ingest(store, sources).wait_with_output().unwrap();
    assert!(output.stdout.is_empty(), "stdout is for data");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// What the tables hold, without what tells how it came there.
fn contents(store: &Path) -> Vec<String> {
    [
        format!("SELECT {} FROM events ORDER BY event_id", record_columns()),
        "SELECT activity_id, sum(calls) AS calls, min(first_event_time) AS first_event_time,
                max(last_event_time) AS last_event_time, min(event_id) AS event_id,
                count(DISTINCT event_name) AS event_names
         FROM activities GROUP BY activity_id ORDER BY activity_id"
            .to_owned(),
        "SELECT object, position, reason, text FROM rejects ORDER BY object, position".to_owned(),
        "SELECT key, etag, status, records, new_events, duplicates, rejected
         FROM ingested_objects ORDER BY key, etag"
            .to_owned(),
    ]
    .iter()
    .flat_map(|query| sql(store, query))
    .map(|row| row.to_string())
    .collect()
}

fn is_whole(store: &Path) {
    run(store, &["doctor"]).expect(0);
}

/// When to kill.
#[derive(Debug)]
enum Moment {
    /// So long after the start: anywhere in the running time.
    After(Duration),
    /// So long after the store has so many files: around the commits, which take a small part of it.
    Files(u64, Duration),
}

/// Kills a process at its moment; false where it ended before.
fn kill(mut child: Child, store: &Path, moment: &Moment) -> bool {
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE, "{moment:?}");
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        let wait = match moment {
            Moment::After(time) => time.saturating_sub(start.elapsed()),
            Moment::Files(count, more) if count_files(store) >= *count => *more,
            Moment::Files(..) => {
                sleep(LOOK);
                continue;
            }
        };
        sleep(wait);
        // It may have ended meanwhile; only a signal that met it counts.
        child.kill().unwrap();
        return child.wait().unwrap().code().is_none();
    }
}

#[test]
fn sigkill_at_any_moment_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let sources = generate(folder.path());
    let calm = folder.path().join("calm");
    let start = Instant::now();
    let (code, said) = finish(&calm, &sources);
    let usual = start.elapsed();
    assert_eq!(code, Some(3), "one file is cut off: {said}");
    is_whole(&calm);
    let wanted = contents(&calm);
    let random = Random::new(7);
    let (mut kills, mut moments, mut store_number) = (0, 0, 0);
    while kills < KILLS {
        let store = folder.path().join(format!("killed-{store_number}"));
        store_number += 1;
        let mut of_this_store = 0;
        while of_this_store < KILLS_OF_A_STORE && kills < KILLS {
            let micros = |most: Duration, part: u64, parts: u64| {
                let most = u64::try_from(most.as_micros()).unwrap() / parts;
                Duration::from_micros(part * most + random.below(most.max(1)))
            };
            let moment = if moments % 3 == 0 {
                let part = moments / 3 % 9;
                Moment::After(micros(usual, part, 9))
            } else {
                let files = count_files(&store) + 1 + random.below(16);
                Moment::Files(files, micros(Duration::from_millis(4), 0, 1))
            };
            moments += 1;
            if !kill(ingest(&store, &sources), &store, &moment) {
                break;
            }
            of_this_store += 1;
            kills += 1;
        }
        let (code, said) = finish(&store, &sources);
        assert!(matches!(code, Some(0 | 3)), "store {store_number}: {said}");
        is_whole(&store);
        let found = contents(&store);
        assert!(found == wanted, "{}", difference(&found, &wanted));
        let (code, said) = finish(&store, &sources);
        assert_eq!(code, Some(0), "store {store_number}: {said}");
        assert!(said.contains("nothing new"), "store {store_number}: {said}");
        assert!(found == contents(&store), "store {store_number} changed");
    }
    eprintln!("{kills} kills of {store_number} stores; a calm run takes {usual:?}");
}

/// Names some of the lines that differ.
fn difference(found: &[String], wanted: &[String]) -> String {
    let only = |these: &[String], those: &[String]| {
        let some: Vec<_> = these
            .iter()
            .filter(|line| !those.contains(line))
            .take(5)
            .cloned()
            .collect();
        some.join("\n")
    };
    format!(
        "{} lines, must be {}\ntoo many:\n{}\nmissing:\n{}",
        found.len(),
        wanted.len(),
        only(found, wanted),
        only(wanted, found)
    )
}
