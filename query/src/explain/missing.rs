//! What would make an answer more certain: the steps that help in the case at hand. A rule is a function of what is known of the
//! answer ([`Answer`]) and of what the store holds around it ([`Held`]); [`RULES`] has them all, in the order in which they are told.

use std::net::IpAddr;

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde::Serialize;

use super::held::{Answer, Held, Looks};
use super::unissued::Unissued;
use crate::fix::is_usable;
use crate::fix::shell::quote;
use crate::namesakes::{self, ClusterArn};

/// Time between two looks at the pods of a cluster from which on pods may well have come and gone unseen.
const FAR_APART: Duration = Duration::hours(1);

/// Reads what Kubernetes and AWS show now.
const COLLECT: &str = "podtrail inventory collect";

/// Length of the time that is read for one record, in seconds.
const HOUR: i64 = 3_600;

/// What would make an answer more certain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What is missing, and what it would tell.
    pub text: String,
    /// A command that gets it; none where that is no matter of one command.
    pub command: Option<String>,
}

impl Missing {
    /// Says what no command gets.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            command: None,
        }
    }

    /// Adds a command: a program's name and its fixed arguments, and options with values of records.
    fn with(mut self, command: &str, options: &[(&str, &str)]) -> Self {
        self.command = written(command, options);
        self
    }
}

/// Writes a command; none where a value of a record cannot stand in one. An argument has an option without a name.
fn written(command: &str, options: &[(&str, &str)]) -> Option<String> {
    let mut text = command.to_owned();
    for (name, value) in options {
        if !is_usable(value) {
            return None;
        }
        text.push(' ');
        if !name.is_empty() {
            text.push_str(name);
            text.push(' ');
        }
        text.push_str(&quote(value));
    }
    Some(text)
}

/// A step that may help.
type Rule = fn(&Answer<'_>, &Held) -> Option<Missing>;

/// Every step.
const RULES: [Rule; 10] = [
    |_, held| held.unissued.as_ref().map(issuing_record),
    |_, held| held.unissued.as_ref().and_then(lookup),
    bindings,
    session_tags,
    session_names,
    roles_of_clusters,
    inventory_of_pods,
    looks_at_pods,
    pods_address,
    own_role,
];

/// Gives what would make an answer to who made a call more certain.
pub(super) fn steps(answer: Answer<'_>, held: &Held) -> Vec<Missing> {
    RULES
        .iter()
        .filter_map(|rule| rule(&answer, held))
        .collect()
}

/// Gives what would tell whose credentials are that no record of the store issued.
pub(super) fn of_credentials(unissued: &Unissued) -> Vec<Missing> {
    let mut found = vec![issuing_record(unissued)];
    found.extend(lookup(unissued));
    found
}

/// Gives what would tell more of a service account or a pod without inventory.
pub(super) fn pods_of(cluster: &str) -> Missing {
    collect(
        "no inventory shows its pods: collect one, or import what kubectl get pods -A -o json printed earlier",
        cluster,
    )
}

/// Gives what would tell more of a role without bindings.
pub(super) fn bindings_of_role() -> Missing {
    let text = "no binding of the role is known: roles, service accounts and associations of EKS Pod Identity in the inventory show who may hold it";
    Missing::new(text).with(COLLECT, &[])
}

/// The record that issued the session names who got its credentials.
fn issuing_record(unissued: &Unissued) -> Missing {
    let Unissued {
        arn,
        issued_at,
        account,
        regions,
        ..
    } = unissued;
    let when = issued_at.map_or_else(String::new, |time| format!(" at {}", shown(time)));
    let account = account.as_deref().unwrap_or("unknown");
    let what = match &unissued.copy_event_id {
        Some(copy) => format!(
            "the session {arn} was issued{when} by {copy}, which says of the caller only its account {account} and its principal id: the record of the same act in the trail of that account names it"
        ),
        None => format!(
            "the record that issued the session {arn}{when} is not in the store: it names who got the credentials"
        ),
    };
    let place = match (issued_at, regions.as_slice()) {
        (None, _) => {
            "; ingest the hours before the first call with them, of all regions".to_owned()
        }
        (Some(time), []) => format!(
            "; of account {account} the store has nothing of {}",
            time.date_naive()
        ),
        (Some(time), regions) => format!(
            "; of account {account} and {} the store has {}, and STS records a request in the region that was asked, us-east-1 for its global endpoint",
            time.date_naive(),
            regions.join(", ")
        ),
    };
    let missing = Missing::new(what + &place);
    let (Some(bucket), Some(time)) = (&unissued.bucket, issued_at) else {
        return missing;
    };
    let begin = time.timestamp() - time.timestamp().rem_euclid(HOUR);
    let hour = [begin, begin + HOUR].map(|seconds| DateTime::from_timestamp(seconds, 0));
    let [Some(from), Some(to)] = hour else {
        return missing;
    };
    let (from, to) = (shown(from), shown(to));
    let mut options = vec![("", bucket.as_str())];
    options.extend(
        unissued
            .account
            .as_deref()
            .map(|account| ("--account", account)),
    );
    options.extend([("--from", from.as_str()), ("--to", to.as_str())]);
    missing.with("podtrail ingest", &options)
}

/// LookupEvents has what a trail lacks, for a while.
fn lookup(unissued: &Unissued) -> Option<Missing> {
    let region = unissued.lookup_region.as_deref()?;
    let source = format!("lookup://{region}");
    let text = "CloudTrail itself remembers the management events of the last 90 days, also where no trail was: it can be asked for the records that issued the access keys";
    Some(Missing::new(text).with("podtrail ingest --backfill", &[("", source.as_str())]))
}

/// A role that one service account alone may hold is its, whatever is not recorded.
fn bindings(_: &Answer<'_>, held: &Held) -> Option<Missing> {
    (held.has_binding == Some(false)).then(bindings_of_role)
}

/// Session tags of EKS Pod Identity name the pod.
fn session_tags(answer: &Answer<'_>, held: &Held) -> Option<Missing> {
    if !answer.lacks_tags() || held.unissued.is_some() {
        return None;
    }
    let text = "the credentials were issued without the session tags that name the pod";
    let Some(association) = &held.untagged else {
        return Some(Missing::new(format!(
            "{text}: enable them for the association of its role"
        )));
    };
    let missing = Missing::new(format!(
        "{text}: they are disabled for the association {}",
        association.id
    ));
    let mut options = vec![
        ("--cluster-name", namesakes::name(&association.cluster)),
        ("--association-id", association.id.as_str()),
    ];
    options.extend(ClusterArn::parse(&association.cluster).map(|arn| ("--region", arn.region)));
    Some(missing.with(
        "aws eks update-pod-identity-association --no-disable-session-tags",
        &options,
    ))
}

/// Sessions of one name that are issued in the same second cannot be told apart where an AWS service calls on behalf of one.
fn session_names(answer: &Answer<'_>, held: &Held) -> Option<Missing> {
    (answer.has("several_fit") && held.unissued.is_none()).then(|| {
        Missing::new("several identities named their sessions alike: a name of each pod's own (AWS_ROLE_SESSION_NAME) tells them apart")
    })
}

/// What describes clusters and nodes ties roles to them.
fn roles_of_clusters(answer: &Answer<'_>, held: &Held) -> Option<Missing> {
    if answer.is_exact() {
        return None;
    }
    let role = answer
        .of_event("session_issuer_arn")
        .unwrap_or("of the session");
    let told = "node groups, access entries and aws-auth in the inventory tell";
    let text = match answer.path() {
        "" if answer.is_by_node() => {
            format!("whether the role {role} is that of a cluster's nodes is not known: {told}")
        }
        "cluster_role" => format!(
            "that the role {role} is a cluster's is known by calls for load balancers alone: the description of the cluster in the inventory names it"
        ),
        "node_role" if answer.said("cluster").is_none() => {
            format!("no record names the cluster of the node: {told}, and so do its instances")
        }
        "node_role" if held.cluster_of_role => {
            "only other nodes of the role have shown their cluster: nodes and instances in the inventory show that of this one".to_owned()
        }
        "node_role" if held.role_is_inferred => format!(
            "what shows that the role {role} is that of nodes is done by other software as well: {told}"
        ),
        _ => return None,
    };
    Some(Missing::new(text).with(COLLECT, &[]))
}

/// The inventory tells which pods there were.
fn inventory_of_pods(answer: &Answer<'_>, held: &Held) -> Option<Missing> {
    if held.looks? != Looks::default() {
        return None;
    }
    let cluster = answer.said("cluster")?;
    if let Some(arns) = &held.namesakes {
        let text = format!(
            "the inventory of pods does not say of which cluster named {} it is, of {}: it has to be collected, or imported, with the ARN of the cluster",
            namesakes::name(cluster),
            arns.lines().collect::<Vec<_>>().join(" and ")
        );
        return Some(collect(&text, cluster));
    }
    let text = format!(
        "the store has no inventory of the pods of {cluster}: a collection has those that ran then and still run, the cluster's EKS audit log of that time those that are gone"
    );
    Some(collect(&text, cluster))
}

/// Pods that come and go between two looks are not known.
fn looks_at_pods(answer: &Answer<'_>, held: &Held) -> Option<Missing> {
    let cluster = answer.said("cluster")?;
    let looks = held.looks?;
    let audited = "the cluster's EKS audit log of that time shows them";
    let text = match (looks.before, looks.after) {
        (Some(before), None) => {
            let before = shown(before);
            let text = format!(
                "the last look at the pods of {cluster} is of {before}, before the call: pods that came since are not known"
            );
            return Some(collect(&text, cluster));
        }
        (None, Some(after)) => {
            let after = shown(after);
            format!(
                "the first look at the pods of {cluster} is of {after}, after the call: pods that had gone by then are not known; {audited}"
            )
        }
        (Some(before), Some(after)) if after - before > FAR_APART => {
            let (before, after) = (shown(before), shown(after));
            format!(
                "the looks at the pods of {cluster} next to the call are of {before} and {after}: pods that came and went between are not known; {audited}, and podtrail inventory collect --follow misses none from now on"
            )
        }
        _ => return None,
    };
    let command = "podtrail inventory import AUDIT_LOG";
    Some(Missing::new(text).with(command, &[("--cluster", cluster)]))
}

/// The address of the pod itself tells which it is.
fn pods_address(answer: &Answer<'_>, _: &Held) -> Option<Missing> {
    let is_open = if answer.is_by_node() {
        answer.is_of_workload() && !answer.is_exact()
    } else {
        answer.has_own_credentials()
            && answer.said("pod").is_none()
            && answer.said("service_account").is_some()
    };
    let address = answer.of_event("source_ip_address")?;
    let service = answer.of_event("event_source")?;
    // Where an AWS service calls on behalf of the pod, its name stands for the address.
    let is_address = address.parse::<IpAddr>().is_ok();
    if !is_open || !is_address || answer.has("pod_address") {
        return None;
    }
    if !answer.shows_pods_address() {
        return Some(Missing::new(format!(
            "{address} is not the address of the pod but of the way out, such as a NAT gateway: calls through a VPC interface endpoint show the pod's own, where {service} has one"
        )));
    }
    let through_gateway = matches!(service, "s3.amazonaws.com" | "dynamodb.amazonaws.com")
        && answer.of_event("vpc_endpoint_id").is_some();
    through_gateway.then(|| {
        Missing::new(format!(
            "calls through a gateway endpoint show the address of the node, {address}: those through an interface endpoint of {service} show the pod's own"
        ))
    })
}

/// Credentials of its own make a workload's calls name it.
fn own_role(answer: &Answer<'_>, _: &Held) -> Option<Missing> {
    if !answer.has_shared_credentials() || answer.is_exact() {
        return None;
    }
    if answer.path() != "node_role" {
        return Some(Missing::new(format!(
            "{} gives the session of a role to every pod of a node that is annotated with it: IRSA and EKS Pod Identity give each service account sessions of its own",
            answer.path()
        )));
    }
    let missing = Missing::new(
        "a role of its own, by IRSA or EKS Pod Identity, makes the calls of a workload name it: the report has what to do",
    );
    let names = [
        ("--cluster", "cluster"),
        ("--namespace", "namespace"),
        ("--service-account", "service_account"),
    ];
    let options: Vec<(&str, &str)> = names
        .into_iter()
        .filter_map(|(option, column)| Some((option, answer.said(column)?)))
        .collect();
    Some(missing.with("podtrail report fallbacks", &options))
}

/// Says what a collection of the inventory gets, of a cluster that may be known by its OIDC issuer alone.
fn collect(text: &str, cluster: &str) -> Missing {
    let missing = Missing::new(text);
    if is_issuer(cluster) {
        missing.with(COLLECT, &[])
    } else {
        missing.with(COLLECT, &[("--cluster", cluster)])
    }
}

/// Tells whether an OIDC issuer stands for a cluster: names of EKS clusters have neither dots nor slashes.
fn is_issuer(cluster: &str) -> bool {
    namesakes::name(cluster).contains(['.', '/'])
}

fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests;
