//! The real binary.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// Gives the path of `podtrail`, built from the code at hand; `PODTRAIL_BIN` names another one.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Some(path) = std::env::var_os("PODTRAIL_BIN") {
            return path.into();
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--locked", "--package", "podtrail-api"])
            .current_dir(workspace())
            .status()
            .expect("cargo runs");
        assert!(built.success(), "podtrail does not build");
        // This test is <target>/debug/deps/<test>.
        let test = std::env::current_exe().expect("a test has a path");
        test.ancestors()
            .nth(2)
            .expect("tests lie in deps")
            .join("podtrail")
    })
}

/// Gives the workspace's folder.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests lie in the workspace")
}

/// Gives the folder of public CloudTrail records, or says that there is none.
pub fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("PODTRAIL_REAL_DATA")
        .map_or_else(|| workspace().join("../shared/data"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no real data");
    None
}

/// A run of the program that is over.
#[derive(Debug)]
pub struct Run {
    /// Exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Reads standard output as lines of JSON.
    pub fn rows(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }

    /// Demands an exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Prepares a command on a store, free of the environment's settings.
pub fn command(store: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(path());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PODTRAIL_") {
            command.env_remove(name);
        }
    }
    command
        .arg("--store")
        .arg(store)
        .args(arguments)
        .stdin(Stdio::null());
    command
}

/// Runs the program on a store.
pub fn run(store: &Path, arguments: &[impl AsRef<OsStr>]) -> Run {
    command(store, arguments)
        .output()
        .expect("podtrail runs")
        .into()
}

/// Runs the program with some bytes on standard input.
pub fn run_with_input(store: &Path, arguments: &[&str], input: &[u8]) -> Run {
    use std::io::Write;
    let mut child = command(store, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("podtrail runs");
    // A program that refuses its arguments closes its input early.
    let _ = child.stdin.take().expect("piped").write_all(input);
    child.wait_with_output().expect("podtrail ends").into()
}

/// Gives the rows of a query.
#[track_caller]
pub fn sql(store: &Path, query: &str) -> Vec<Value> {
    run(store, &["sql", "--output", "ndjson", query])
        .expect(0)
        .rows()
}

/// Gives the one number of a query.
#[track_caller]
pub fn number(store: &Path, query: &str) -> i64 {
    let rows = sql(store, query);
    let row = rows
        .first()
        .and_then(Value::as_object)
        .unwrap_or_else(|| panic!("no row: {query}"));
    row.values()
        .next()
        .and_then(Value::as_i64)
        .unwrap_or_else(|| panic!("no number: {query}"))
}
