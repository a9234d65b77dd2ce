//! `podtrail report`.

use chrono::{DateTime, Utc};
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

impl ReportArguments {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let filter = self.filter.filter()?;
        let session = engine(global).await?.session().await?;
        output::print(global, self.report.run(&session, &filter).await?).await?;
        Ok(Exit::Ok)
    }
}
