//! How right attribution is does not fall below bounds, on a short history whose truth is known.
//! docs/accuracy.md has the figures of longer ones.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use podtrail_tests::program::run;

/// Measure, group, share that is right at least. What is `exact` is never wrong; the others leave room for another way to
/// weigh the same evidence, not for evidence that is no longer looked at.
const BOUNDS: [(&str, &str, f64); 19] = [
    ("access path right", "irsa", 0.99),
    ("access path right", "node_role", 0.99),
    ("access path right", "pod_identity", 0.99),
    ("access path right where told", "irsa", 1.0),
    ("access path right where told", "node_role", 1.0),
    ("access path right where told", "pod_identity", 1.0),
    ("cause right where the workload is", "all", 0.97),
    ("fallback precision", "all", 0.999),
    ("fallback recall", "all", 0.99),
    ("pod of a fallback", "all", 0.8),
    ("pod of a fallback", "pod, and its address names it", 1.0),
    ("service account of a fallback", "all", 0.93),
    ("service account of a fallback", "node", 0.85),
    (
        "service account of a fallback",
        "pod, and its address names it",
        1.0,
    ),
    ("service account right where named", "irsa exact", 1.0),
    (
        "service account right where named",
        "node_role candidate",
        0.8,
    ),
    ("service account right where named", "node_role exact", 1.0),
    (
        "service account right where named",
        "node_role inferred",
        0.95,
    ),
    (
        "service account right where named",
        "pod_identity exact",
        1.0,
    ),
];

#[test]
fn attribution_is_as_right_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "eval",
        "--seeds",
        "7",
        "--clusters",
        "3",
        "--hours",
        "8",
        "-o",
        "ndjson",
    ];
    let rows = run(folder.path(), &arguments).expect(0).rows();
    let mut shares = BTreeMap::new();
    for row in &rows {
        let text = |name: &str| row[name].as_str().unwrap();
        let (calls, share) = (row["calls"].as_i64(), row["share"].as_f64());
        let key = (text("measure"), text("group"));
        shares.insert(key, (calls.unwrap(), share.unwrap()));
    }
    let mut missed = Vec::new();
    for (measure, group, least) in BOUNDS {
        match shares.get(&(measure, group)) {
            Some((calls, share)) if *calls >= 100 && *share >= least => {}
            found => missed.push(format!("{measure}, {group}: {found:?}, at least {least}")),
        }
    }
    for ((measure, group), found) in &shares {
        if *measure == "outsiders left alone" && found.1 < 1.0 {
            missed.push(format!("{measure}, {group}: {found:?}"));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}
