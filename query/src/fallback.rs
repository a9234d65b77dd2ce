//! What the view `fallbacks` says in the words of other modules: names of its rows, SDKs that are too old,
//! and what to do.

mod seen;

use serde_json::{Value, json};

use crate::fix::{self, Case, Cause, Owner, Search};
use crate::namesakes::{self, ClusterArn};
use crate::policy;
use crate::sdk::{self, Binding};

pub(crate) use seen::{Alike, Seen, SeenCalls};

/// Names a row of `fallbacks`, the same in every run: a short hash (FNV-1a) of what makes it a row.
#[must_use]
pub(crate) fn id(parts: &[Option<&str>]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        // 0xff is in no UTF-8 text: parts stay apart.
        for byte in part.unwrap_or_default().bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

fn binding(name: &str) -> Option<Binding> {
    match name {
        "irsa" => Some(Binding::Irsa),
        "pod_identity" => Some(Binding::PodIdentity),
        _ => None,
    }
}

/// Says which of some user agents, one a line, is the first whose SDK is too old for a binding (`irsa` or `pod_identity`): others
/// may be new enough. None where none is too old, or nothing is known.
#[must_use]
pub(crate) fn sdk_too_old(user_agents: &str, of: &str) -> Option<String> {
    let binding = binding(of)?;
    let (user_agent, found) = user_agents
        .lines()
        .find_map(|line| Some((line, sdk::too_old(line, binding)?)))?;
    Some(
        json!({
            "program": sdk::program(user_agent),
            "sdk": found.sdk,
            "version": found.version,
            "minimum": found.minimum,
            "binding": of,
        })
        .to_string(),
    )
}

fn cause(name: &str) -> Cause {
    match name {
        "no_binding" => Cause::NoBinding,
        "pod_predates_binding" => Cause::PodPredatesBinding,
        "trust_denied" => Cause::TrustDenied,
        "oidc_provider_missing" => Cause::OidcProviderMissing,
        "sdk_too_old" => Cause::SdkTooOld,
        "association_missing_agent" => Cause::AssociationMissingAgent,
        "host_network" => Cause::HostNetwork,
        "container_skipped" => Cause::ContainerSkipped,
        _ => Cause::Unknown,
    }
}

/// Says what to do about a fallback, as JSON: summary, commands, Terraform, policy, its notes, notes. The arguments are
/// those of SQL's `fallback_fix`, in its order: `binding` is `irsa`, `pod_identity` or nothing, `workload` like
/// `Deployment/web`, `too_old` as [`sdk_too_old`] gives it, `containers` a JSON list of names, `agent_seen`
/// `true` or `false`, `seen_calls` as [`SeenCalls::to_json`] gives it. None where there are not as many.
#[must_use]
pub(crate) fn fix(arguments: &[Option<&str>]) -> Option<String> {
    let &[
        cause_name,
        cluster,
        region,
        account_id,
        namespace,
        service_account,
        oidc_issuer,
        role_arn,
        binding_name,
        workload,
        too_old,
        containers,
        agent_seen,
        seen_calls,
    ] = arguments
    else {
        return None;
    };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    // Of several clusters of one name, the ARN tells the region; that of the calls may be another.
    let region = cluster
        .and_then(ClusterArn::parse)
        .map(|arn| arn.region)
        .filter(|region| !region.is_empty())
        .or(region)
        .unwrap_or_default();
    let account = account_id.unwrap_or_default();
    let seen = seen_calls
        .and_then(|json| Seen::list(json).ok())
        .unwrap_or_default();
    let calls = seen.iter().flat_map(Seen::calls);
    let policy = policy::policy(calls, policy::Options::default()).unwrap_or_default();
    let too_old: Option<Value> = too_old.and_then(|text| serde_json::from_str(text).ok());
    let part = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let case = Case {
        cause: cause(cause_name?),
        cluster: owned(cluster.map(namesakes::name)),
        region: region.to_owned(),
        account_id: account.to_owned(),
        namespace: owned(namespace),
        service_account: owned(service_account),
        oidc_issuer: owned(oidc_issuer),
        role_arn: owned(role_arn),
        binding: binding_name.and_then(binding),
        sdk: too_old.as_ref().map(|found| sdk::TooOld {
            sdk: part(found, "sdk"),
            version: part(found, "version"),
            minimum: part(found, "minimum"),
        }),
        owner: workload
            .and_then(|workload| workload.split_once('/'))
            .map(|(kind, name)| Owner {
                kind: kind.to_owned(),
                name: name.to_owned(),
            }),
        containers: containers
            .and_then(|list| serde_json::from_str(list).ok())
            .unwrap_or_default(),
        agent_seen_in_cluster: agent_seen == Some("true"),
        policy,
    };
    serde_json::to_string(&fix::fix(&case)).ok()
}

/// Says how to find out who is behind a fallback whose workload is not known, as JSON of the same members as [`fix`]'s. The
/// arguments are those of SQL's `fallback_search`, in its order: `nodes` like `i-0a1b2c3d i-1a2b3c4d`, `user_agents` one a line,
/// `candidates` as in the column of that name, `inventory` `true` or `false`. None where there are not as many.
#[must_use]
pub(crate) fn search(arguments: &[Option<&str>]) -> Option<String> {
    let &[
        cluster,
        nodes,
        first_seen,
        last_seen,
        user_agents,
        candidates,
        inventory,
    ] = arguments
    else {
        return None;
    };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let search = Search {
        cluster: owned(cluster),
        nodes: nodes
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        first_seen: owned(first_seen),
        last_seen: owned(last_seen),
        programs: user_agents
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect(),
        candidates: candidates
            .and_then(|list| serde_json::from_str(list).ok())
            .unwrap_or_default(),
        inventory: inventory == Some("true"),
    };
    serde_json::to_string(&fix::find_out(&search)).ok()
}

/// Says who can have made the calls of a fallback, and why: SQL's `candidates_text`. None where nobody is listed.
#[must_use]
pub(crate) fn candidates_text(candidates: &str) -> Option<String> {
    let list: Vec<fix::Candidate> = serde_json::from_str(candidates).ok()?;
    let texts: Vec<String> = list.iter().map(fix::Candidate::text).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

#[cfg(test)]
mod tests;
