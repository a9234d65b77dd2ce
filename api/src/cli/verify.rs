//! `podtrail verify`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use chrono::Utc;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use futures::stream::BoxStream;
use podtrail_ingest::Error;
use podtrail_ingest::digest::{
    AskedKeys, ChainId, ChainReport, Event, Finding, KeyFile, LocalFolder, Options, PublicKeys,
    Report, Status, Vault, Verdict, verify,
};
use tokio::sync::mpsc;

use super::aws::{AwsArguments, Selection};
use super::{Exit, Format, Global, output, read_small, say};

/// Largest file of public keys, in bytes.
const KEY_FILE_BYTES: u64 = 16 << 20;

/// Rows handed over at once.
const BATCH_ROWS: usize = 1_024;

/// Batches of rows found ahead of the one that is printed.
const BATCHES_AHEAD: usize = 2;

/// Most rows of a table, which is drawn whole: of what is proven, and of the rest.
const TABLE_ROWS: [u64; 2] = [1_000, 10_000];

/// Spans of time named per chain in the summary.
const NAMED_SPANS: usize = 5;

/// What makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Whatever is not proven
    Incomplete,
    /// Only what is altered, removed, added or moved
    Tampered,
}

/// Where the public keys come from.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct KeyArguments {
    /// Output of `aws cloudtrail list-public-keys`; asked of AWS without it
    #[arg(long = "keys", value_name = "FILE")]
    keys: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// The trail: s3://bucket/prefix, or a folder with a copy
    #[arg(value_name = "SOURCE")]
    source: String,
    #[command(flatten)]
    keys: KeyArguments,
    #[command(flatten)]
    selection: Selection,
    /// Verify the digests only, do not read the log files
    #[arg(long)]
    digests_only: bool,
    /// Print proven files too
    #[arg(long)]
    all: bool,
    /// What makes the exit code 1
    #[arg(long, value_enum, default_value_t = FailOn::Incomplete)]
    fail_on: FailOn,
    #[command(flatten)]
    aws: AwsArguments,
}

impl Verify {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let (vault, options) = self.vault().await?;
        let keys = self.keys.keys(&self.aws).await?;
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        let printer = Printer {
            proven: self.all,
            most: if global.output == Format::Table {
                TABLE_ROWS
            } else {
                [u64::MAX; 2]
            },
            held: Vec::new(),
            counts: [0; 2],
            dropped: 0,
            out: sender,
        };
        let found = printer.all(verify(vault, keys, options));
        let printed = output::print(global, stream(receiver)?);
        let (sum, ()) = tokio::try_join!(found, printed)?;
        let verdict = sum.report.verdict();
        if !global.quiet {
            for line in summary(sum) {
                say(&line);
            }
        }
        let fails = match self.fail_on {
            FailOn::Incomplete => verdict > Verdict::Proven,
            FailOn::Tampered => verdict == Verdict::Tampered,
        };
        Ok(if fails { Exit::Findings } else { Exit::Ok })
    }

    async fn vault(&self) -> anyhow::Result<(Arc<dyn Vault>, Options)> {
        let mut options = Options {
            accounts: self.selection.accounts.clone(),
            regions: self.selection.regions.clone(),
            from: self.selection.from.map(|time| time.timestamp_micros()),
            to: self.selection.to.map(|time| time.timestamp_micros()),
            check_logs: !self.digests_only,
            ..Options::default()
        };
        if let Some((scheme, _)) = self.source.split_once("://") {
            if scheme != "s3" {
                let text = format!("{}: give s3://bucket/prefix or a folder", self.source);
                return Err(Error::InvalidInput(text).into());
            }
            let (vault, bucket, prefix) = self.aws.vault(&self.source).await?;
            options.bucket = Some(bucket);
            options.prefix = prefix;
            options.to = options.to.or_else(|| Some(Utc::now().timestamp_micros()));
            return Ok((vault, options));
        }
        let folder = LocalFolder::open(PathBuf::from(&self.source), None).await?;
        folder.base().clone_into(&mut options.prefix);
        Ok((Arc::new(folder), options))
    }
}

impl KeyArguments {
    /// Names files.
    pub(crate) fn of(keys: &[PathBuf]) -> Self {
        Self {
            keys: keys.to_vec(),
        }
    }

    /// True where no file is named.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys of the files, else those that CloudTrail gives when asked.
    pub(crate) async fn keys(&self, aws: &AwsArguments) -> anyhow::Result<Arc<dyn PublicKeys>> {
        if self.keys.is_empty() {
            return Ok(Arc::new(AskedKeys::new(aws.public_keys().await)));
        }
        let mut known = KeyFile::default();
        for path in &self.keys {
            let text = read_small(path, KEY_FILE_BYTES)?;
            known.merge(KeyFile::parse(&text).with_context(|| path.display().to_string())?);
        }
        Ok(Arc::new(known))
    }
}

/// Hands rows over as they are found, and sums up.
struct Printer {
    /// Rows of what is proven, too.
    proven: bool,
    /// Most rows of what is proven, and most of the others.
    most: [u64; 2],
    held: Vec<Finding>,
    /// Rows of what is proven, and the others.
    counts: [u64; 2],
    dropped: u64,
    out: mpsc::Sender<RecordBatch>,
}

/// The sum of a verification, without what grows with its history.
#[derive(Default)]
struct Sum {
    report: Report,
    /// What is said of each chain.
    chains: Vec<(Arc<ChainId>, Vec<String>)>,
    /// Rows left out.
    dropped: u64,
}

impl Sum {
    fn add(&mut self, mut event: Event) {
        if let Event::Chain(chain) = &mut event {
            self.chains
                .push((Arc::clone(&chain.chain), chain_lines(chain)));
            for spans in [
                &mut chain.proven,
                &mut chain.unproven,
                &mut chain.faulty,
                &mut chain.unread,
            ] {
                *spans = Vec::new();
            }
        }
        self.report.add(event);
    }
}

impl Printer {
    /// Takes all events, and gives their sum.
    async fn all(mut self, mut events: BoxStream<'static, Event>) -> anyhow::Result<Sum> {
        let mut sum = Sum::default();
        while let Some(event) = events.next().await {
            if let Event::Finding(finding) = &event {
                self.take(finding);
                if self.held.len() == BATCH_ROWS {
                    self.hand_over().await?;
                }
            }
            sum.add(event);
        }
        self.hand_over().await?;
        sum.dropped = self.dropped;
        Ok(sum)
    }

    fn take(&mut self, finding: &Finding) {
        let is_fault = finding.status != Status::Valid;
        if !is_fault && !self.proven {
            return;
        }
        let kind = usize::from(is_fault);
        let count = &mut self.counts[kind];
        if *count == self.most[kind] {
            self.dropped += 1;
            return;
        }
        *count += 1;
        self.held.push(finding.clone());
    }

    /// Who has read enough does not end the verification: its sum is of everything.
    async fn hand_over(&mut self) -> anyhow::Result<()> {
        if !self.held.is_empty() {
            let batch = rows(&std::mem::take(&mut self.held))?;
            let _ = self.out.send(batch).await;
        }
        Ok(())
    }
}

fn stream(receiver: mpsc::Receiver<RecordBatch>) -> anyhow::Result<SendableRecordBatchStream> {
    let batches = futures::stream::unfold(receiver, |mut receiver| async move {
        let batch = receiver.recv().await?;
        Some((Ok(batch), receiver))
    });
    let schema = rows(&[])?.schema();
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
}

fn rows(findings: &[Finding]) -> anyhow::Result<RecordBatch> {
    let text = |pick: &dyn Fn(&Finding) -> Option<String>| -> ArrayRef {
        Arc::new(findings.iter().map(pick).collect::<StringArray>())
    };
    let moment = |pick: fn(&Finding) -> Option<i64>| -> ArrayRef {
        let times = findings
            .iter()
            .map(pick)
            .collect::<TimestampMicrosecondArray>();
        Arc::new(times.with_timezone("UTC"))
    };
    let columns: [(&str, ArrayRef); 9] = [
        ("account_id", text(&|row| Some(row.chain.account.clone()))),
        ("aws_region", text(&|row| Some(row.chain.region.clone()))),
        ("trail", text(&|row| Some(row.chain.trail.clone()))),
        ("status", text(&|row| Some(row.status.as_str().to_owned()))),
        (
            "subject",
            text(&|row| Some(row.subject.as_str().to_owned())),
        ),
        (
            "object",
            text(&|row| {
                Some(match &row.bucket {
                    Some(bucket) => format!("s3://{bucket}/{}", row.key),
                    None => row.key.clone(),
                })
            }),
        ),
        ("from", moment(|row| row.span.map(|span| span.from))),
        ("to", moment(|row| row.span.map(|span| span.to))),
        (
            "cause",
            text(&|row| (!row.cause.is_empty()).then(|| row.cause.clone())),
        ),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

/// Sums a chain up for people.
fn chain_lines(chain: &ChainReport) -> Vec<String> {
    let id = &chain.chain;
    let trail = if id.trail.is_empty() {
        "no trail with digests"
    } else {
        &id.trail
    };
    let mut lines = vec![format!(
        "{} {} {trail}: {} digests, {} log files",
        id.account, id.region, chain.digests, chain.logs
    )];
    for (what, spans) in [("proven  ", &chain.proven), ("unproven", &chain.unproven)] {
        lines.extend(
            spans
                .iter()
                .take(NAMED_SPANS)
                .map(|span| format!("  {what} {span}")),
        );
        if spans.len() > NAMED_SPANS {
            lines.push(format!("  {what} and {} more", spans.len() - NAMED_SPANS));
        }
    }
    lines
}

/// Sums a verification up for people.
fn summary(sum: Sum) -> Vec<String> {
    let Sum {
        report,
        mut chains,
        dropped,
    } = sum;
    chains.sort();
    let mut lines: Vec<String> = chains.into_iter().flat_map(|(_, lines)| lines).collect();
    let counts: Vec<String> = report
        .counts
        .iter()
        .map(|(status, count)| format!("{count} {status}"))
        .collect();
    let counts = match counts.as_slice() {
        [] => "nothing found".to_owned(),
        counts => counts.join(", "),
    };
    let verdict = match report.verdict() {
        Verdict::Proven => {
            "proven: every log file is what CloudTrail delivered, and none is missing"
        }
        Verdict::Incomplete => {
            "incomplete: nothing is known to be wrong, but not everything is proven"
        }
        Verdict::Tampered => "tampered: files were altered, removed, added or moved",
    };
    lines.push(counts);
    lines.push(verdict.to_owned());
    if dropped > 0 {
        lines.push(format!(
            "{dropped} more findings are counted, not shown; -o ndjson shows all"
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use podtrail_ingest::digest::{Span, Subject};

    use super::*;

    #[tokio::test]
    async fn what_grows_with_the_history_is_counted_and_not_held() {
        let chain = Arc::new(ChainId {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            trail: "all".to_owned(),
            home_region: "eu-west-1".to_owned(),
            base: "AWSLogs/111122223333/".to_owned(),
        });
        let found = |status| {
            Event::Finding(Finding {
                chain: Arc::clone(&chain),
                status,
                subject: Subject::Log,
                bucket: None,
                key: "one.json.gz".to_owned(),
                digest: None,
                span: None,
                cause: String::new(),
            })
        };
        let spans: Vec<Span> = (0..7)
            .map(|hour| Span {
                from: 10 * hour,
                to: 10 * hour + 1,
            })
            .collect();
        let report = Event::Chain(ChainReport {
            chain: Arc::clone(&chain),
            digests: 7,
            logs: 1_006,
            proven: spans,
            unproven: Vec::new(),
            faulty: Vec::new(),
            unread: Vec::new(),
        });
        let mut events = vec![found(Status::Valid); 1_005];
        events.extend([found(Status::LogAltered), report]);
        let (sender, mut receiver) = mpsc::channel(BATCHES_AHEAD);
        let printer = Printer {
            proven: true,
            most: TABLE_ROWS,
            held: Vec::new(),
            counts: [0; 2],
            dropped: 0,
            out: sender,
        };
        let sum = printer
            .all(futures::stream::iter(events).boxed())
            .await
            .unwrap();
        assert_eq!(receiver.recv().await.unwrap().num_rows(), 1_001);
        assert!(receiver.recv().await.is_none());
        assert_eq!(sum.dropped, 5);
        assert_eq!(sum.report.count(Status::Valid), 1_005);
        assert_eq!(sum.report.verdict(), Verdict::Tampered);
        assert!(sum.report.chains[0].proven.is_empty());
        let lines = summary(sum);
        assert!(
            lines[0].ends_with("7 digests, 1006 log files"),
            "{lines:#?}"
        );
        assert!(
            lines.contains(&"  proven   and 2 more".to_owned()),
            "{lines:#?}"
        );
    }
}
