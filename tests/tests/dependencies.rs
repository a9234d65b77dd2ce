//! Dependencies point one way: api → query → ingest.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use podtrail_tests::program::workspace;
use serde_json::Value;

/// Direct dependencies that ship, by package of the workspace.
fn shipped() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--locked",
            "--offline",
        ])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let shipped = dependencies.filter(|dependency| dependency["kind"].is_null());
            (
                text(&package["name"]),
                shipped
                    .map(|dependency| text(&dependency["name"]))
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn packages_depend_one_way() {
    let shipped = shipped();
    let ours = |package: &str| -> Vec<String> {
        shipped[package]
            .iter()
            .filter(|name| name.starts_with("podtrail-"))
            .cloned()
            .collect()
    };
    assert!(ours("podtrail-ingest").is_empty());
    assert_eq!(ours("podtrail-query"), ["podtrail-ingest"]);
    assert_eq!(ours("podtrail-api"), ["podtrail-ingest", "podtrail-query"]);
    for (package, dependencies) in &shipped {
        assert!(
            !dependencies.contains("podtrail-tests"),
            "{package} depends on the tests"
        );
    }
}

#[test]
fn only_the_binary_uses_what_belongs_to_it() {
    let shipped = shipped();
    for package in ["podtrail-ingest", "podtrail-query"] {
        for name in ["anyhow", "axum", "clap", "indicatif", "rustyline"] {
            assert!(
                !shipped[package].contains(name),
                "{package} depends on {name}"
            );
        }
    }
    assert!(
        !shipped["podtrail-ingest"].contains("datafusion"),
        "ingest does not query"
    );
}
