//! What the view `fallbacks` says in the words of other modules: names of its rows, SDKs that are too old,
//! and what to do.

use serde_json::{Value, json};

use crate::fix::{self, Case, Cause, Owner};
use crate::policy::{self, Call};
use crate::sdk::{self, Binding};

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

/// Says which SDK is too old for a binding (`irsa` or `pod_identity`); none where it is not, or not known.
#[must_use]
pub(crate) fn sdk_too_old(user_agent: &str, of: &str) -> Option<String> {
    let found = sdk::too_old(user_agent, binding(of)?)?;
    Some(
        json!({
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

/// Arguments of SQL's `fallback_fix`, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FixArguments<'a> {
    pub(crate) cause: Option<&'a str>,
    pub(crate) cluster: Option<&'a str>,
    pub(crate) region: Option<&'a str>,
    pub(crate) account_id: Option<&'a str>,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) service_account: Option<&'a str>,
    pub(crate) oidc_issuer: Option<&'a str>,
    pub(crate) role_arn: Option<&'a str>,
    /// `irsa`, `pod_identity` or nothing.
    pub(crate) binding: Option<&'a str>,
    /// `Deployment/web`.
    pub(crate) workload: Option<&'a str>,
    /// As [`sdk_too_old`] gives it.
    pub(crate) too_old: Option<&'a str>,
    /// JSON list of container names.
    pub(crate) containers: Option<&'a str>,
    /// `true` or `false`.
    pub(crate) agent_seen: Option<&'a str>,
    /// `s3:ListBuckets ec2:DescribeInstances`.
    pub(crate) actions: Option<&'a str>,
}

impl<'a> FixArguments<'a> {
    /// Takes the arguments of one row; none where there are not as many as members.
    pub(crate) fn of(row: &[Option<&'a str>]) -> Option<Self> {
        let &[
            cause,
            cluster,
            region,
            account_id,
            namespace,
            service_account,
            oidc_issuer,
            role_arn,
            binding,
            workload,
            too_old,
            containers,
            agent_seen,
            actions,
        ] = row
        else {
            return None;
        };
        Some(Self {
            cause,
            cluster,
            region,
            account_id,
            namespace,
            service_account,
            oidc_issuer,
            role_arn,
            binding,
            workload,
            too_old,
            containers,
            agent_seen,
            actions,
        })
    }
}

/// Says what to do about a fallback, as JSON: summary, commands, Terraform, policy, notes.
#[must_use]
pub(crate) fn fix(arguments: FixArguments<'_>) -> Option<String> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let region = arguments.region.unwrap_or_default();
    let account = arguments.account_id.unwrap_or_default();
    let calls = arguments
        .actions
        .unwrap_or_default()
        .split(' ')
        .filter_map(|action| action.split_once(':'))
        .map(|(service, name)| (format!("{service}.amazonaws.com"), name))
        .collect::<Vec<_>>();
    let calls = calls.iter().map(|(source, name)| Call {
        event_source: source,
        event_name: name,
        error_code: None,
        region,
        account_id: account,
        resources_json: None,
        request_parameters_json: None,
        management_event: None,
        calls: 1,
    });
    let policies = policy::policy(calls, policy::Options::default())
        .map(|policy| policy.documents)
        .unwrap_or_default();
    let too_old: Option<Value> = arguments
        .too_old
        .and_then(|text| serde_json::from_str(text).ok());
    let part = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let case = Case {
        cause: cause(arguments.cause?),
        cluster: owned(arguments.cluster),
        region: region.to_owned(),
        account_id: account.to_owned(),
        namespace: owned(arguments.namespace),
        service_account: owned(arguments.service_account),
        oidc_issuer: owned(arguments.oidc_issuer),
        role_arn: owned(arguments.role_arn),
        binding: arguments.binding.and_then(binding),
        sdk: too_old.as_ref().map(|found| sdk::TooOld {
            sdk: part(found, "sdk"),
            version: part(found, "version"),
            minimum: part(found, "minimum"),
        }),
        owner: arguments
            .workload
            .and_then(|workload| workload.split_once('/'))
            .map(|(kind, name)| Owner {
                kind: kind.to_owned(),
                name: name.to_owned(),
            }),
        containers: arguments
            .containers
            .and_then(|list| serde_json::from_str(list).ok())
            .unwrap_or_default(),
        agent_seen_in_cluster: arguments.agent_seen == Some("true"),
        policies,
    };
    serde_json::to_string(&fix::fix(&case)).ok()
}

#[cfg(test)]
mod tests;
