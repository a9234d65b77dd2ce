//! The real `podtrail` binary.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(binary) = std::env::var_os("PODTRAIL_BIN") {
        return binary.into();
    }
    // A test is <target>/<profile>/deps/<name>.
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let binary = profile.join(format!("podtrail{}", std::env::consts::EXE_SUFFIX));
    if !binary.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--package", "podtrail-api", "--target-dir"]);
        build.arg(profile.parent().unwrap());
        if profile.file_name() == Some(OsStr::new("release")) {
            build.arg("--release");
        }
        let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(built.unwrap().success(), "cannot build podtrail");
    }
    binary
});

/// Makes a command that runs `podtrail` on a store: the binary that `PODTRAIL_BIN` names, else the one
/// beside this test's build, which is built where it does not exist.
#[must_use]
pub fn podtrail(store: &Path, arguments: &[&OsStr]) -> Command {
    let mut command = Command::new(&*BINARY);
    command.arg("--store").arg(store).args(arguments);
    command.stdin(Stdio::null());
    command
}

/// Runs `podtrail` to its end.
#[must_use]
pub fn output(store: &Path, arguments: &[&OsStr]) -> Output {
    podtrail(store, arguments).output().unwrap()
}

/// Gives the lines that a query prints as NDJSON.
#[must_use]
pub fn lines(store: &Path, query: &str) -> Vec<String> {
    let arguments = ["sql", "--output", "ndjson", query].map(OsStr::new);
    let output = output(store, &arguments);
    assert!(output.status.success(), "{query}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}
