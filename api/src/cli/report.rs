//! `podtrail report`.

use anyhow::Context;
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use chrono::{DateTime, Utc};
use podtrail_ingest::Error;
use podtrail_query::Filter;
use podtrail_query::report::Report;

use super::{Exit, Global, engine, output, time};

#[derive(Debug, clap::Args)]
pub(crate) struct ReportArguments {
    /// The report
    #[arg(value_name = "NAME", value_parser = parse)]
    report: Report,
    #[command(flatten)]
    filter: FilterArguments,
    /// Exit with 1 where a row is at or above this level: unknown, candidate, inferred or exact of fallbacks and denied,
    /// unknown or breaks of readiness, shared, unused or wildcard_trust of unused
    #[arg(long, value_name = "LEVEL")]
    fail_on: Option<String>,
}

/// What narrows a report. Not every report can be narrowed by everything; it says so.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct FilterArguments {
    /// Only calls made from this time on: RFC 3339, a date, or relative such as -7d
    #[arg(long, value_name = "TIME", value_parser = time::moment, allow_hyphen_values = true)]
    from: Option<DateTime<Utc>>,
    /// Only calls made before this time; a date includes its day
    #[arg(long, value_name = "TIME", value_parser = time::before, allow_hyphen_values = true)]
    to: Option<DateTime<Utc>>,
    /// Only of this account
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Only of this region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Only of this cluster
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Only of this Kubernetes namespace
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// Only of this service account
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,
    /// Only of this role
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// Only by this access path
    #[arg(long, value_name = "PATH")]
    access_path: Option<String>,
    /// Only with this confidence
    #[arg(long, value_name = "CONFIDENCE")]
    confidence: Option<String>,
}

impl FilterArguments {
    fn filter(self) -> anyhow::Result<Filter> {
        let mut filter = Filter::between(self.from, self.to);
        for (name, value) in [
            ("account", self.account),
            ("region", self.region),
            ("cluster", self.cluster),
            ("namespace", self.namespace),
            ("service_account", self.service_account),
            ("role_arn", self.role_arn),
            ("access_path", self.access_path),
            ("confidence", self.confidence),
        ] {
            if let Some(value) = value {
                filter.set(name, value)?;
            }
        }
        Ok(filter)
    }
}

fn parse(name: &str) -> Result<Report, String> {
    Report::find(name).ok_or_else(|| {
        let names: Vec<&str> = Report::ALL.iter().map(|report| report.name()).collect();
        format!("no such report; there are {}", names.join(", "))
    })
}

/// The rows that make the exit code 1.
#[derive(Debug)]
struct Threshold {
    column: &'static str,
    /// Values at or above the level.
    values: &'static [&'static str],
}

impl Threshold {
    fn new(report: Report, level: &str) -> Result<Self, Error> {
        let name = report.name();
        let Some(levels) = report.levels() else {
            let text = format!("--fail-on: report {name} describes, it has no findings");
            return Err(Error::InvalidInput(text));
        };
        let Some(at) = levels.values.iter().position(|value| *value == level) else {
            let values = levels.values.join(", ");
            let text = format!("--fail-on {level}: the levels of report {name} are {values}");
            return Err(Error::InvalidInput(text));
        };
        Ok(Self {
            column: levels.column,
            values: &levels.values[at..],
        })
    }

    fn is_reached(&self, rows: &RecordBatch) -> anyhow::Result<bool> {
        let column = rows
            .column_by_name(self.column)
            .with_context(|| format!("the report has no column {}", self.column))?;
        let column = cast(column, &DataType::Utf8)?;
        let mut values = column.as_string::<i32>().iter().flatten();
        Ok(values.any(|value| self.values.contains(&value)))
    }
}

impl ReportArguments {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let level = self.fail_on.as_deref();
        let threshold = level.map(|level| Threshold::new(self.report, level));
        let threshold = threshold.transpose()?;
        let filter = self.filter.filter()?;
        let session = engine(global).await?.session().await?;
        let rows = self.report.run(&session, &filter).await?;
        let Some(threshold) = threshold else {
            output::print(global, rows).await?;
            return Ok(Exit::Ok);
        };
        // A reader that closes standard output early sees less, and decides nothing.
        let rows = output::gather(rows).await?;
        let reached = threshold.is_reached(&rows)?;
        output::print_batch(global, rows).await?;
        Ok(if reached { Exit::Findings } else { Exit::Ok })
    }
}
