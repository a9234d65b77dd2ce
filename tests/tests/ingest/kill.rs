//! SIGKILL at any moment of `podtrail ingest` loses nothing and repeats nothing.
#![allow(clippy::unwrap_used)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use podtrail_ingest::store::Store;
use podtrail_tests::inspect::{record_columns, rows, tables};
use podtrail_tests::program::{self, Run};
use podtrail_tests::random::Random;
use podtrail_tests::s3_server::{BUCKET, Server};
use serde_json::Value;

/// Between two looks at a store that is being written.
const LOOK: Duration = Duration::from_millis(1);

/// How long a process may take, killed or not.
const PATIENCE: Duration = Duration::from_mins(2);

/// Generates trail folders with copies of files, within a folder and across folders, and a file that
/// is cut off.
fn generate(folder: &Path) -> Vec<PathBuf> {
    let made = folder.join("generated");
    let arguments = "demo --generate-only --seed 7 --hours 1 --end 2026-01-02T00:00:00Z --folder";
    let mut arguments: Vec<_> = arguments.split(' ').map(OsStr::new).collect();
    arguments.push(made.as_os_str());
    program::run(folder, &arguments).expect(0);
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

/// A store, in a folder or on a server.
struct Place<'a> {
    location: PathBuf,
    server: Option<&'a Server>,
}

impl<'a> Place<'a> {
    fn in_folder(location: PathBuf) -> Self {
        Self {
            location,
            server: None,
        }
    }

    fn on_server(server: &'a Server, name: &str) -> Self {
        Self {
            location: format!("s3://{BUCKET}/{name}").into(),
            server: Some(server),
        }
    }

    fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = program::command(&self.location, arguments);
        if let Some(server) = self.server {
            command.envs(server.environment());
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// The store, to be read in this process.
    fn store(&self) -> Store {
        let Some(server) = self.server else {
            return Store::folder(&self.location, false).unwrap();
        };
        let name = self.location.file_name().unwrap().to_str().unwrap();
        let url = url::Url::parse(&format!("s3://{BUCKET}/{name}/")).unwrap();
        Store::new(name, url, server.objects()).unwrap()
    }

    /// Files of the store so far.
    fn files(&self) -> u64 {
        let Some(server) = self.server else {
            return count_files(&self.location);
        };
        let name = self.location.file_name().unwrap().to_str().unwrap();
        server.contents.keys(&format!("{name}/")).len() as u64
    }

    fn ingest(&self, sources: &[PathBuf]) -> Child {
        let mut arguments = vec![OsStr::new("ingest")];
        arguments.extend(sources.iter().map(|source| source.as_os_str()));
        self.command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs ingest to its end and gives its exit code and what it said.
    fn finish(&self, sources: &[PathBuf]) -> (Option<i32>, String) {
        let ended = Run::from(self.ingest(sources).wait_with_output().unwrap());
        assert!(ended.stdout.is_empty(), "stdout is for data");
        (ended.code, ended.stderr)
    }

    /// What the tables hold, without what tells how it came there.
    async fn contents(&self) -> Vec<String> {
        let queries = [
            format!("SELECT {} FROM events ORDER BY event_id", record_columns()),
            "SELECT activity_id, sum(calls) AS calls, min(first_event_time) AS first_event_time,
                    max(last_event_time) AS last_event_time, min(event_id) AS event_id,
                    count(DISTINCT event_name) AS event_names
             FROM activities GROUP BY activity_id ORDER BY activity_id"
                .to_owned(),
            "SELECT object, position, reason, text FROM rejects ORDER BY object, position"
                .to_owned(),
            "SELECT key, etag, status, records, new_events, duplicates, rejected
             FROM ingested_objects ORDER BY key, etag"
                .to_owned(),
        ];
        let tables = tables(&self.store()).await;
        let mut contents = Vec::new();
        for query in &queries {
            let rows = rows(&tables, query).await.into_iter();
            contents.extend(rows.map(|row| Value::from(row).to_string()));
        }
        contents
    }

    fn is_whole(&self) {
        self.run(&["doctor"]).expect(0);
    }
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
fn kill(mut child: Child, store: &Place<'_>, moment: &Moment) -> bool {
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE, "{moment:?}");
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        let wait = match moment {
            Moment::After(time) => time.saturating_sub(start.elapsed()),
            Moment::Files(count, more) if store.files() >= *count => *more,
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

/// Kills processes that write stores, each of which some times, and demands of each store what one has that was left
/// in peace.
fn survives<'a>(
    folder: &Path,
    kills: u64,
    kills_of_a_store: u64,
    place: impl Fn(&str) -> Place<'a>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let contents = |store: &Place<'a>| runtime.block_on(store.contents());
    let sources = generate(folder);
    let calm = place("calm");
    let start = Instant::now();
    let (code, said) = calm.finish(&sources);
    let usual = start.elapsed();
    assert_eq!(code, Some(3), "one file is cut off: {said}");
    calm.is_whole();
    let wanted = contents(&calm);
    let random = Random::new(7);
    let (mut killed, mut moments, mut store_number) = (0, 0, 0);
    while killed < kills {
        let store = place(&format!("killed-{store_number}"));
        store_number += 1;
        let mut of_this_store = 0;
        while of_this_store < kills_of_a_store && killed < kills {
            let micros = |most: Duration, part: u64, parts: u64| {
                let most = u64::try_from(most.as_micros()).unwrap() / parts;
                Duration::from_micros(part * most + random.below(most.max(1)))
            };
            let moment = if moments % 3 == 0 {
                let part = moments / 3 % 9;
                Moment::After(micros(usual, part, 9))
            } else {
                let files = store.files() + 1 + random.below(16);
                Moment::Files(files, micros(Duration::from_millis(4), 0, 1))
            };
            moments += 1;
            if !kill(store.ingest(&sources), &store, &moment) {
                break;
            }
            of_this_store += 1;
            killed += 1;
        }
        let (code, said) = store.finish(&sources);
        assert!(matches!(code, Some(0 | 3)), "store {store_number}: {said}");
        store.is_whole();
        let found = contents(&store);
        assert!(found == wanted, "{}", difference(&found, &wanted));
        let (code, said) = store.finish(&sources);
        assert_eq!(code, Some(0), "store {store_number}: {said}");
        assert!(said.contains("nothing new"), "store {store_number}: {said}");
        assert!(found == contents(&store), "store {store_number} changed");
    }
    eprintln!("{killed} kills of {store_number} stores; a calm run takes {usual:?}");
}

#[test]
fn sigkill_at_any_moment_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| Place::in_folder(folder.path().join(name));
    survives(folder.path(), 27, 6, place);
}

#[test]
fn sigkill_at_any_moment_leaves_no_trace_in_s3() {
    // The server goes on while this thread waits for processes.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(Server::start());
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| Place::on_server(&server, name);
    survives(folder.path(), 8, 4, place);
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
