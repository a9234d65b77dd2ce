//! The whole story of credentials, by access key or by the ARN that they are shown under, and of an IAM role.

use serde_json::Value;

use super::missing::{self, Missing};
use super::subject::{SHOWN, Section, Story};
use super::{all, chain, first, literal, unissued};
use crate::engine::Session;
use crate::error::{Error, Result};

/// Credentials, as rows name them.
struct Credentials {
    /// What they are called where nothing is found.
    name: String,
    /// Condition on rows of `issued_sessions`.
    issued: String,
    /// Condition on rows of `activities` and `callers`.
    shown: String,
    /// Condition on rows of `activity_attribution`.
    attributed: String,
}

impl Credentials {
    /// Asks for the sessions that they were issued to, the identities that showed them, and their calls.
    async fn ask(&self, session: &Session) -> Result<[Vec<Value>; 3]> {
        let Self {
            name,
            issued,
            shown,
            attributed,
        } = self;
        let issued = all(
            session,
            &format!(
                "SELECT sessions.*, issued_sessions.confidence FROM sessions
                 LEFT JOIN issued_sessions ON issued_sessions.event_id = sessions.event_id
                 WHERE {issued} ORDER BY issued_at LIMIT {SHOWN}"
            ),
        )
        .await?;
        let shown = all(
            session,
            &format!(
                "SELECT identity_arn, identity_type, access_key_id, min(first_event_time) AS first_seen, max(last_event_time) AS last_seen,
                        CAST(sum(calls) AS BIGINT) AS calls, min(session_created_at) AS session_created_at
                 FROM activities WHERE {shown} GROUP BY identity_arn, identity_type, access_key_id ORDER BY calls DESC LIMIT {SHOWN}"
            ),
        )
        .await?;
        if issued.is_empty() && shown.is_empty() {
            return Err(Error::NotFound(format!(
                "no call and no issuing record with {name} in the store"
            )));
        }
        let calls = all(
            session,
            &format!(
                "SELECT access_path, actor, cluster, namespace, service_account, pod, node, confidence, event_source, event_name, error_code,
                        CAST(sum(calls) AS BIGINT) AS calls, min(first_event_time) AS first_seen, max(last_event_time) AS last_seen
                 FROM activity_attribution WHERE {attributed}
                 GROUP BY access_path, actor, cluster, namespace, service_account, pod, node, confidence, event_source, event_name, error_code
                 ORDER BY calls DESC LIMIT {LOOKED_AT}"
            ),
        )
        .await?;
        Ok([issued, shown, calls])
    }

    /// Gives what would tell whose they are: the first issuing record behind them that the store lacks.
    async fn missing(&self, session: &Session) -> Result<Vec<Missing>> {
        let caller = first(
            session,
            &format!(
                "SELECT identity_type, invoked_by, access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name
                 FROM callers WHERE {} ORDER BY calls DESC, caller_id LIMIT 1",
                self.shown
            ),
        )
        .await?;
        let Some(caller) = caller else {
            return Ok(Vec::new());
        };
        let unissued = unissued::behind(session, caller).await?;
        Ok(unissued
            .as_ref()
            .map(missing::of_credentials)
            .unwrap_or_default())
    }
}

/// Rows of calls that are looked at to tell whether they are of one identity.
const LOOKED_AT: usize = 1_000;

/// Tells the story of an access key.
///
/// # Errors
/// [`Error::NotFound`] where the store has never seen it.
pub async fn access_key(session: &Session, key: &str) -> Result<Story> {
    let key = literal(key);
    let credentials = Credentials {
        name: format!("access key id {key}"),
        issued: format!("sessions.access_key_id = {key}"),
        shown: format!("access_key_id = {key}"),
        attributed: format!("access_key_id = {key}"),
    };
    let [issued, shown, calls] = credentials.ask(session).await?;
    let mut missing = credentials.missing(session).await?;
    if shown.len() > 1 {
        missing.push(Missing::new(
            "the key is shown under several sessions and is no identity",
        ));
    }
    let mut story = told(issued, shown, calls, missing);
    add_chain(session, &mut story).await?;
    Ok(story)
}

/// Adds the sessions behind credentials that were obtained with others.
async fn add_chain(session: &Session, story: &mut Story) -> Result<()> {
    let issued = story.sections.first().and_then(|part| part.rows.first());
    let Some(id) = issued.and_then(|row| row["event_id"].as_str()) else {
        return Ok(());
    };
    let steps = chain::to_session(session, id).await?;
    if steps.len() > 1 {
        let rows: Vec<Value> = steps
            .iter()
            .map(|step| serde_json::to_value(step).unwrap_or_default())
            .collect();
        story.sections.insert(1, Section::from(("chain", rows)));
    }
    Ok(())
}

/// Tells the story of an identity that is no role: of a role session by its ARN, of an IAM user.
///
/// # Errors
/// [`Error::NotFound`] where the store has never seen it.
pub async fn identity(session: &Session, arn: &str) -> Result<Story> {
    let arn = literal(arn);
    let credentials = Credentials {
        name: arn.clone(),
        issued: format!("issued_sessions.issued_arn = {arn}"),
        shown: format!("identity_arn = {arn}"),
        attributed: format!(
            "activity_id IN (SELECT activity_id FROM activities WHERE identity_arn = {arn})"
        ),
    };
    let [issued, shown, calls] = credentials.ask(session).await?;
    let missing = credentials.missing(session).await?;
    // Whoever assumes a role names the session: several may choose the same name.
    let identities = all(
        session,
        &format!(
            "SELECT count(DISTINCT concat_ws('|', mechanism, cluster, namespace, service_account, node, CAST(hops AS VARCHAR))) AS identities
             FROM issued_sessions WHERE issued_arn = {arn} AND error_code IS NULL"
        ),
    )
    .await?;
    let of_records = identities
        .first()
        .and_then(|row| row["identities"].as_u64());
    let of_calls = distinct(&calls, |row| {
        let who = [
            "access_path",
            "cluster",
            "namespace",
            "service_account",
            "node",
        ];
        Some(format!("{:?}", who.map(|column| &row[column])))
    });
    let several = match of_records {
        Some(0) | None => of_calls.len() > 1 || calls.len() == LOOKED_AT,
        Some(identities) => identities > 1,
    };
    let mut story = told(issued, shown, calls, missing);
    if several {
        let by = "the access keys and their issuing records tell whose each call is";
        story.verdict = format!("shared by several identities: {by}");
        story.missing.push(Missing::new(
            "several identities use a session of this name, so that it names none of them",
        ));
    } else {
        add_chain(session, &mut story).await?;
    }
    Ok(story)
}

fn told(
    issued: Vec<Value>,
    shown: Vec<Value>,
    mut calls: Vec<Value>,
    missing: Vec<Missing>,
) -> Story {
    calls.truncate(SHOWN);
    let verdict = match (issued.first(), calls.first()) {
        (Some(row), _) | (None, Some(row)) => super::said(&with_path(row)),
        (None, None) => "not attributed to a cluster".to_owned(),
    };
    let sections = [("issued to", issued), ("shown by", shown), ("calls", calls)];
    Story {
        subject: None,
        verdict,
        sections: sections.map(Section::from).into(),
        missing,
    }
}

/// A row of `sessions` has its access path under another name.
fn with_path(row: &Value) -> Value {
    let mut row = row.clone();
    if row["access_path"].is_null() {
        row["access_path"] = row["mechanism"].clone();
    }
    row
}

/// Tells the story of an IAM role. Its path may be left out, as ARNs of sessions do.
///
/// # Errors
/// [`Error::NotFound`] where neither calls nor the inventory show it.
pub async fn role(session: &Session, arn: &str) -> Result<Story> {
    let this = |column: &str| {
        format!(
            "plain_role_arn({column}) = plain_role_arn({})",
            literal(arn)
        )
    };
    let this_role = this("role_arn");
    let rows = async |sql: String| all(session, &sql).await;
    let used = rows(format!(
        "SELECT access_path, actor, component, cluster, namespace, service_account, hops, confidence,
                CAST(sum(calls) AS BIGINT) AS calls, CAST(sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END) AS BIGINT) AS denied,
                min(first_event_time) AS first_seen, max(last_event_time) AS last_seen, min(event_id) AS event_id
         FROM hourly_attribution WHERE {this_role}
         GROUP BY access_path, actor, component, cluster, namespace, service_account, hops, confidence ORDER BY calls DESC LIMIT {SHOWN}"
    ))
    .await?;
    let nodes = rows(format!(
        "SELECT cluster, confidence, proof, event_id FROM node_roles WHERE {this_role} ORDER BY proof_rank LIMIT {SHOWN}"
    ))
    .await?;
    let bound = rows(format!(
        "SELECT mechanism, cluster, namespace, service_account, wildcard, proof FROM role_bindings WHERE {this_role}
         ORDER BY cluster, namespace, service_account LIMIT {SHOWN}"
    ))
    .await?;
    let calls = rows(format!(
        "SELECT event_source, event_name, error_code, CAST(sum(calls) AS BIGINT) AS calls,
                min(first_event_time) AS first_seen, max(last_event_time) AS last_seen, min(event_id) AS event_id
         FROM hourly_attribution WHERE {this_role}
         GROUP BY event_source, event_name, error_code ORDER BY calls DESC, event_source, event_name, error_code LIMIT {SHOWN}"
    ))
    .await?;
    let issued = sessions_of(session, &this("session.role_arn")).await?;
    let of_caller = this("session_issuer_arn");
    let others = rows(format!(
        "SELECT callers.identity_type, callers.federated_provider, callers.invoked_by,
                count(DISTINCT concat_ws('|', callers.identity_arn, CAST(callers.session_created_at AS VARCHAR))) AS sessions, CAST(sum(callers.calls) AS BIGINT) AS calls,
                min(callers.first_event_time) AS first_seen, max(callers.last_event_time) AS last_seen, min(callers.event_id) AS event_id
         FROM callers JOIN caller_identities AS known ON known.caller_id = callers.caller_id
         WHERE {of_caller} AND known.session_event_id IS NULL AND known.node_role_arn IS NULL AND known.role_mechanism IS NULL AND NOT known.is_fargate
         GROUP BY callers.identity_type, callers.federated_provider, callers.invoked_by ORDER BY calls DESC LIMIT {SHOWN}"
    ))
    .await?;
    let workloads = rows(format!(
        "SELECT cluster, namespace, service_account, count(*) OVER () AS workloads FROM (
             SELECT cluster, namespace, service_account, sum(calls) AS calls FROM hourly_attribution
             WHERE {this_role} AND service_account IS NOT NULL AND confidence IN ('exact', 'inferred')
             GROUP BY cluster, namespace, service_account
             HAVING sum(calls) > sum(CASE WHEN is_denied(error_code) THEN calls ELSE 0 END))
         ORDER BY calls DESC, cluster, namespace, service_account LIMIT {NAMED}"
    ))
    .await?;
    let known = rows(format!(
        "SELECT role_arn, role_id, valid_from AS created_at, last_used_at, observed_at FROM roles WHERE {this_role} LIMIT {SHOWN}"
    ))
    .await?;
    if [&used, &nodes, &bound, &issued, &others, &known]
        .iter()
        .all(|rows| rows.is_empty())
    {
        return Err(Error::NotFound(format!(
            "neither calls nor inventory of role {} in the store",
            literal(arn)
        )));
    }
    let mut missing = Vec::new();
    if !others.is_empty() {
        missing.push(Missing::new(
            "some sessions of the role have no issuing record in the store: whose they are is told by bindings, or not at all",
        ));
    }
    if bound.is_empty() && nodes.is_empty() {
        missing.push(missing::bindings_of_role());
    }
    let sections = [
        ("node role of", nodes),
        ("used by", used),
        ("calls", calls),
        ("bound to", bound),
        ("credentials issued to", issued),
        ("sessions without an issuing record", others),
        ("in the inventory", known),
    ];
    Ok(Story {
        subject: None,
        verdict: verdict(&sections[0].1, !sections[1].1.is_empty(), &workloads),
        sections: sections.map(Section::from).into(),
        missing,
    })
}

/// Gives whom sessions of a role were issued to, and from which role each was assumed: none for a workload's own, and where the
/// store does not have the record that issued the other role's.
async fn sessions_of(session: &Session, this_role: &str) -> Result<Vec<Value>> {
    all(
        session,
        &format!(
            "SELECT session.mechanism, session.cluster, session.namespace, session.service_account, session.hops,
                    parent.role_arn AS parent_role_arn, count(*) AS sessions,
                    min(session.issued_at) AS first_issued, max(session.issued_at) AS last_issued
             FROM issued_sessions AS session
             LEFT JOIN issued_sessions AS parent ON parent.event_id = session.parent_event_id
             WHERE session.error_code IS NULL AND {this_role}
             GROUP BY session.mechanism, session.cluster, session.namespace, session.service_account, session.hops, parent.role_arn
             ORDER BY sessions DESC LIMIT {SHOWN}"
        ),
    )
    .await
}

/// Says of whose nodes a role is, and who uses it: `workloads` are the first of those that are known to.
fn verdict(nodes: &[Value], used: bool, workloads: &[Value]) -> String {
    let mut parts = Vec::new();
    if !nodes.is_empty() {
        let clusters = distinct(nodes, |row| row["cluster"].as_str().map(str::to_owned));
        let of = match clusters.as_slice() {
            [] => "a cluster that no record names".to_owned(),
            several => several.join(" and "),
        };
        let sure = if nodes.iter().any(|row| row["confidence"] == "exact") {
            ""
        } else {
            " (inferred)"
        };
        parts.push(format!("node role of {of}{sure}"));
    }
    let named = distinct(workloads, |row| {
        let (namespace, account) = (row["namespace"].as_str()?, row["service_account"].as_str()?);
        let cluster = row["cluster"].as_str().unwrap_or("an unknown cluster");
        Some(format!("{namespace}/{account} of {cluster}"))
    });
    let all = workloads.first().and_then(|row| row["workloads"].as_u64());
    match (all, used) {
        (Some(all), _) => {
            let more = match all.saturating_sub(named.len() as u64) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            parts.push(format!("used by {}{more}", named.join(", ")));
        }
        (None, true) => parts.push("used by no workload that is known".to_owned()),
        (None, false) => parts.push("no identity of a cluster is seen to use it".to_owned()),
    }
    parts.join("; ")
}

/// Workloads that a verdict names.
const NAMED: usize = 3;

fn distinct(rows: &[Value], text: impl Fn(&Value) -> Option<String>) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for text in rows.iter().filter_map(text) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}
