//! `podtrail.toml`: what it changes, and how it is refused.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use podtrail_tests::program::{self, run};

const RULE: &str = r#"
[[node_agent]]
name = "acme-agent"
component = "acme-agent"
actor = "node_agent"
confidence = "exact"
user_agent_prefix = "Boto3/"
source = "runs on every node by user data"
"#;

/// A store with a node's own call and two that no rule explains.
fn store(folder: &Path) -> std::path::PathBuf {
    let store = folder.join("store");
    let records =
        program::workspace().join("query/tests/scenarios/fallback_no_binding/records.json");
    run(&store, &["ingest", records.to_str().unwrap()]).expect(0);
    store
}

#[test]
fn a_rule_of_ones_own_explains_calls_and_one_of_the_same_name_takes_a_place() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let query = "SELECT component, actor FROM attribution WHERE event_name = 'ListBuckets'";
    let sql = |more: &[&str]| {
        let arguments = [&["-o", "ndjson", "sql", query], more].concat();
        run(&store, &arguments).expect(0).rows()
    };
    assert_eq!(sql(&[])[0]["actor"], "workload");
    let config = folder.path().join("own.toml");
    std::fs::write(&config, RULE).unwrap();
    let row = &sql(&["--config", config.to_str().unwrap()])[0];
    assert_eq!(
        (&row["actor"], &row["component"]),
        (&"node_agent".into(), &"acme-agent".into())
    );

    std::fs::write(
        &config,
        RULE.replace("name = \"acme-agent\"\n", "name = \"vpc-cni\"\n"),
    )
    .unwrap();
    let rows = run(
        &store,
        &[
            "-o",
            "ndjson",
            "--config",
            config.to_str().unwrap(),
            "sql",
            "SELECT component FROM node_agent_rules WHERE name = 'vpc-cni'",
        ],
    )
    .expect(0)
    .rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["component"], "acme-agent");
}

#[test]
fn configured_sources_are_read_where_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let config = folder.path().join("own.toml");
    let arguments = ["--config", config.to_str().unwrap(), "ingest"];
    std::fs::write(&config, "").unwrap();
    let nothing = run(&store, &arguments).expect(2);
    assert!(nothing.stderr.contains("[[source]]"), "{}", nothing.stderr);
    let scenarios = program::workspace().join("query/tests/scenarios");
    let source = |name: &str| {
        let records = scenarios.join(name).join("records.json");
        format!("[[source]]\nlocation = \"{}\"\n", records.display())
    };
    std::fs::write(&config, source("people") + &source("plain_ec2")).unwrap();
    run(&store, &arguments).expect(0);
    let objects = program::number(&store, "SELECT count(*) FROM ingested_objects");
    assert_eq!(objects, 2);
    let refused = run(&store, &[&arguments[..], &["--backfill"]].concat()).expect(2);
    assert!(refused.stderr.contains("lookup://"), "{}", refused.stderr);
}

#[test]
fn a_bad_configuration_is_refused_with_its_file_and_cause() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let config = folder.path().join("own.toml");
    for (content, named) in [
        ("[[node_agents]]\n", "node_agents"),
        ("node_agent = 1\n", "node_agent"),
        (&RULE.replace("\"exact\"", "\"sure\""), "acme-agent"),
        (&RULE.replace("source", "sauce"), "sauce"),
        (&format!("{RULE}{RULE}"), "stands twice"),
        (
            &RULE
                .replace("user_agent_prefix", "session_name_pattern")
                .replace("Boto3/", "("),
            "acme-agent",
        ),
    ] {
        std::fs::write(&config, content).unwrap();
        let run = run(
            &store,
            &["--config", config.to_str().unwrap(), "report", "fallbacks"],
        )
        .expect(2);
        assert!(run.stderr.contains("own.toml"), "{content}: {}", run.stderr);
        assert!(run.stderr.contains(named), "{content}: {}", run.stderr);
    }
    let missing = folder.path().join("none.toml");
    let run = run(
        &store,
        &["--config", missing.to_str().unwrap(), "report", "fallbacks"],
    )
    .expect(2);
    assert!(run.stderr.contains("none.toml"), "{}", run.stderr);
}
