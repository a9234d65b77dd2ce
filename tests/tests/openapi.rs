//! Outside tools read the API's description and hold the service to it.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use podtrail_tests::service::{Service, demo};

/// What schemathesis makes of each operation.
const CASES: &str = "10";

#[tokio::test]
async fn schemathesis_finds_no_fault() {
    let Some(clients) = std::env::var_os("PODTRAIL_CLIENTS") else {
        eprintln!("skipped: schemathesis is not installed; tests/run.sh does that");
        return;
    };
    let service = Service::start(&demo(), &[]).await;
    let done = Command::new(std::path::Path::new(&clients).join("st"))
        .arg("run")
        .arg(format!("{}/openapi.json", service.address()))
        .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance,unsupported_method"])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", CASES, "--seed", "1", "--warnings", "off", "--continue-on-failure"])
        // It keeps what it found in the working folder.
        .current_dir(tempfile::tempdir().unwrap().path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "{told}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(told.contains("passed"), "{told}");
}
