//! The way of credentials to a call: the sessions behind it, from the first that an identity of a cluster was given to the one
//! that the call was made with.

use serde::Serialize;
use serde_json::Value;

use super::{Fact, first, literal};
use crate::engine::Session;
use crate::error::Result;

/// Most sessions of a way: the view `issued_sessions` follows 64 roles assumed one from the other, after a workload's own session
/// and that of its node.
pub(super) const MOST_STEPS: usize = 66;

/// A session on the way to a call, as the record that issued it tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The record that issued the session.
    pub event_id: Option<String>,
    /// The call that this is the record of.
    pub event_name: Option<String>,
    /// When the session was issued.
    pub issued_at: Option<String>,
    /// When it expires.
    pub expires_at: Option<String>,
    /// Access path of the first session of the way.
    pub mechanism: Option<String>,
    /// Roles assumed since the workload's own session.
    pub hops: i64,
    /// The role.
    pub role_arn: Option<String>,
    /// Name of the session.
    pub session_name: Option<String>,
    /// Access key id that was issued.
    pub access_key_id: Option<String>,
    /// How sure it is whose the session is.
    pub confidence: Option<String>,
}

impl Step {
    fn of(row: &Value) -> Self {
        let text = |column: &str| row[column].as_str().map(str::to_owned);
        Self {
            event_id: text("event_id"),
            event_name: text("event_name"),
            issued_at: text("issued_at"),
            expires_at: text("expires_at"),
            mechanism: text("mechanism"),
            hops: row["hops"].as_i64().unwrap_or_default(),
            role_arn: text("role_arn"),
            session_name: text("session_name"),
            access_key_id: text("access_key_id"),
            confidence: text("confidence"),
        }
    }
}

/// Gives the session that a record issued, and those that it was assumed from, the first one first.
pub(super) async fn to_session(session: &Session, event_id: &str) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut next = Some(event_id.to_owned());
    while let Some(id) = next {
        if steps.len() == MOST_STEPS {
            break;
        }
        let row = first(
            session,
            &format!(
                "SELECT session.event_id, issuances.event_name, session.issued_at, session.expires_at, session.mechanism, session.hops,
                        session.role_arn, session.session_name, session.access_key_id, session.confidence, session.parent_event_id
                 FROM issued_sessions AS session
                 LEFT JOIN issuances ON issuances.event_id = session.event_id
                 WHERE session.event_id = {}",
                literal(&id)
            ),
        )
        .await?;
        let Some(row) = row else { break };
        next = row["parent_event_id"].as_str().map(str::to_owned);
        steps.push(Step::of(&row));
    }
    steps.reverse();
    Ok(steps)
}

/// Gives the sessions behind a call that is attributed, the first one first: none where the store does not have their records, or
/// where the call was made with a token. `issued_by` is the record that issued the credentials it was made with.
pub(super) async fn to_call(
    session: &Session,
    attribution: &Value,
    evidence: &[Fact],
    issued_by: Option<&str>,
) -> Result<Vec<Step>> {
    let record = |kind: &str| {
        let mut facts = evidence.iter().filter(|fact| fact.fact == kind);
        facts.find_map(|fact| fact.event_id.as_deref())
    };
    // What a record says of whom it issued credentials to comes before what is known of its caller.
    if record("names_identity").is_some() || record("untagged").is_some() {
        return Ok(Vec::new());
    }
    let mut steps = match (issued_by, record("copy_of"), record("principal")) {
        (Some(id), _, _) => to_session(session, id).await?,
        (None, Some(copy), _) => {
            let mut steps = to_session(session, copy).await?;
            // The call itself, as the other account has it.
            steps.pop();
            steps
        }
        // The call is a copy itself, and the other account's record of it is not there.
        (None, None, Some(parent)) => to_session(session, parent).await?,
        (None, None, None) => Vec::new(),
    };
    // A session that a record was made with, and none issued, is known by what it issued in turn.
    let hops = attribution["hops"].as_i64().unwrap_or_default();
    steps.retain(|step| step.hops <= hops);
    Ok(steps)
}
