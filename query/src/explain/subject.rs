//! What can be asked about, and the whole story of a service account or a pod; [`identity`](super::identity) has those of
//! credentials and roles, `pod` finds pods by their names alone.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::missing::{self, Missing};
use super::{all, literal};
use crate::engine::Session;
use crate::error::{Error, Result};
use crate::namesakes::{self, ClusterArn};

/// Rows of one kind shown at most.
pub(super) const SHOWN: usize = 20;

/// What a user asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An access key id (AKIA… or ASIA…).
    AccessKey(String),
    /// ARN of an IAM role.
    Role(String),
    /// ARN of another identity: a role session, an IAM user, the root user.
    Identity(String),
    /// A service account of a cluster, or one of its pods.
    Workload {
        /// Cluster name or ARN, or OIDC issuer.
        cluster: String,
        /// Namespace.
        namespace: String,
        /// Service account.
        service_account: String,
        /// Pod name.
        pod: Option<String>,
    },
    /// Anything else: an event id, or the name of a pod alone. By their form they cannot be told apart.
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
        // Issuers and ARNs have slashes of their own: the last parts count.
        let parts: Vec<&str> = text.split('/').collect();
        let workload = |cluster: &[&str], rest: &[&str]| Self::Workload {
            cluster: cluster.join("/"),
            namespace: rest[0].to_owned(),
            service_account: rest[1].to_owned(),
            pod: rest.get(2).map(|pod| (*pod).to_owned()),
        };
        if let [arn, name, rest @ ..] = parts.as_slice()
            && (rest.len() == 2 || rest.len() == 3)
            && ClusterArn::parse(&format!("{arn}/{name}")).is_some()
        {
            return workload(&[arn, name], rest);
        }
        // arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
        let arn: Vec<&str> = text.splitn(6, ':').collect();
        if let ["arn", _, service, _, _, resource] = arn.as_slice() {
            return if *service == "iam" && resource.starts_with("role/") {
                Self::Role(text.to_owned())
            } else {
                Self::Identity(text.to_owned())
            };
        }
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

impl From<(&'static str, Vec<Value>)> for Section {
    fn from((title, rows): (&'static str, Vec<Value>)) -> Self {
        Self { title, rows }
    }
}

/// What the store knows of a subject.
#[derive(Debug, Clone, Serialize)]
pub struct Story {
    /// What it is the story of, by its whole name; where only a part of that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The answer in one sentence.
    pub verdict: String,
    /// What it rests on.
    pub sections: Vec<Section>,
    /// What would make it more certain.
    pub missing: Vec<Missing>,
}

/// Tells the story of a service account, or of one of its pods.
///
/// # Errors
/// [`Error::NotFound`] where neither calls nor the inventory show it, [`Error::InvalidQuery`] where several clusters have the
/// name.
pub async fn workload(
    session: &Session,
    cluster: &str,
    namespace: &str,
    service_account: &str,
    pod: Option<&str>,
) -> Result<Story> {
    let cluster = &namesakes::asked(session, cluster).await?;
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
    let workloads = pod.map_or_else(String::new, |_| of_workloads(&pods));
    let fallbacks = all(
        session,
        &format!(
            "SELECT * FROM fallbacks WHERE {who}{workloads} ORDER BY calls DESC LIMIT {SHOWN}"
        ),
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
        missing.push(missing::pods_of(cluster));
    }
    let mut verdict = verdict(namespace, service_account, &calls);
    verdict.push_str(&falls_back(pod, &fallbacks));
    Ok(Story {
        subject: None,
        verdict,
        sections: [
            ("why it falls back to the node role", fallbacks),
            ("calls", calls),
            ("bindings", bindings),
            ("refused", refused),
            ("pods", pods),
        ]
        .map(Section::from)
        .into(),
        missing,
    })
}

/// Condition on rows of `fallbacks`: those of the workloads that a pod belongs to, as the inventory has it. Others may have the same
/// service account.
fn of_workloads(pods: &[Value]) -> String {
    let names: BTreeSet<String> = pods
        .iter()
        .filter_map(|row| row["workload"].as_str().map(literal))
        .collect();
    if names.is_empty() {
        return " AND false".to_owned();
    }
    let names: Vec<String> = names.into_iter().collect();
    format!(" AND workload IN ({})", names.join(", "))
}

fn verdict(namespace: &str, service_account: &str, calls: &[Value]) -> String {
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
    format!("workload {namespace}/{service_account} {reached}")
}

/// Says why a service account, or the workload of a pod, falls back to the node role; nothing where it does not.
fn falls_back(pod: Option<&str>, fallbacks: &[Value]) -> String {
    let Some(row) = fallbacks.first() else {
        return String::new();
    };
    let Some(cause) = row["cause"].as_str() else {
        return String::new();
    };
    let who = match (pod, row["workload"].as_str()) {
        (Some(_), Some(workload)) => format!("its workload {workload}"),
        _ => "it".to_owned(),
    };
    format!("; {who} falls back to the node role, cause: {cause}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_has_the_fallbacks_of_its_workload_alone() {
        let pods = ["Deployment/wiki", "Deployment/wiki", "Job/it's"]
            .map(|workload| json!({ "pod": "wiki-0", "workload": workload }));
        assert_eq!(
            of_workloads(&pods),
            " AND workload IN ('Deployment/wiki', 'Job/it''s')"
        );
        assert_eq!(of_workloads(&[]), " AND false");
        let rows = [json!({ "workload": "Deployment/wiki", "cause": "no_binding" })];
        for (pod, fallbacks, expected) in [
            (
                Some("wiki-0"),
                &rows[..],
                "; its workload Deployment/wiki falls back to the node role, cause: no_binding",
            ),
            (
                None,
                &rows[..],
                "; it falls back to the node role, cause: no_binding",
            ),
            (Some("wiki-0"), &rows[..0], ""),
        ] {
            assert_eq!(falls_back(pod, fallbacks), expected);
        }
    }

    #[test]
    fn subjects_are_told_apart_by_their_form() {
        let workload = |cluster: &str, pod: Option<&str>| Subject::Workload {
            cluster: cluster.to_owned(),
            namespace: "shop".to_owned(),
            service_account: "web".to_owned(),
            pod: pod.map(str::to_owned),
        };
        let issuer = "oidc.eks.eu-west-1.amazonaws.com/id/0A1B";
        let cluster = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
        for (text, expected) in [
            ("prod/shop/web", workload("prod", None)),
            ("prod/shop/web/web-0", workload("prod", Some("web-0"))),
            (&format!("{cluster}/shop/web"), workload(cluster, None)),
            (
                &format!("{cluster}/shop/web/web-0"),
                workload(cluster, Some("web-0")),
            ),
            (cluster, Subject::Identity(cluster.to_owned())),
            (&format!("{issuer}/shop/web"), workload(issuer, None)),
            (
                "ASIAIOSFODNN7EXAMPLE",
                Subject::AccessKey("ASIAIOSFODNN7EXAMPLE".to_owned()),
            ),
            (
                "arn:aws-cn:iam::111122223333:role/team/app",
                Subject::Role("arn:aws-cn:iam::111122223333:role/team/app".to_owned()),
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/app/i-0abc",
                Subject::Identity("arn:aws:sts::111122223333:assumed-role/app/i-0abc".to_owned()),
            ),
            (
                "arn:aws:iam::111122223333:user/ops/ann",
                Subject::Identity("arn:aws:iam::111122223333:user/ops/ann".to_owned()),
            ),
            (
                "0f53d9b8-fde2-4920-bd1a-90468347d468",
                Subject::Event("0f53d9b8-fde2-4920-bd1a-90468347d468".to_owned()),
            ),
            ("web-0", Subject::Event("web-0".to_owned())),
            ("shop/web-0", Subject::Event("shop/web-0".to_owned())),
        ] {
            assert_eq!(Subject::parse(text), expected, "{text}");
        }
    }
}
