//! `podtrail doctor`: is the store whole, and what must podtrail be allowed to do?

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use podtrail_ingest::collect::permissions::{Feature, Places, manifest, policy};
use podtrail_query::Session;

use super::{Exit, Global, engine, output};

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// Print the IAM policies and the Kubernetes roles that podtrail needs, each by what it is for
    #[arg(long)]
    permissions: bool,
    /// Bucket of the trail, for the policies
    #[arg(long, requires = "permissions", value_name = "BUCKET")]
    trail_bucket: Option<String>,
    /// Prefix of the trail before AWSLogs/, for the policies
    #[arg(long, requires = "permissions", value_name = "PREFIX")]
    trail_prefix: Option<String>,
    /// Name of the queue, for the policies
    #[arg(long, requires = "permissions", value_name = "NAME")]
    queue: Option<String>,
    /// Bucket of the store, for the policies
    #[arg(long, requires = "permissions", value_name = "BUCKET")]
    store_bucket: Option<String>,
    /// Account of queue and clusters, for the policies
    #[arg(long, requires = "permissions", value_name = "ID")]
    account: Option<String>,
}

/// Namespace and name that the Kubernetes roles are printed for.
const KUBERNETES: (&str, &str) = ("podtrail", "podtrail");

impl Doctor {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        if self.permissions {
            output::to_stdout(self.documents()?.as_bytes())?;
            return Ok(Exit::Ok);
        }
        run(global).await
    }

    fn documents(self) -> anyhow::Result<String> {
        let mut places = Places::default();
        for (given, place) in [
            (self.trail_bucket, &mut places.trail_bucket),
            (self.trail_prefix, &mut places.trail_prefix),
            (self.queue, &mut places.queue),
            (self.store_bucket, &mut places.store_bucket),
            (self.account, &mut places.account),
        ] {
            if let Some(given) = given {
                *place = given;
            }
        }
        let mut text = String::new();
        for feature in Feature::ALL {
            let document = serde_json::to_string_pretty(&policy(feature, &places))?;
            writeln!(text, "# IAM policy: {}\n{document}\n", feature.as_str())?;
        }
        let (namespace, name) = KUBERNETES;
        write!(text, "# Kubernetes\n{}", manifest(namespace, name))?;
        Ok(text)
    }
}

/// A check: a query that gives one number, and what it should be.
struct Check {
    name: &'static str,
    sql: &'static str,
    /// Says what the number means, and whether it is as it should be.
    judge: fn(i64) -> (bool, String),
}

const CHECKS: [Check; 5] = [
    Check {
        name: "events",
        sql: "SELECT count(*) FROM events",
        judge: |count| (true, format!("{count} events")),
    },
    Check {
        name: "each event once",
        sql: "SELECT count(*) - count(DISTINCT event_id) FROM events",
        judge: |more| (more == 0, format!("{more} rows too many")),
    },
    Check {
        name: "activities add up to events",
        sql: "SELECT (SELECT count(*) FROM events) - (SELECT coalesce(CAST(sum(calls) AS BIGINT), 0) FROM activities)",
        judge: |difference| {
            (
                difference == 0,
                format!(
                    "difference {difference}; a batch that was cut off is completed by the next ingest of its source"
                ),
            )
        },
    },
    Check {
        name: "objects",
        sql: "SELECT count(*) FROM ingested_objects WHERE status = 'unreadable'",
        judge: |count| (true, format!("{count} unreadable so far")),
    },
    Check {
        name: "rejects",
        sql: "SELECT count(*) FROM rejects",
        judge: |count| (true, format!("{count} values refused; see table rejects")),
    },
];

async fn run(global: &Global) -> anyhow::Result<Exit> {
    let session = engine(global).await?.session().await?;
    let (mut names, mut states, mut details) = (Vec::new(), Vec::new(), Vec::new());
    let versions: Vec<String> = session
        .snapshot()
        .iter()
        .map(|(table, version)| format!("{table} {version}"))
        .collect();
    names.push("tables");
    states.push("ok");
    details.push(format!("versions: {}", versions.join(", ")));
    let mut whole = true;
    for check in CHECKS {
        let (good, detail) = (check.judge)(number(&session, check.sql).await?);
        whole &= good;
        names.push(check.name);
        states.push(if good { "ok" } else { "wrong" });
        details.push(detail);
    }
    let schema = Arc::new(Schema::new(
        ["check", "status", "detail"]
            .map(|name| Field::new(name, DataType::Utf8, false))
            .to_vec(),
    ));
    let rows = RecordBatch::try_new(
        schema,
        vec![
            Arc::new(StringArray::from(names)),
            Arc::new(StringArray::from(states)),
            Arc::new(StringArray::from(details)),
        ],
    )?;
    output::print_batch(global, rows).await?;
    Ok(if whole { Exit::Ok } else { Exit::Failed })
}

async fn number(session: &Session, sql: &str) -> anyhow::Result<i64> {
    let rows = session.rows(sql).await?;
    let value = rows
        .iter()
        .find(|batch| batch.num_rows() > 0)
        .and_then(|batch| {
            batch
                .column(0)
                .as_primitive_opt::<Int64Type>()
                .map(|column| column.value(0))
        });
    value.ok_or_else(|| anyhow::anyhow!("no number from: {sql}"))
}
