//! The whole story of an access key, a service account or a pod.

use serde::Serialize;
use serde_json::Value;

use super::{all, literal};
use crate::engine::Session;
use crate::error::{Error, Result};

/// Rows of one kind shown at most.
const SHOWN: usize = 20;

/// What a user asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An access key id (AKIA… or ASIA…).
    AccessKey(String),
    /// A service account of a cluster, or one of its pods.
    Workload {
        /// Cluster name, or OIDC issuer.
        cluster: String,
        /// Namespace.
        namespace: String,
        /// Service account.
        service_account: String,
        /// Pod name.
        pod: Option<String>,
    },
    /// Anything else: an event id.
    Event(String),
}

impl Subject {
    /// Tells by its form what a text names.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let key = text.len() >= 16
            && (text.starts_with("AKIA") || text.starts_with("ASIA"))
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if key {
            return Self::AccessKey(text.to_owned());
        }
        // An issuer has slashes of its own: the last parts count.
        let parts: Vec<&str> = text.split('/').collect();
        let workload = |cluster: &[&str], rest: &[&str]| Self::Workload {
            cluster: cluster.join("/"),
            namespace: rest[0].to_owned(),
            service_account: rest[1].to_owned(),
            pod: rest.get(2).map(|pod| (*pod).to_owned()),
        };
        match parts.as_slice() {
            [issuer, "id", id, rest @ ..] if rest.len() == 2 || rest.len() == 3 => {
                workload(&[issuer, "id", id], rest)
            }
            [cluster, rest @ ..] if rest.len() == 2 || rest.len() == 3 => {
                workload(&[cluster], rest)
            }
            _ => Self::Event(text.to_owned()),
        }
    }
}

/// Rows about a subject.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    /// What the rows are.
    pub title: &'static str,
    /// The rows.
    pub rows: Vec<Value>,
}

/// What the store knows of a subject.
#[derive(Debug, Clone, Serialize)]
pub struct Story {
    /// The answer in one sentence.
    pub verdict: String,
    /// What it rests on.
    pub sections: Vec<Section>,
    /// What would make it more certain.
    pub missing: Vec<String>,
}

/// Tells the story of an access key.
///
/// # Errors
/// [`Error::NotFound`] where the store has never seen it.
pub async fn access_key(session: &Session, key: &str) -> Result<Story> {
    let key = literal(key);
    let sessions = all(
        session,
        &format!(
            "SELECT sessions.*, issued_sessions.confidence FROM sessions
             LEFT JOIN issued_sessions ON issued_sessions.event_id = sessions.event_id
             WHERE sessions.access_key_id = {key} ORDER BY issued_at LIMIT {SHOWN}"
        ),
    )
    .await?;
    let calls = all(
        session,
        &format!(
            "SELECT access_path, actor, cluster, namespace, service_account, pod, node, confidence, event_source, event_name, error_code,
                    CAST(sum(calls) AS BIGINT) AS calls, min(first_event_time) AS first_seen, max(last_event_time) AS last_seen
             FROM activity_attribution WHERE access_key_id = {key}
             GROUP BY access_path, actor, cluster, namespace, service_account, pod, node, confidence, event_source, event_name, error_code
             ORDER BY calls DESC LIMIT {SHOWN}"
        ),
    )
    .await?;
    let seen = all(
        session,
        &format!(
            "SELECT identity_arn, identity_type, min(first_event_time) AS first_seen, max(last_event_time) AS last_seen,
                    CAST(sum(calls) AS BIGINT) AS calls, min(session_created_at) AS session_created_at
             FROM activities WHERE access_key_id = {key} GROUP BY identity_arn, identity_type ORDER BY calls DESC LIMIT {SHOWN}"
        ),
    )
    .await?;
    if sessions.is_empty() && seen.is_empty() {
        return Err(Error::NotFound(format!(
            "no call and no issuing record with access key id {key} in the store"
        )));
    }
    let mut missing = Vec::new();
    if sessions.is_empty() {
        missing.push(
            "the record that issued the key is not in the store: ingest the hours before its first call, all regions"
                .to_owned(),
        );
    }
    if seen.len() > 1 {
        missing.push("the key is shown under several sessions and is no identity".to_owned());
    }
    let verdict = match (sessions.first(), calls.first()) {
        (Some(row), _) | (None, Some(row)) => super::said(&with_path(row)),
        (None, None) => "not attributed to a cluster".to_owned(),
    };
    Ok(Story {
        verdict,
        sections: vec![
            Section {
                title: "issued to",
                rows: sessions,
            },
            Section {
                title: "shown by",
                rows: seen,
            },
            Section {
                title: "calls",
                rows: calls,
            },
        ],
        missing,
    })
}

/// A row of `sessions` has its access path under another name.
fn with_path(row: &Value) -> Value {
    let mut row = row.clone();
    if row["access_path"].is_null() {
        row["access_path"] = row["mechanism"].clone();
    }
    row
}

/// Tells the story of a service account, or of one of its pods.
///
/// # Errors
/// [`Error::NotFound`] where neither calls nor the inventory show it.
pub async fn workload(
    session: &Session,
    cluster: &str,
    namespace: &str,
    service_account: &str,
    pod: Option<&str>,
) -> Result<Story> {
    let who = format!(
        "cluster = {} AND namespace = {} AND service_account = {}",
        literal(cluster),
        literal(namespace),
        literal(service_account)
    );
    let one = pod.map_or_else(String::new, |pod| format!(" AND pod = {}", literal(pod)));
    let calls = all(
        session,
        &format!(
            "SELECT access_path, role_arn, hops, confidence, event_source, event_name, error_code, CAST(sum(calls) AS BIGINT) AS calls,
                    min(first_event_time) AS first_seen, max(last_event_time) AS last_seen, min(event_id) AS event_id
             FROM hourly_attribution WHERE {who}{one}
             GROUP BY access_path, role_arn, hops, confidence, event_source, event_name, error_code ORDER BY calls DESC LIMIT {SHOWN}"
        ),
    )
    .await?;
    let pods = all(
        session,
        &format!(
            "SELECT pod, pod_uid, workload, node, instance_id, pod_ip, host_network, injected, valid_from, valid_to
             FROM pods WHERE {who}{one} ORDER BY valid_from DESC LIMIT {SHOWN}"
        ),
    )
    .await?;
    let bindings = all(
        session,
        &format!("SELECT mechanism, role_arn, wildcard, proof FROM role_bindings WHERE {who} LIMIT {SHOWN}"),
    )
    .await?;
    let refused = all(
        session,
        &format!("SELECT role_arn, error_code, event_id, first_seen, last_seen FROM refused_accounts WHERE {who} LIMIT {SHOWN}"),
    )
    .await?;
    let fallbacks = all(
        session,
        &format!("SELECT * FROM fallbacks WHERE {who} ORDER BY calls DESC LIMIT {SHOWN}"),
    )
    .await?;
    if calls.is_empty() && pods.is_empty() && bindings.is_empty() && refused.is_empty() {
        return Err(Error::NotFound(format!(
            "neither calls nor inventory of {cluster}/{namespace}/{service_account}{} in the store",
            pod.map(|pod| format!("/{pod}")).unwrap_or_default()
        )));
    }
    let mut missing = Vec::new();
    if pods.is_empty() {
        missing.push(
            "no inventory of its pods: podtrail inventory import what kubectl get pods -A -o json prints".to_owned(),
        );
    }
    Ok(Story {
        verdict: verdict(namespace, service_account, &calls, &fallbacks),
        sections: [
            ("why it falls back to the node role", fallbacks),
            ("calls", calls),
            ("bindings", bindings),
            ("refused", refused),
            ("pods", pods),
        ]
        .into_iter()
        .map(|(title, rows)| Section { title, rows })
        .collect(),
        missing,
    })
}

fn verdict(namespace: &str, service_account: &str, calls: &[Value], fallbacks: &[Value]) -> String {
    let mut paths: Vec<&str> = calls
        .iter()
        .filter_map(|row| row["access_path"].as_str())
        .collect();
    paths.sort_unstable();
    paths.dedup();
    let reached = match paths.as_slice() {
        [] => "made no call that the store shows".to_owned(),
        paths => format!("reached AWS by {}", paths.join(" and ")),
    };
    let mut text = format!("workload {namespace}/{service_account} {reached}");
    if let Some(cause) = fallbacks.first().and_then(|row| row["cause"].as_str()) {
        text.push_str("; it falls back to the node role, cause: ");
        text.push_str(cause);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Subject;

    #[test]
    fn subjects_are_told_apart_by_their_form() {
        let workload = |cluster: &str, pod: Option<&str>| Subject::Workload {
            cluster: cluster.to_owned(),
            namespace: "shop".to_owned(),
            service_account: "web".to_owned(),
            pod: pod.map(str::to_owned),
        };
        let issuer = "oidc.eks.eu-west-1.amazonaws.com/id/0A1B";
        for (text, expected) in [
            ("prod/shop/web", workload("prod", None)),
            ("prod/shop/web/web-0", workload("prod", Some("web-0"))),
            (&format!("{issuer}/shop/web"), workload(issuer, None)),
            (
                "ASIAIOSFODNN7EXAMPLE",
                Subject::AccessKey("ASIAIOSFODNN7EXAMPLE".to_owned()),
            ),
            (
                "0f53d9b8-fde2-4920-bd1a-90468347d468",
                Subject::Event("0f53d9b8-fde2-4920-bd1a-90468347d468".to_owned()),
            ),
        ] {
            assert_eq!(Subject::parse(text), expected, "{text}");
        }
    }
}
