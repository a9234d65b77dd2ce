//! What ARNs, subjects, issuers and session names say: pure functions on text, used by the SQL
//! functions of the same names.

use std::sync::LazyLock;

use regex::Regex;

/// Compiles a pattern that is part of the program.
fn pattern(text: &str) -> Regex {
    // The patterns below are constants, all compiled by the tests of this module.
    Regex::new(text).unwrap_or_else(|error| unreachable!("pattern {text}: {error}"))
}

/// EKS issuer forms: commercial, China, dual-stack, sovereign.
/// Source: EKS user guide, "Create an IAM OIDC provider" and network requirements.
static EKS_ISSUER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^oidc[.-]eks\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|api\.(aws|amazonwebservices\.[a-z.]+))/id/[0-9A-Za-z]+$",
    )
});

/// EC2 instance ids, old (8 digits) and new (17), and those that Systems Manager gives to hybrid nodes.
/// Sources: EC2 user guide, "Resource IDs"; Systems Manager user guide, "Managed nodes".
static INSTANCE_ID: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(i-[0-9a-f]{8}|m?i-[0-9a-f]{17})$"));

/// Event ids as CloudTrail gives them, and as ingestion derives them where a record has none.
static EVENT_ID: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|derived-[0-9a-f]{32})$")
});

/// Longest session name that STS takes. Source: STS API, `AssumeRole`.
const SESSION_NAME_CHARS: usize = 64;

/// EKS Pod Identity's session names: `eks-`, cluster and pod cut short, a random UUID.
/// Source: EKS Auth API reference, AssumeRoleForPodIdentity; the cuts as seen in records.
static POD_IDENTITY_SESSION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^eks-.{3,40}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
});

/// Gives the name of a role from its ARN or from the ARN of one of its sessions, without its path.
#[must_use]
pub fn role_name(arn: &str) -> Option<&str> {
    let resource = arn.splitn(6, ':').nth(5)?;
    if let Some(rest) = resource.strip_prefix("assumed-role/") {
        return rest.split('/').next().filter(|name| !name.is_empty());
    }
    resource
        .strip_prefix("role/")?
        .rsplit('/')
        .next()
        .filter(|name| !name.is_empty())
}

/// Gives the ARN of a role's session: `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, which drops
/// the role's path. Source: IAM user guide, "IAM identifiers".
#[must_use]
pub fn assumed_role_arn(role_arn: &str, session_name: &str) -> Option<String> {
    let mut parts = role_arn.splitn(6, ':');
    let (_, partition, _, _, account) = (
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
    );
    let name = role_name(role_arn)?;
    Some(format!(
        "arn:{partition}:sts::{account}:assumed-role/{name}/{session_name}"
    ))
}

/// Gives a role's ARN without the role's path, as aws-auth and the audit log write it, so that two ways to
/// write one role agree. Source: EKS user guide, "Grant IAM users access to Kubernetes with a ConfigMap".
#[must_use]
pub fn plain_role_arn(arn: &str) -> Option<String> {
    let (head, _) = arn.split_once(":role/")?;
    Some(format!("{head}:role/{}", role_name(arn)?))
}

/// Gives the issuer of an IAM OIDC provider: host and path, without `https://` or the ARN before it.
#[must_use]
pub fn oidc_issuer(provider: &str) -> Option<&str> {
    let issuer = match provider.split_once(":oidc-provider/") {
        Some((_, issuer)) => issuer,
        None => provider.strip_prefix("https://").unwrap_or(provider),
    };
    (!issuer.is_empty()).then_some(issuer)
}

/// True for an issuer of an EKS cluster.
#[must_use]
pub fn is_eks_issuer(issuer: &str) -> bool {
    EKS_ISSUER.is_match(issuer)
}

/// True for an EC2 instance id or a hybrid node's managed instance id, which is also the name of its role
/// session.
#[must_use]
pub fn is_instance_id(text: &str) -> bool {
    INSTANCE_ID.is_match(text)
}

/// True for an event id of the usual forms. Others can be event ids as well: what a record has as one is taken.
#[must_use]
pub fn is_event_id(text: &str) -> bool {
    EVENT_ID.is_match(text)
}

/// True for the name that kube2iam gives to a session of a role: a 32-bit hash of the pod's address in
/// hex without leading zeros, `-`, the role's name, all cut to what STS takes. The role must be compared: a UUID begins alike.
/// Source: kube2iam `iam/iam.go`.
#[must_use]
pub fn is_kube2iam_session(name: &str, role_arn: &str) -> bool {
    let Some((hash, rest)) = name.split_once('-') else {
        return false;
    };
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let Some(role) = role_name(role_arn) else {
        return false;
    };
    let whole = rest == role;
    let cut = name.len() == SESSION_NAME_CHARS && role.starts_with(rest);
    (1..=8).contains(&hash.len()) && hash.bytes().all(hex) && (whole || cut)
}

/// True for a session name that EKS Pod Identity gives.
#[must_use]
pub fn is_pod_identity_session(name: &str) -> bool {
    POD_IDENTITY_SESSION.is_match(name)
}

/// Splits the subject of a service account token, `system:serviceaccount:NAMESPACE:NAME`.
/// Source: Kubernetes, "Managing Service Accounts".
#[must_use]
pub fn service_account(subject: &str) -> Option<(&str, &str)> {
    let (namespace, name) = subject
        .strip_prefix("system:serviceaccount:")?
        .split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

/// Gives a part of the external id that EKS sets for a Pod Identity target role whose session tags
/// are disabled: `REGION/ACCOUNT/CLUSTER/NAMESPACE/SERVICE_ACCOUNT`.
/// Source: EKS user guide, "Access AWS resources using EKS Pod Identity target IAM roles".
#[must_use]
pub fn external_id_part<'a>(external_id: &'a str, part: &str) -> Option<&'a str> {
    let parts: Vec<&str> = external_id.split('/').collect();
    let [region, account, cluster, namespace, service_account] = parts.as_slice() else {
        return None;
    };
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    match part {
        "region" => Some(region),
        "account" => Some(account),
        "cluster" => Some(cluster),
        "namespace" => Some(namespace),
        "service_account" => Some(service_account),
        _ => None,
    }
}

/// Gives an error code as its service names it: CloudTrail keeps or drops `Client.` and `Exception`.
#[must_use]
pub(crate) fn error_name(error_code: &str) -> &str {
    let code = error_code.strip_prefix("Client.").unwrap_or(error_code);
    code.strip_suffix("Exception").unwrap_or(code)
}

/// True for the error code of a call that was refused for lack of permission. Services spell it
/// differently: `AccessDenied`, `AccessDeniedException`, `Client.UnauthorizedOperation`.
#[must_use]
pub fn is_denied(error_code: &str) -> bool {
    matches!(
        error_name(error_code),
        "AccessDenied"
            | "UnauthorizedOperation"
            | "Unauthorized"
            | "NotAuthorized"
            | "AuthorizationError"
    )
}

/// Gives the text at a path of a JSON object; numbers, booleans, lists and objects as JSON text.
#[must_use]
pub fn json_text(json: &str, path: &[&str]) -> Option<String> {
    as_text(at_path(json, path)?)
}

/// Gives the elements of the list at a path of a JSON object, each as [`json_text`] gives it.
#[must_use]
pub fn json_list(json: &str, path: &[&str]) -> Option<Vec<String>> {
    match at_path(json, path)? {
        serde_json::Value::Array(list) => Some(list.into_iter().filter_map(as_text).collect()),
        _ => None,
    }
}

fn as_text(value: serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn at_path(json: &str, path: &[&str]) -> Option<serde_json::Value> {
    let mut value: serde_json::Value = serde_json::from_str(json).ok()?;
    for step in path {
        value = match value {
            serde_json::Value::Object(mut map) => map.remove(*step)?,
            serde_json::Value::Array(mut list) => {
                let index: usize = step.parse().ok()?;
                (index < list.len()).then(|| list.swap_remove(index))?
            }
            _ => return None,
        };
    }
    Some(value)
}

#[cfg(test)]
mod tests;
