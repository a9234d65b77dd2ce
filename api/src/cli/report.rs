//! `podtrail report`.

use podtrail_query::report::Report;

use super::{Exit, Global, engine, output};

#[derive(Debug, clap::Args)]
pub(crate) struct ReportArguments {
    /// The report
    #[arg(value_name = "NAME", value_parser = parse)]
    report: Report,
}

fn parse(name: &str) -> Result<Report, String> {
    Report::ALL
        .into_iter()
        .find(|report| report.name() == name)
        .ok_or_else(|| {
            let names: Vec<&str> = Report::ALL.iter().map(|report| report.name()).collect();
            format!("no such report; there are {}", names.join(", "))
        })
}

impl ReportArguments {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let session = engine(global).await?.session().await?;
        output::print(global, self.report.run(&session).await?).await?;
        Ok(Exit::Ok)
    }
}
