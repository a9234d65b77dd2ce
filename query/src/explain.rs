//! The whole story of one call: who made it, the records that say so, the sessions behind it (`chain`), and what would make that
//! more certain (`missing`, by what the store has around the call: `held`, `unissued`). [`subject`] tells the story of a service
//! account or a pod, [`identity`] that of credentials and roles; `pod` finds pods by their names alone.

mod chain;
mod held;
pub mod identity;
mod missing;
mod pod;
pub mod subject;
mod unissued;

use serde::Serialize;
use serde_json::Value;

use crate::engine::Session;
use crate::error::{Error, Result};
use held::{Answer, Held};
use subject::{Story, Subject};

pub use chain::Step;
pub use missing::Missing;

/// Columns of an event that tell what was done and with which identity.
const EVENT: &str = "event_id, event_time, event_source, event_name, error_code, aws_region, recipient_account_id,
    source_ip_address, vpc_endpoint_id, user_agent, identity_type, identity_arn, access_key_id, invoked_by, session_issuer_arn,
    session_name, session_created_at, federated_provider, identity_provider, subject, issued_role_arn,
    issued_session_name, issued_arn, issued_access_key_id, session_tags, shared_event_id, source_object";

/// A fact that an attribution rests on.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    /// Kind of the fact, as in the `evidence` column.
    pub fact: String,
    /// What it says.
    pub detail: Option<String>,
    /// The record it rests on.
    pub event_id: Option<String>,
    /// That record, where the store has it.
    pub event: Option<Value>,
}

/// Why a call is attributed as it is, or is not.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The answer in one sentence.
    pub verdict: String,
    /// The event.
    pub event: Value,
    /// Its row of `attribution`; none where no identity of a cluster made the call.
    pub attribution: Option<Value>,
    /// The sessions behind the call, from the first that an identity of a cluster was given to the one that it was made with.
    pub chain: Vec<Step>,
    /// The facts, with their records.
    pub evidence: Vec<Fact>,
    /// What would make it more certain.
    pub missing: Vec<Missing>,
}

/// What the store knows of what was asked about.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Told {
    /// Of an event.
    Event(Explanation),
    /// Of anything else.
    Story(Story),
}

/// Tells the whole story of what a text names.
///
/// # Errors
/// [`Error::NotFound`] where the store has nothing of it; others where it cannot be read.
pub async fn tell(session: &Session, text: &str) -> Result<Told> {
    let story = match Subject::parse(text) {
        Subject::Event(text) => {
            return match explain(session, &text).await {
                Err(Error::NotFound(_)) => pod::named(session, &text).await.map(Told::Story),
                told => told.map(Told::Event),
            };
        }
        Subject::AccessKey(key) => identity::access_key(session, &key).await?,
        Subject::Role(arn) => identity::role(session, &arn).await?,
        Subject::Identity(arn) => identity::identity(session, &arn).await?,
        Subject::Workload {
            cluster,
            namespace,
            service_account,
            pod,
        } => {
            let pod = pod.as_deref();
            subject::workload(session, &cluster, &namespace, &service_account, pod).await?
        }
    };
    Ok(Told::Story(story))
}

/// Explains an event.
///
/// # Errors
/// [`Error::NotFound`] where the store has no such event; others where it cannot be read.
pub async fn explain(session: &Session, event_id: &str) -> Result<Explanation> {
    let event = event(session, event_id)
        .await?
        .ok_or_else(|| Error::NotFound(format!("no event {event_id} in the store")))?;
    let sql = format!(
        "SELECT * FROM attribution WHERE event_id = {}",
        literal(event_id)
    );
    let attribution = first(session, &sql).await?;
    let mut evidence = Vec::new();
    if let Some(listed) = attribution
        .as_ref()
        .and_then(|row| row["evidence"].as_str())
    {
        for fact in serde_json::from_str::<Vec<Value>>(listed).unwrap_or_default() {
            evidence.push(open(session, &fact, event_id).await?);
        }
    }
    let mut attribution = attribution;
    if let Some(Value::Object(row)) = &mut attribution {
        row.remove("evidence");
    }
    let caller = caller(session, event_id).await?;
    let issued_by = caller
        .as_ref()
        .and_then(|row| row["session_event_id"].as_str());
    let chain = match &attribution {
        Some(row) => chain::to_call(session, row, &evidence, issued_by).await?,
        None => Vec::new(),
    };
    let answer = Answer {
        event: &event,
        attribution: attribution.as_ref(),
        evidence: &evidence,
        chain: &chain,
    };
    let held = Held::around(session, answer, caller.as_ref()).await?;
    let missing = missing::steps(answer, &held);
    let verdict = attribution
        .as_ref()
        .map_or_else(|| not_attributed(&event), said);
    Ok(Explanation {
        verdict,
        event,
        attribution,
        chain,
        evidence,
        missing,
    })
}

/// Gives what is known of the credentials that a call was made with.
async fn caller(session: &Session, event_id: &str) -> Result<Option<Value>> {
    first(
        session,
        &format!(
            "SELECT known.session_event_id, known.role_confidence, known.cluster_of_role
             FROM events
             JOIN caller_identities AS known
               ON known.caller_id = caller_id(events.access_key_id, events.identity_arn, events.session_created_at, events.session_issuer_arn,
                                              events.session_name, events.federated_provider, events.identity_type, events.invoked_by)
             WHERE events.event_id = {}",
            literal(event_id)
        ),
    )
    .await
}

async fn open(session: &Session, fact: &Value, explained: &str) -> Result<Fact> {
    let text = |member: &str| fact[member].as_str().map(str::to_owned);
    let event_id = text("event_id");
    let event = match &event_id {
        Some(id) if id != explained => event(session, id).await?,
        _ => None,
    };
    Ok(Fact {
        fact: text("fact").unwrap_or_default(),
        detail: text("detail"),
        event_id,
        event,
    })
}

async fn event(session: &Session, event_id: &str) -> Result<Option<Value>> {
    first(
        session,
        &format!(
            "SELECT {EVENT} FROM events WHERE event_id = {}",
            literal(event_id)
        ),
    )
    .await
}

pub(crate) async fn first(session: &Session, sql: &str) -> Result<Option<Value>> {
    Ok(all(session, sql).await?.into_iter().next())
}

/// Gives the rows of a query as JSON objects.
pub(crate) async fn all(session: &Session, sql: &str) -> Result<Vec<Value>> {
    session.json(crate::executor::Statement::new(sql)).await
}

/// Writes a text as an SQL literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn said(row: &Value) -> String {
    let text = |member: &str| row[member].as_str();
    let path = text("access_path").unwrap_or("unknown");
    let who = match (text("namespace"), text("service_account")) {
        (Some(namespace), Some(account)) => {
            let pod = text("pod")
                .map(|pod| format!(", pod {pod}"))
                .unwrap_or_default();
            let cluster = text("cluster").unwrap_or("an unknown cluster");
            format!("workload {namespace}/{account} of {cluster}{pod}")
        }
        _ => match (text("actor"), text("component"), text("node")) {
            (Some("node_agent"), Some(component), Some(node)) => {
                format!("node agent {component} on {node}")
            }
            (Some("control_plane"), component, _) => {
                let component = component
                    .map(|name| format!(" ({name})"))
                    .unwrap_or_default();
                format!("the EKS control plane{component}")
            }
            (Some("workload"), Some(component), Some(node)) => {
                format!("{component}, running as a pod on {node} without credentials of its own")
            }
            (Some("workload"), None, Some(node)) => {
                format!("an unknown pod on {node}, which fell back to the node role")
            }
            (_, _, Some(node)) => {
                format!("a pod or a node agent on {node}, the records do not tell which")
            }
            (_, _, None) => format!(
                "an unknown workload of {}",
                text("cluster").unwrap_or("an unknown cluster")
            ),
        },
    };
    let hops = match row["hops"].as_i64() {
        Some(hops) if hops > 0 => format!(" through {hops} assumed role(s)"),
        _ => String::new(),
    };
    format!(
        "{who}, by {path}{hops}, {}",
        text("confidence").unwrap_or("unknown")
    )
}

/// Says why no identity of a cluster is behind an event.
fn not_attributed(event: &Value) -> String {
    let text = |member: &str| event[member].as_str();
    let reason = match (text("identity_type"), text("event_name")) {
        (_, Some("AssumeRoleWithWebIdentity")) => format!(
            "the web identity {} is no Kubernetes service account",
            text("subject").unwrap_or("of the record")
        ),
        (Some("IAMUser"), _) => "it was made by an IAM user".to_owned(),
        (Some("Root"), _) => "it was made by the account's root user".to_owned(),
        (Some("AWSService"), _) => format!("the AWS service {} made it for itself", text("invoked_by").unwrap_or("of the record")),
        (Some("AssumedRole"), _) if text("session_name").is_some_and(crate::text::is_instance_id) => {
            "it was made by an EC2 instance, and nothing in the store ties its role to a cluster".to_owned()
        }
        (Some("AssumedRole"), _) => {
            "it was made with a role session that no record in the store ties to a cluster: either no workload's, or issued before the store begins".to_owned()
        }
        (Some(other), _) => format!("its identity is of type {other}"),
        (None, _) => "the record names no identity".to_owned(),
    };
    format!("not attributed to a cluster: {reason}")
}
