//! Builds the dashboard in `web/` into `$OUT_DIR/web`, which the binary embeds.
//!
//! Where that cannot be done, the build goes on with a page that says how to get the dashboard. `PODTRAIL_WEB=require`
//! makes an error of it, `PODTRAIL_WEB=skip` does not try.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What the dashboard is made of, from the repository's root.
const INPUTS: [&str; 8] = [
    "docs/openapi.json",
    "web/index.html",
    "web/package-lock.json",
    "web/package.json",
    "web/public",
    "web/src",
    "web/tsconfig.json",
    "web/vite.config.ts",
];

/// What stands in for the dashboard.
const PAGE: &str = include_str!("src/serve/no_dashboard.html");

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Lines of npm's complaint that a warning has.
const SHOWN: usize = 8;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    tell("rerun-if-env-changed=PODTRAIL_WEB");
    let wish = env::var("PODTRAIL_WEB").unwrap_or_default();
    let root = folder("CARGO_MANIFEST_DIR")?.join("..");
    let out = folder("OUT_DIR")?.join("web");
    // cargo takes a file that is not there for one that has changed, with every build.
    for input in INPUTS.map(|input| root.join(input)) {
        if input.exists() {
            tell(&format!("rerun-if-changed={}", input.display()));
        }
    }
    match wish.as_str() {
        "" => {
            if let Err(reason) = dashboard(&root.join("web"), &out) {
                for line in reason.lines() {
                    tell(&format!("warning={line}"));
                }
                tell("warning=podtrail is built without its dashboard");
                stand_in(&out)?;
            }
            Ok(())
        }
        "require" => dashboard(&root.join("web"), &out),
        "skip" => stand_in(&out),
        _ => Err(format!("PODTRAIL_WEB={wish}: require, skip or nothing")),
    }
}

/// Builds the dashboard with npm.
fn dashboard(web: &Path, out: &Path) -> Result<(), String> {
    if !web.join("package.json").exists() {
        return Err(format!("{} has no dashboard", web.display()));
    }
    if !are_installed(web) {
        // Packages run nothing of their own while they are installed.
        npm(
            web,
            &[
                "ci",
                "--ignore-scripts",
                "--prefer-offline",
                "--no-audit",
                "--no-fund",
            ],
        )?;
    }
    let target = out
        .to_str()
        .ok_or("the output folder's name is not Unicode")?;
    npm(
        web,
        &["run", "build", "--", "--outDir", target, "--emptyOutDir"],
    )?;
    if !out.join("index.html").exists() {
        return Err("npm run build made no index.html".to_owned());
    }
    Ok(())
}

/// Tells whether the packages of the lock file, or of a later one, are installed. npm keeps a copy of it beside them.
fn are_installed(web: &Path) -> bool {
    let changed = |path: &str| fs::metadata(web.join(path)).and_then(|file| file.modified());
    match (
        changed("node_modules/.package-lock.json"),
        changed("package-lock.json"),
    ) {
        (Ok(installed), Ok(wanted)) => installed >= wanted,
        _ => false,
    }
}

fn npm(web: &Path, arguments: &[&str]) -> Result<(), String> {
    let what = format!("{NPM} {}", arguments.join(" "));
    let done = Command::new(NPM)
        .args(arguments)
        .current_dir(web)
        .output()
        .map_err(|error| {
            format!(
                "cannot run {what}: {error}; the dashboard needs Node.js 20.19 or later with npm 11"
            )
        })?;
    if done.status.success() {
        return Ok(());
    }
    let told = [done.stdout, done.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    let lines: Vec<&str> = told
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
    Err(format!("{what} ended with {}:\n{last}", done.status))
}

/// Puts the page that stands in for the dashboard where that would be.
fn stand_in(out: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot write {}: {error}", out.display());
    if out.exists() {
        fs::remove_dir_all(out).map_err(failed)?;
    }
    fs::create_dir_all(out).map_err(failed)?;
    fs::write(out.join("index.html"), PAGE).map_err(failed)
}

fn folder(name: &str) -> Result<PathBuf, String> {
    env::var_os(name)
        .map(PathBuf::from)
        .ok_or_else(|| format!("{name} is not set: cargo runs this"))
}

/// Tells cargo something.
#[allow(clippy::print_stdout)] // how build scripts speak
fn tell(what: &str) {
    println!("cargo:{what}");
}
