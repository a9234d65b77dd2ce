//! `podtrail inventory`.

mod collect;

use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, Utc};
use indicatif::HumanCount;
use podtrail_ingest::inventory::{self, Imported};

use super::{Exit, Global, say, time};
pub(crate) use collect::Collect;

/// Rejects shown on standard error; the rest is counted.
const SHOWN: usize = 20;

#[derive(Debug, clap::Args)]
pub(crate) struct Inventory {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read what kubectl, the AWS CLI and the EKS audit log say of clusters, told apart by content
    Import(Import),
    /// Read clusters, pods, nodes, roles and instances from Kubernetes and AWS themselves
    Collect(Box<collect::Collect>),
}

#[derive(Debug, clap::Args)]
struct Import {
    /// Files and folders: kubectl get … -o json, aws … output, EKS audit logs
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Cluster of files that name none; without it, the one that aws eks describe-cluster describes in
    /// the folder
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// When it was observed; without it, the YYYYMMDDTHHMMSSZ in a file's name, else its modification time
    #[arg(long, value_name = "TIME", value_parser = time::moment, allow_hyphen_values = true)]
    at: Option<DateTime<Utc>>,
}

impl Inventory {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let import = match self.command {
            Command::Import(import) => import,
            Command::Collect(collect) => return Box::pin(collect.run(global)).await,
        };
        for path in &import.paths {
            // A typing error costs nothing.
            std::fs::symlink_metadata(path).map_err(|source| podtrail_ingest::Error::Read {
                path: path.clone(),
                source,
            })?;
        }
        let store = global.create_store().await?;
        let start = Instant::now();
        let options = inventory::Options {
            cluster: import.cluster,
            at: import.at.map(|time| time.timestamp_micros()),
            now: Utc::now().timestamp_micros(),
        };
        let imported = inventory::import_into(&store, import.paths, options).await?;
        tell(&imported, 0, start, global);
        Ok(if imported.summary.rejects > 0 {
            Exit::Rejected
        } else {
            Exit::Ok
        })
    }
}

/// Says what an import or a collection came to.
fn tell(imported: &Imported, warnings: u64, start: Instant, global: &Global) {
    for reject in imported.rejects.iter().take(SHOWN) {
        say(&format!(
            "podtrail: {}, element {}: {}: {}",
            reject.file, reject.position, reject.reason, reject.detail
        ));
    }
    if global.quiet {
        return;
    }
    for line in summary_lines(imported) {
        say(&line);
    }
    if warnings > 0 {
        say(&format!(
            "warnings   {}: the rest was read",
            HumanCount(warnings)
        ));
    }
    say(&format!(
        "elapsed    {:.1} s",
        start.elapsed().as_secs_f64()
    ));
}

/// Sums an import up for people.
pub(crate) fn summary_lines(imported: &Imported) -> Vec<String> {
    let summary = &imported.summary;
    let counts = |pairs: Vec<(String, u64)>| -> String {
        let parts: Vec<String> = pairs
            .into_iter()
            .map(|(name, count)| format!("{} {name}", HumanCount(count)))
            .collect();
        parts.join(", ")
    };
    let kinds = summary
        .observations
        .iter()
        .map(|(kind, count)| (kind.as_str().to_owned(), *count))
        .collect();
    let mut lines = vec![
        format!("files      {} read", HumanCount(summary.files)),
        format!("inventory  {}", counts(kinds)),
        format!(
            "           {} new, {} known before",
            HumanCount(imported.written.new),
            HumanCount(imported.written.known)
        ),
    ];
    if !summary.skipped.is_empty() {
        let skipped = summary
            .skipped
            .iter()
            .map(|(name, count)| (name.clone(), *count))
            .collect();
        lines.push(format!("skipped    {}", counts(skipped)));
    }
    if summary.rejects > 0 {
        lines.push(format!("rejected   {}", HumanCount(summary.rejects)));
    }
    lines
}
