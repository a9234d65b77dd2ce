//! The build script of the dashboard, with programs that stand in for npm.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use podtrail_tests::program::workspace;

/// Compiles the build script, once.
fn script() -> &'static Path {
    static SCRIPT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = SCRIPT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("build-script");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let built = Command::new(rustc)
            .args(["--edition", "2024", "-o"])
            .arg(&path)
            .arg("build.rs")
            .current_dir(workspace().join("api"))
            .status()
            .unwrap();
        assert!(built.success());
        (folder, path)
    });
    path
}

/// A repository with a dashboard.
struct Repository(tempfile::TempDir);

/// What a run of the script said.
struct Said {
    success: bool,
    out: String,
    error: String,
}

/// Notes what it was asked for, and builds.
const NPM: &str = "#!/bin/sh
echo \"$1\" >>npm.log
case $1 in
ci) /bin/mkdir -p node_modules && echo '{}' >node_modules/.package-lock.json ;;
run) /bin/mkdir -p \"$5\" && echo built >\"$5/index.html\" ;;
esac
";

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for path in ["api", "out", "web", "bin"] {
            fs::create_dir(folder.path().join(path)).unwrap();
        }
        for file in ["web/package.json", "web/package-lock.json"] {
            fs::write(folder.path().join(file), "{}").unwrap();
        }
        Self(folder)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn npm(&self, text: &str) {
        let path = self.path("bin/npm");
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, wish: Option<&str>) -> Said {
        let mut command = Command::new(script());
        command
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("CARGO_MANIFEST_DIR", self.path("api"))
            .env("OUT_DIR", self.path("out"));
        if let Some(wish) = wish {
            command.env("PODTRAIL_WEB", wish);
        }
        let done = command.output().unwrap();
        Said {
            success: done.status.success(),
            out: String::from_utf8(done.stdout).unwrap(),
            error: String::from_utf8(done.stderr).unwrap(),
        }
    }

    fn page(&self) -> String {
        fs::read_to_string(self.path("out/web/index.html")).unwrap()
    }

    /// What npm was asked for.
    fn asked(&self) -> String {
        fs::read_to_string(self.path("web/npm.log")).unwrap_or_default()
    }
}

#[test]
fn the_dashboard_is_built_and_its_packages_are_installed_once() {
    let repository = Repository::new();
    repository.npm(NPM);
    for asked in ["ci\nrun\n", "ci\nrun\nrun\n"] {
        let said = repository.run(None);
        assert!(said.success, "{}", said.error);
        assert!(!said.out.contains("warning"), "{}", said.out);
        assert!(
            said.out
                .contains("cargo:rerun-if-env-changed=PODTRAIL_WEB\n")
        );
        assert!(said.out.contains("web/package-lock.json\n"), "{}", said.out);
        assert!(
            !said.out.contains("web/src"),
            "it is not there: {}",
            said.out
        );
        assert_eq!(repository.page(), "built\n");
        assert_eq!(repository.asked(), asked);
    }
    // A lock file that is newer than what is installed.
    let lock = fs::File::options()
        .append(true)
        .open(repository.path("web/package-lock.json"));
    let installed = fs::metadata(repository.path("web/node_modules/.package-lock.json")).unwrap();
    let later = installed.modified().unwrap() + std::time::Duration::from_secs(1);
    lock.unwrap().set_modified(later).unwrap();
    assert!(repository.run(Some("require")).success);
    assert_eq!(repository.asked(), "ci\nrun\nrun\nci\nrun\n");
}

#[test]
fn without_npm_a_page_says_how_to_get_the_dashboard() {
    let repository = Repository::new();
    let said = repository.run(None);
    assert!(said.success, "{}", said.error);
    assert!(
        said.out.contains("cargo:warning=cannot run npm ci"),
        "{}",
        said.out
    );
    assert!(said.out.contains("Node.js 20.19"), "{}", said.out);
    let page = repository.page();
    for part in [
        "Node.js",
        "20.19",
        "npm 11",
        "PODTRAIL_WEB=require",
        "href=\"/docs\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(
        !page.contains("<script") && !page.contains("style"),
        "{page}"
    );

    let said = repository.run(Some("require"));
    assert!(!said.success);
    assert!(said.error.contains("Node.js 20.19"), "{}", said.error);
}

#[test]
fn what_npm_says_is_passed_on_and_what_it_left_behind_is_removed() {
    let repository = Repository::new();
    repository
        .npm("#!/bin/sh\n/bin/mkdir -p ../out/web/assets\necho one\necho no network >&2\nexit 7\n");
    let said = repository.run(None);
    assert!(said.success, "{}", said.error);
    for line in [
        "cargo:warning=one\n",
        "cargo:warning=no network\n",
        "ended with exit status: 7",
    ] {
        assert!(said.out.contains(line), "{line}: {}", said.out);
    }
    assert!(!repository.path("out/web/assets").exists());
    assert!(repository.page().contains("Node.js"));
    let said = repository.run(Some("require"));
    assert!(
        !said.success && said.error.contains("no network"),
        "{}",
        said.error
    );
}

#[test]
fn a_build_that_makes_no_page_is_none() {
    let repository = Repository::new();
    repository.npm("#!/bin/sh\n");
    let said = repository.run(None);
    assert!(
        said.out
            .contains("cargo:warning=npm run build made no index.html"),
        "{}",
        said.out
    );
    assert!(repository.page().contains("Node.js"));
}

#[test]
fn it_can_be_skipped_and_needs_no_sources() {
    let repository = Repository::new();
    repository.npm(NPM);
    let said = repository.run(Some("skip"));
    assert!(
        said.success && !said.out.contains("warning"),
        "{}",
        said.out
    );
    assert_eq!(repository.asked(), "");
    assert!(repository.page().contains("Node.js"));
    let said = repository.run(Some("maybe"));
    assert!(
        !said.success && said.error.contains("PODTRAIL_WEB=maybe"),
        "{}",
        said.error
    );

    fs::remove_dir_all(repository.path("web")).unwrap();
    let said = repository.run(None);
    assert!(
        said.success && said.out.contains("has no dashboard"),
        "{}",
        said.out
    );
    assert!(!repository.run(Some("require")).success);
}
