//! `podtrail policy`.

use podtrail_query::explain::subject::Subject;
use podtrail_query::policy::{Allowed, GrantedRole, Options, of_workload};

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
            for role in &policy.granted {
                say(&granted(role));
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

/// What a role may do that its workload did not.
fn granted(role: &GrantedRole) -> String {
    let GrantedRole {
        role_arn, allows, ..
    } = role;
    if role.observed_at.is_none() {
        return format!("granted: the policies of {role_arn} are not in the inventory");
    }
    let unused = allows.iter().filter(|allowed| allowed.used.is_empty());
    let unused: Vec<String> = unused.map(named).collect();
    let which = if unused.is_empty() {
        String::new()
    } else {
        format!(": {}", unused.join(", "))
    };
    format!(
        "granted: of {} actions that {role_arn} allows, {} were not seen here{which}",
        allows.len(),
        unused.len(),
    )
}

fn named(allowed: &Allowed) -> String {
    if allowed.except.is_empty() {
        return allowed.action.clone();
    }
    format!("{} except {}", allowed.action, allowed.except.join(", "))
}
