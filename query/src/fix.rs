//! What to run so that a workload uses a role of its own: commands and Terraform for each cause.
//!
//! Nothing is run from here. Every value of a case comes from records that others wrote: it stands in
//! commands only quoted, and what could not be a name does not stand there at all.

mod commands;
mod json;
mod search;
pub(crate) mod shell;
mod terraform;
mod workload;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::policy::{Note, Policy, joined, partition};
use crate::sdk::{Binding, TooOld};
use workload::Maker;

pub use search::{Candidate, Reason, Search, find_out};

/// Why a workload does not use a role of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// Its service account has neither an annotation nor an association.
    NoBinding,
    /// The pod was created before the binding was; a pod gets it only at creation.
    PodPredatesBinding,
    /// The role's trust policy refuses the service account.
    TrustDenied,
    /// IAM does not know the cluster's OIDC issuer.
    OidcProviderMissing,
    /// The SDK does not know the binding.
    SdkTooOld,
    /// There is an association, and no agent that would serve it.
    AssociationMissingAgent,
    /// The pod is on the node's network, so that the metadata service answers it at any hop limit.
    HostNetwork,
    /// An annotation exempts the container from the binding.
    ContainerSkipped,
    /// Not known.
    Unknown,
}

/// What owns the pods, such as a Deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// Kubernetes kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// A workload that does not use a role of its own, and why.
#[derive(Debug, Clone)]
pub struct Case {
    /// Why.
    pub cause: Cause,
    /// Name of the EKS cluster.
    pub cluster: Option<String>,
    /// Region of the cluster.
    pub region: String,
    /// Account of the cluster.
    pub account_id: String,
    /// Namespace of the workload.
    pub namespace: Option<String>,
    /// Service account of the workload.
    pub service_account: Option<String>,
    /// The cluster's OIDC issuer, with or without `https://`.
    pub oidc_issuer: Option<String>,
    /// Role of the binding that there is.
    pub role_arn: Option<String>,
    /// Kind of the binding that there is.
    pub binding: Option<Binding>,
    /// The SDK, when it is too old for the binding.
    pub sdk: Option<TooOld>,
    /// What owns the pods.
    pub owner: Option<Owner>,
    /// Containers concerned.
    pub containers: Vec<String>,
    /// Whether the EKS Pod Identity Agent was seen in the cluster.
    pub agent_seen_in_cluster: bool,
    /// What the workload was seen to need.
    pub policy: Policy,
}

/// What to do about a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What is wrong and what mends it, in a sentence or two.
    pub summary: String,
    /// Commands for one shell, in order; the first sets the variables that the others use.
    pub commands: Vec<Command>,
    /// The same as Terraform, where that makes sense.
    pub terraform: Option<String>,
    /// The permissions that the workload needs, as far as they were seen: IAM policy documents.
    pub policy: Vec<Value>,
    /// What to know of the policy.
    pub policy_notes: Vec<Note>,
    /// What to know before.
    pub notes: Vec<String>,
}

/// One step of a fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Command {
    /// What it does.
    pub title: String,
    /// Shell text, for bash.
    pub command: String,
}

/// Longest value that is taken for a name or an ARN.
const MAX_VALUE_CHARS: usize = 2_048;

/// Gives what to do about a case.
#[must_use]
pub fn fix(case: &Case) -> Fix {
    let plan = Plan::new(case);
    let mut notes = plan.notes();
    notes.extend(plan.unusable.iter().map(|what| {
        format!(
            "the {what} in the records is no name that could be used; set the variable yourself"
        )
    }));
    Fix {
        summary: plan.summary(),
        commands: plan.commands(),
        terraform: plan.terraform(),
        policy: case.policy.documents.clone(),
        policy_notes: case.policy.notes.clone(),
        notes,
    }
}

/// A case with only values that can be used.
#[derive(Debug)]
struct Plan<'a> {
    case: &'a Case,
    cluster: Option<&'a str>,
    region: Option<&'a str>,
    account: Option<&'a str>,
    namespace: Option<&'a str>,
    /// The account that the pods will run as.
    service_account: Option<String>,
    /// Whether that account is yet to be made.
    new_service_account: bool,
    issuer: Option<&'a str>,
    role_arn: Option<&'a str>,
    workload: Option<String>,
    unusable: Vec<&'static str>,
}

impl<'a> Plan<'a> {
    fn new(case: &'a Case) -> Self {
        let mut unusable = Vec::new();
        let mut usable = |what: &'static str, value: Option<&'a str>| {
            let value = value.filter(|value| !value.is_empty())?;
            if is_usable(value) {
                return Some(value);
            }
            unusable.push(what);
            None
        };
        let cluster = usable("cluster", case.cluster.as_deref());
        let region = usable("region", Some(&case.region));
        let account = usable("account", Some(&case.account_id));
        let namespace = usable("namespace", case.namespace.as_deref());
        let current = usable("service account", case.service_account.as_deref());
        let issuer = usable("OIDC issuer", case.oidc_issuer.as_deref())
            .map(|issuer| issuer.strip_prefix("https://").unwrap_or(issuer));
        let role_arn = usable("role", case.role_arn.as_deref());
        let owner = case.owner.as_ref();
        let kind = usable("workload's kind", owner.map(|owner| owner.kind.as_str()));
        let name = usable("workload's name", owner.map(|owner| owner.name.as_str()));
        // Whoever shares the account named default would get the role too.
        let new_service_account = case.needs_binding() && matches!(current, Some("default"));
        let service_account = if new_service_account {
            name.map(str::to_owned)
        } else {
            current.map(str::to_owned)
        };
        let workload = kind
            .zip(name)
            .map(|(kind, name)| format!("{}/{name}", kind.to_lowercase()));
        Self {
            case,
            cluster,
            region,
            account,
            namespace,
            service_account,
            new_service_account,
            issuer,
            role_arn,
            workload,
            unusable,
        }
    }

    fn partition(&self) -> &'static str {
        partition(self.region.unwrap_or_default())
    }

    /// Gives the account of the role, which may be another one than the cluster's.
    fn role_account(&self) -> Option<&str> {
        self.role_arn
            .and_then(|arn| arn.split(':').nth(4))
            .filter(|account| !account.is_empty())
            .or(self.account)
    }

    /// Gives the name of the role there is, or a name for a new one.
    fn role_name(&self) -> Option<String> {
        if let Some(name) = self.existing_role_name() {
            return Some(name.to_owned());
        }
        if !self.case.needs_binding() {
            return None;
        }
        let name: Vec<&str> = [
            self.cluster,
            self.namespace,
            self.service_account.as_deref(),
        ]
        .into_iter()
        .flatten()
        .collect();
        Some(role_name_of(&name))
    }

    fn existing_role_name(&self) -> Option<&str> {
        self.role_arn?
            .rsplit('/')
            .next()
            .filter(|name| !name.is_empty())
    }

    fn workload_text(&self) -> String {
        let pod = match (self.namespace, &self.service_account) {
            (Some(namespace), Some(account)) if !self.new_service_account => {
                format!("service account {namespace}/{account}")
            }
            (Some(namespace), _) => format!("namespace {namespace}"),
            _ => "a namespace that the records do not name".to_owned(),
        };
        match &self.workload {
            Some(workload) => format!("{workload} ({pod})"),
            None => format!("the workload of {pod}"),
        }
    }

    fn summary(&self) -> String {
        let who = self.workload_text();
        match self.case.cause {
            Cause::NoBinding => format!(
                "{who} has no role of its own and uses the node's. Give it one through EKS Pod Identity."
            ),
            Cause::PodPredatesBinding => format!(
                "{who} has a binding, but its pods are older than that, and pods get it only at creation. Restart them."
            ),
            Cause::TrustDenied => format!(
                "The role's trust policy refuses {who}. Let the policy name the service account."
            ),
            Cause::OidcProviderMissing => format!(
                "IAM does not know the cluster's OIDC issuer, so {who} cannot exchange its token. Register the issuer."
            ),
            Cause::SdkTooOld => match &self.case.sdk {
                Some(sdk) => format!(
                    "{who} has a binding that {} {} does not know. Build it with {} or later.",
                    sdk.sdk, sdk.version, sdk.minimum
                ),
                None => format!("{who} has a binding that its AWS SDK does not know. Upgrade it."),
            },
            Cause::AssociationMissingAgent => format!(
                "{who} has a Pod Identity association, but no EKS Pod Identity Agent answers on its nodes. Install the agent."
            ),
            Cause::HostNetwork => format!(
                "{who} runs on the node's network: it reaches the node's role whatever the hop limit is. Give it a role of its own, and take it off the node's network unless it must be there."
            ),
            Cause::ContainerSkipped => format!(
                "{who} has a binding, but an annotation exempts {}. Remove the annotation.",
                self.containers_text()
            ),
            Cause::Unknown => format!(
                "Why {who} uses the node's role is not known. Look at what its pods were given."
            ),
        }
    }

    fn containers_text(&self) -> String {
        let names: Vec<&str> = self
            .case
            .containers
            .iter()
            .map(String::as_str)
            .filter(|name| is_usable(name))
            .collect();
        match names.as_slice() {
            [] => "a container".to_owned(),
            [one] => format!("container {one}"),
            many => format!("containers {}", many.join(", ")),
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<&str> = Vec::new();
        let mut of_policy = Vec::new();
        if self.makes_role() {
            notes.push(self.policy_hint());
            of_policy = self.not_granted();
            if self.maker() == Maker::Rollout {
                notes.push("A pod gets the role when it is created: hence the new pods.");
            }
        }
        if self.makes_pods() {
            notes.extend(self.maker().note());
        }
        if self.new_service_account {
            notes.push(
                "The workload runs as the service account named default, which others may share; it gets one of its own, without the role bindings and image pull secrets that default may have. Make the same change where the workload is defined, such as its Helm chart.",
            );
            notes.push(
                "Terraform makes the service account too (provider hashicorp/kubernetes), but does not move the workload to it: the commands do, or a change where the workload is defined.",
            );
        }
        match self.case.cause {
            Cause::TrustDenied => notes.push(
                "The new trust policy replaces the old one: keep statements that others need. It is saved first.",
            ),
            Cause::OidcProviderMissing => notes.push(
                "EKS Pod Identity needs no OIDC provider, and is the shorter way for new workloads.",
            ),
            Cause::SdkTooOld => notes.push(self.upgrade_hint()),
            Cause::HostNetwork => notes.push(
                "A metadata hop limit of 1 does not stop pods on the node's network.",
            ),
            Cause::ContainerSkipped => notes.push(
                "If the annotation exempts more containers on purpose, let it name only those.",
            ),
            _ => {}
        }
        let mut notes: Vec<String> = notes.into_iter().map(str::to_owned).collect();
        notes.extend(of_policy);
        notes
    }

    fn policy_hint(&self) -> &'static str {
        let policy = &self.case.policy;
        if !policy.documents.is_empty() {
            return "The policy allows what was seen. Read its notes: trails without data events hide calls.";
        }
        if !policy.refused.is_empty() {
            return "All that was seen and needs a permission was refused: the new role has no policy.";
        }
        "No calls of its own were seen that need a permission: the new role has no policy."
    }

    /// Tells what the policy does not grant although it was seen.
    fn not_granted(&self) -> Vec<String> {
        let policy = &self.case.policy;
        let mut notes = Vec::new();
        if !policy.refused.is_empty() {
            notes.push(format!(
                "Refused, and not granted: {}. Whether the workload is to be allowed that is for you to decide.",
                joined(&policy.refused)
            ));
        }
        let unmapped: BTreeSet<String> = policy
            .unmapped
            .iter()
            .map(|call| format!("{} {}", call.event_source, call.event_name))
            .filter(|call| is_usable(call))
            .collect();
        if !unmapped.is_empty() {
            notes.push(format!(
                "Not granted, since no IAM action is known for it: {}.",
                joined(&unmapped)
            ));
        }
        notes
    }

    /// Tells whether the commands make pods anew.
    fn makes_pods(&self) -> bool {
        match self.case.cause {
            Cause::SdkTooOld => false,
            Cause::Unknown => self.makes_role(),
            _ => true,
        }
    }

    fn upgrade_hint(&self) -> &'static str {
        let sdk = self.case.sdk.as_ref().map_or("", |sdk| sdk.sdk.as_str());
        match sdk {
            "Boto3" | "botocore" => {
                "Raise boto3 and botocore in the requirements, both: botocore has the credential providers."
            }
            "AWS CLI v1" | "AWS CLI v2" => "Install a newer AWS CLI in the image.",
            "AWS SDK for Go v2" => "Raise github.com/aws/aws-sdk-go-v2/config to 1.25.0 or later.",
            "AWS SDK for Go v1" => {
                "Raise github.com/aws/aws-sdk-go, or move to v2: v1 is out of support."
            }
            "AWS SDK for Java 1.x" => {
                "Raise the version of aws-java-sdk-bom, or move to 2.x: 1.x is out of support."
            }
            "AWS SDK for Java 2.x" => {
                "Raise the version of the bom; IRSA also needs the module sts on the class path."
            }
            "AWS SDK for JavaScript v2" => "Raise aws-sdk, or move to v3: v2 is out of support.",
            "AWS SDK for JavaScript v3" => "Raise all @aws-sdk packages together.",
            ".NET" | "AWS SDK for .NET" => {
                "Raise AWSSDK.Core and the service packages; IRSA also needs AWSSDK.SecurityToken."
            }
            _ => {
                "Raise the SDK where the program's dependencies are declared, and build the image anew."
            }
        }
    }

    /// Tells whether the fix is a role of its own.
    fn makes_role(&self) -> bool {
        self.case.needs_binding()
    }
}

impl Case {
    /// Tells whether there is no binding yet that could be mended.
    fn needs_binding(&self) -> bool {
        match self.cause {
            Cause::NoBinding => true,
            Cause::HostNetwork => self.role_arn.is_none(),
            // Before it is known who it is for, no role is made.
            Cause::Unknown => self.role_arn.is_none() && self.service_account.is_some(),
            _ => false,
        }
    }
}

/// Tells whether a value may stand in a command. Control characters and characters that change the
/// direction of writing are in no AWS or Kubernetes name, and could make a command look like another.
pub(crate) fn is_usable(value: &str) -> bool {
    value.chars().count() <= MAX_VALUE_CHARS
        && value.chars().all(|c| {
            !c.is_control()
                && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        })
}

/// Longest role name that IAM takes.
const ROLE_NAME_CHARS: usize = 64;

/// Makes a role's name of other names. Names that are too long are cut, and get a hash so that they
/// stay apart.
fn role_name_of(names: &[&str]) -> String {
    let name: String = names
        .join("-")
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "+=,.@_-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    if name.is_empty() {
        return "workload-role".to_owned();
    }
    if name.len() <= ROLE_NAME_CHARS {
        return name;
    }
    let hash = names.join("/").bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // All characters are ASCII by now.
    format!("{}-{hash:08x}", &name[..ROLE_NAME_CHARS - 9])
}

#[cfg(test)]
mod tests;
