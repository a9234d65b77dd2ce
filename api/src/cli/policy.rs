//! `podtrail policy`.

use podtrail_query::explain::subject::Subject;
use podtrail_query::policy::{Options, of_workload};

use super::{Exit, Format, Global, engine, output, say};

#[derive(Debug, clap::Args)]
pub(crate) struct Policy {
    /// The workload
    #[arg(value_name = "CLUSTER/NAMESPACE/SERVICE_ACCOUNT")]
    workload: String,
    /// Grant also what was refused
    #[arg(long)]
    include_denied: bool,
}

impl Policy {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Subject::Workload {
            cluster,
            namespace,
            service_account,
            pod: None,
        } = Subject::parse(&self.workload)
        else {
            let text = format!(
                "{}: not of the form CLUSTER/NAMESPACE/SERVICE_ACCOUNT",
                self.workload
            );
            return Err(podtrail_query::Error::InvalidQuery(text).into());
        };
        let session = engine(global).await?.session().await?;
        let options = Options {
            include_denied: self.include_denied,
        };
        let policy = of_workload(&session, &cluster, &namespace, &service_account, options).await?;
        let text = match global.output {
            Format::Json => serde_json::to_string_pretty(&policy)? + "\n",
            Format::Ndjson => serde_json::to_string(&policy)? + "\n",
            // The documents alone: what a file for the AWS CLI has to hold.
            Format::Table | Format::Markdown => {
                let mut text = String::new();
                for document in &policy.documents {
                    text.push_str(&serde_json::to_string_pretty(document)?);
                    text.push('\n');
                }
                text
            }
            Format::Csv | Format::Arrow | Format::Parquet => {
                let text = "a policy is JSON; choose -o table, json or ndjson".to_owned();
                return Err(podtrail_query::Error::InvalidQuery(text).into());
            }
        };
        output::to_stdout(text.as_bytes())?;
        if !global.quiet {
            for note in &policy.notes {
                say(&format!("note: {}", note.text));
            }
            for call in &policy.unmapped {
                say(&format!(
                    "not mapped: {} {}: {}",
                    call.event_source, call.event_name, call.reason
                ));
            }
        }
        Ok(Exit::Ok)
    }
}
