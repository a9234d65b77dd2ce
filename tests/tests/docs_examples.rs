//! The examples of docs/api.md and docs/sql.md, executed against the demo: what stands below them is what comes.
//! `PODTRAIL_UPDATE_DOCS=1` writes it anew.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use podtrail_tests::program::workspace;
use podtrail_tests::service::{Service, demo};

/// Where the pages say that the service is.
const ADDRESS: &str = "http://127.0.0.1:8080";

/// What differs from run to run: how it begins, and how it ends.
const MASKED: [(&str, &str); 3] = [
    ("\"elapsed_ms\":", ",}"),
    ("\"snapshot\":{", "}"),
    ("\"request_id\":\"", "\""),
];

/// Puts an ellipsis in the place of what differs from run to run.
fn masked(text: &str) -> String {
    let mut text = text.to_owned();
    for (begin, ends) in MASKED {
        let mut parts = text.split(begin);
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|sign| ends.contains(sign)).unwrap_or(part.len());
            whole.push_str(begin);
            whole.push('…');
            whole.push_str(&part[end..]);
        }
        text = whole;
    }
    text
}

/// Runs an example and gives what it prints.
fn run(example: &str, service: &Service) -> String {
    let script = example.replace(ADDRESS, service.address());
    let output = Command::new("sh")
        .args(["-euc", &script])
        .env("LC_ALL", "C.UTF-8")
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{example}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let refused = example.contains("limit=0");
    let mut text = masked(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(text.contains("/problems/"), refused, "{example}\n{text}");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Gives the page with what its examples print now, and how many there are.
fn renewed(page: &str, service: &Service) -> (String, usize) {
    let mut new = String::with_capacity(page.len());
    let mut lines = page.split_inclusive('\n');
    let mut examples = 0;
    let mut functions = String::new();
    while let Some(line) = lines.next() {
        new.push_str(line);
        if line != "```sh\n" {
            continue;
        }
        let example: String = lines.by_ref().take_while(|line| *line != "```\n").collect();
        new.push_str(&example);
        new.push_str("```\n");
        // A function of the shell stays defined for the examples below.
        functions.extend(
            example
                .split_inclusive('\n')
                .filter(|line| line.contains("() {")),
        );
        if !example.contains(ADDRESS) && !example.starts_with("ask ") {
            continue;
        }
        let fence = lines.next().unwrap_or_default();
        assert!(
            fence.starts_with("```") && fence.len() > 4,
            "no output stands below {example}"
        );
        lines
            .by_ref()
            .take_while(|line| *line != "```\n")
            .for_each(drop);
        new.push_str(fence);
        new.push_str(&run(&format!("{functions}{example}"), service));
        new.push_str("```\n");
        examples += 1;
    }
    (new, examples)
}

#[tokio::test]
async fn the_examples_print_what_the_pages_say() {
    let service = Service::start(&demo(), &[]).await;
    for page in ["api.md", "sql.md"] {
        let path = workspace().join("docs").join(page);
        let written = std::fs::read_to_string(&path).unwrap();
        let (new, examples) = renewed(&written, &service);
        assert!(examples >= 8, "docs/{page} has {examples} examples");
        if std::env::var_os("PODTRAIL_UPDATE_DOCS").is_some() {
            std::fs::write(&path, &new).unwrap();
            continue;
        }
        let wrong = written
            .lines()
            .zip(new.lines())
            .find(|(old, new)| old != new);
        assert!(
            written == new,
            "docs/{page} is out of date: PODTRAIL_UPDATE_DOCS=1 cargo test -p podtrail-tests --test docs_examples\n{wrong:?}"
        );
    }
}

#[test]
fn what_differs_from_run_to_run_is_masked() {
    for (text, wanted) in [
        (
            r#"{"elapsed_ms":12,"snapshot":{"events":1},"x":1}"#,
            r#"{"elapsed_ms":…,"snapshot":{…},"x":1}"#,
        ),
        (
            r#"{"request_id":"a-b","elapsed_ms":7}"#,
            r#"{"request_id":"…","elapsed_ms":…}"#,
        ),
        ("nothing", "nothing"),
    ] {
        assert_eq!(masked(text), wanted);
    }
}
