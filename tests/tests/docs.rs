//! docs/tables.md says what the schema says, docs/permissions.md what the program says.
//! `PODTRAIL_UPDATE_DOCS=1` writes them anew.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use podtrail_ingest::schema::{Kind, TABLES};
use podtrail_query::FUNCTIONS;
use podtrail_tests::program::{run, workspace};

fn tables() -> String {
    let mut text = String::from(
        "# Tables\n\nDelta tables in the folder of the store; any engine that reads Delta can query them. Times are UTC, in\n\
         microseconds. Columns of type JSON hold compact JSON text. The views `sessions`, `attribution` and\n\
         `activity_attribution` are explained in `query/src/views/`.\n",
    );
    for table in TABLES {
        writeln!(text, "\n## `{}`\n\n{}", table.name, table.doc).unwrap();
        if let Some(partition) = table.partition {
            writeln!(
                text,
                "\nPartitioned by `{partition}`, data files sorted by {}.",
                table.sort.join(", ")
            )
            .unwrap();
        }
        text.push_str("\n| column | type | meaning |\n|---|---|---|\n");
        for column in table.columns {
            let kind = match column.kind {
                Kind::Text => "text",
                Kind::Json => "JSON",
                Kind::Time => "time",
                Kind::Date => "date",
                Kind::Bool => "boolean",
                Kind::Int => "integer",
            };
            writeln!(text, "| `{}` | {kind} | {} |", column.name, column.doc).unwrap();
        }
    }
    text.push_str("\n## Functions\n\n| function | gives |\n|---|---|\n");
    for function in FUNCTIONS {
        writeln!(text, "| `{}` | {} |", function.usage, function.doc).unwrap();
    }
    text
}

fn permissions() -> String {
    let printed = run("unused".as_ref(), &["doctor", "--permissions"])
        .expect(0)
        .stdout;
    format!(
        "# Permissions\n\nWhat `podtrail doctor --permissions` prints: one IAM policy for each thing that podtrail can do, and the Kubernetes\n\
         roles of `inventory collect`. Names in capital letters are yours to fill in (`--trail-bucket`, `--store-bucket`, `--queue`,\n\
         `--account`). With the policy `trail`, name the source as `s3://BUCKET/PREFIX/AWSLogs/`: the root of the bucket may not be\n\
         listed.\n\n```text\n{printed}```\n"
    )
}

fn check(page: &str, text: &str) {
    let path = workspace().join("docs").join(page);
    if std::env::var_os("PODTRAIL_UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == text,
        "docs/{page} is out of date: PODTRAIL_UPDATE_DOCS=1 cargo test -p podtrail-tests --test docs"
    );
}

#[test]
fn the_tables_page_is_up_to_date() {
    check("tables.md", &tables());
}

#[test]
fn the_permissions_page_is_up_to_date() {
    check("permissions.md", &permissions());
}
