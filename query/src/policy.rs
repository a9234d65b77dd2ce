//! A least-privilege policy from the calls that were seen.
//!
//! A policy can only be as complete as the trail: what it may lack, and where it is wider than the calls,
//! stands in its notes.

mod document;
mod granted;
mod notes;
mod workload;

pub use granted::{Allowed, GrantedPolicy, GrantedRole};
pub(crate) use notes::joined;
pub use workload::of_workload;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::error::Result;
use crate::iam_actions::{IamActions, Needs, Request, Resources, Scope};
use crate::text;
use document::documents;

/// More distinct object keys of one bucket than this become the whole bucket: keys are data, and a
/// policy that lists them is out of date with the next one.
pub const MAX_OBJECT_KEYS: usize = 8;

/// More distinct resources of one kind than this become all of the kind.
pub const MAX_RESOURCES: usize = 20;

/// A call, or calls alike, from the tables.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call<'a> {
    /// `eventSource`, such as `s3.amazonaws.com`.
    pub event_source: &'a str,
    /// `eventName`.
    pub event_name: &'a str,
    /// `errorCode`.
    pub error_code: Option<&'a str>,
    /// `awsRegion`.
    pub region: &'a str,
    /// The account the call was made in.
    pub account_id: &'a str,
    /// `resources` as JSON.
    pub resources_json: Option<&'a str>,
    /// `requestParameters` as JSON.
    pub request_parameters_json: Option<&'a str>,
    /// `managementEvent`; false for data events.
    pub management_event: Option<bool>,
    /// Role of the workload's own (IRSA, EKS Pod Identity) that it was made with.
    pub role_arn: Option<&'a str>,
    /// What it is about, where its request is not at hand.
    pub about: About<'a>,
    /// How many calls there were.
    pub calls: u64,
}

/// What is known of what a call is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum About<'a> {
    /// What its request and the resources of its record say.
    #[default]
    Request,
    /// The request is not at hand: it named this bucket, queue or the like, by one of
    /// [`podtrail_ingest::RESOURCE_MEMBERS`].
    Name(&'a str),
    /// The request is not at hand, and no such name of it.
    Unknown,
}

/// What to put into a policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Grant also what was refused; else it only stands in the notes.
    pub include_denied: bool,
}

/// A policy, and what to know before using it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// IAM policy documents. One, unless it would be longer than a managed policy may be; none when no
    /// call needs a permission.
    pub documents: Vec<Value>,
    /// What to know before using it.
    pub notes: Vec<Note>,
    /// Calls that no action is known for.
    pub unmapped: Vec<Unmapped>,
    /// What the roles that the workload used as its own may do, beside what it did; none where it used none.
    pub granted: Vec<GrantedRole>,
    /// Actions that were refused, and are not granted. The notes say on what.
    #[serde(skip)]
    pub refused: BTreeSet<String>,
}

/// One thing to know about a policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Note {
    /// What kind of note it is.
    pub code: NoteCode,
    /// The note, a sentence.
    pub text: String,
}

/// Kinds of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoteCode {
    /// Data events of a service that is used were not recorded.
    DataEventsMissing,
    /// The trail has no data events at all.
    NoDataEvents,
    /// Calls were refused.
    Denied,
    /// Actions were named by the general rule.
    GeneralRule,
    /// Resources are `*` because the record does not name them.
    ResourceNotNamed,
    /// Resources are `*` because no rule names them.
    ResourceUnknown,
    /// Resources are `*` because the actions take none.
    NoResourceLevel,
    /// Resources were put together.
    Generalised,
    /// Calls that need no permission.
    NoPermission,
    /// The policy is in several documents.
    Split,
}

/// A call that no action is known for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unmapped {
    /// `eventSource`.
    pub event_source: String,
    /// `eventName`.
    pub event_name: String,
    /// Why.
    pub reason: String,
    /// How many calls there were.
    pub calls: u64,
}

/// Action to the resources it was used on.
type Grants = BTreeMap<String, BTreeSet<String>>;

/// Role to the actions that were used with it.
type UsedByRole = BTreeMap<String, BTreeSet<String>>;

/// Everything that the calls say.
#[derive(Debug, Default)]
struct Gathered {
    allowed: Grants,
    denied: Grants,
    used: BTreeSet<String>,
    used_by_role: UsedByRole,
    used_data_events: BTreeSet<String>,
    data_events_seen: bool,
    general: BTreeSet<String>,
    unknown_services: BTreeSet<String>,
    not_named: BTreeSet<String>,
    no_rule: BTreeSet<String>,
    no_resource_level: BTreeSet<String>,
    widened: BTreeSet<String>,
    nothing: BTreeSet<(String, String)>,
    unmapped: BTreeMap<(String, String, String), u64>,
}

/// Makes a policy that allows the calls; what is granted already it does not know.
///
/// # Errors
/// Fails only when the rules that ship with podtrail are malformed.
pub fn policy<'a>(calls: impl IntoIterator<Item = Call<'a>>, options: Options) -> Result<Policy> {
    Ok(made(calls, options)?.0)
}

/// Makes a policy, and tells which actions each role was used for.
fn made<'a>(
    calls: impl IntoIterator<Item = Call<'a>>,
    options: Options,
) -> Result<(Policy, UsedByRole)> {
    let rules = IamActions::built_in()?;
    let mut gathered = Gathered::default();
    for call in calls {
        gathered.add(rules, &call);
    }
    if options.include_denied {
        for (action, resources) in &gathered.denied {
            gathered
                .allowed
                .entry(action.clone())
                .or_default()
                .extend(resources.iter().cloned());
        }
    }
    let mut notes = gathered.notes(rules, options);
    let refused = if options.include_denied {
        BTreeSet::new()
    } else {
        let only_denied = gathered.only_denied(options).into_iter();
        only_denied.map(|(action, _)| action.clone()).collect()
    };
    let mut grants = gathered.allowed;
    for (action, resources) in &mut grants {
        if let Some(note) = generalise(action, resources) {
            notes.push(note);
        }
    }
    let documents = documents(&grants);
    if documents.len() > 1 {
        notes.push(Note {
            code: NoteCode::Split,
            text: format!(
                "one managed policy may have {} characters; this one is split into {} policies, attach all of them",
                document::MAX_POLICY_CHARS,
                documents.len()
            ),
        });
    }
    notes.sort();
    let unmapped = gathered
        .unmapped
        .into_iter()
        .map(|((event_source, event_name, reason), calls)| Unmapped {
            event_source,
            event_name,
            reason,
            calls,
        })
        .collect();
    let policy = Policy {
        documents,
        notes,
        unmapped,
        granted: Vec::new(),
        refused,
    };
    Ok((policy, gathered.used_by_role))
}

/// Gives the partition of a region. Source: AWS general reference, partitions of the endpoints file.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
    ]
    .into_iter()
    .find_map(|(start, partition)| region.starts_with(start).then_some(partition))
    .unwrap_or("aws")
}

/// Tells whether an error code means that a permission may have been missing: what is not certain to be a
/// denial is not granted either.
#[must_use]
pub fn is_denied(error_code: &str) -> bool {
    text::is_denied(error_code)
        || matches!(
            text::error_name(error_code),
            "Forbidden" | "UnauthorizedAccess"
        )
}

impl Gathered {
    fn add(&mut self, rules: &IamActions, call: &Call<'_>) {
        if let Some(role) = call.role_arn {
            self.used_by_role.entry(role.to_owned()).or_default();
        }
        let json = |text: Option<&str>| {
            text.and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or(Value::Null)
        };
        let parameters: Value = json(call.request_parameters_json);
        let (prefix, actions, service_known) =
            match rules.needs(call.event_source, call.event_name, &parameters) {
                Needs::Actions {
                    prefix,
                    actions,
                    service_known,
                } => (prefix, actions, service_known),
                Needs::Nothing { reason } => {
                    self.nothing.insert((call.event_name.to_owned(), reason));
                    return;
                }
                Needs::Unknown { reason } => {
                    let key = (
                        call.event_source.to_owned(),
                        call.event_name.to_owned(),
                        reason,
                    );
                    let calls = self.unmapped.entry(key).or_default();
                    *calls = calls.saturating_add(call.calls);
                    return;
                }
            };
        if call.management_event == Some(false) {
            self.data_events_seen = true;
            self.used_data_events.insert(prefix.clone());
        }
        if !service_known {
            self.unknown_services.insert(call.event_source.to_owned());
        }
        self.used.insert(prefix);
        let record = json(call.resources_json);
        let request = Request {
            event_name: call.event_name,
            scope: Scope {
                partition: partition(call.region),
                region: call.region,
                account: call.account_id,
            },
            parameters: &parameters,
            resources: &record,
            about: call.about,
        };
        let denied = call.error_code.is_some_and(is_denied);
        if let Some(role) = call.role_arn.filter(|_| !denied) {
            let used = self.used_by_role.entry(role.to_owned()).or_default();
            used.extend(actions.iter().cloned());
        }
        for action in actions {
            let resources = self.resources(rules, &action, &request);
            if !rules.names(&action) {
                self.general.insert(action.clone());
            }
            let grants = if denied {
                &mut self.denied
            } else {
                &mut self.allowed
            };
            grants.entry(action).or_default().extend(resources);
        }
    }

    fn resources(
        &mut self,
        rules: &IamActions,
        action: &str,
        request: &Request<'_>,
    ) -> BTreeSet<String> {
        let why = match rules.resources(action, request) {
            Resources::Arns { arns, widened } => {
                if widened {
                    self.widened.insert(action.to_owned());
                }
                return arns;
            }
            Resources::NoResourceLevel => &mut self.no_resource_level,
            Resources::NotNamed => &mut self.not_named,
            Resources::NoRule => &mut self.no_rule,
        };
        why.insert(action.to_owned());
        BTreeSet::from(["*".to_owned()])
    }
}

/// Puts resources of an action together where there are many of a kind.
fn generalise(action: &str, resources: &mut BTreeSet<String>) -> Option<Note> {
    if resources.contains("*") {
        resources.retain(|one| one == "*");
        return None;
    }
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for kind in resources.iter().filter_map(|arn| kind_of(arn)) {
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    kinds.retain(|kind, count| {
        let most = if kind.contains(":s3:::") {
            MAX_OBJECT_KEYS
        } else {
            MAX_RESOURCES
        };
        *count > most
    });
    for kind in kinds.keys() {
        resources.insert(format!("{kind}*"));
    }
    let wide: Vec<String> = resources
        .iter()
        .filter_map(|one| one.strip_suffix('*').map(str::to_owned))
        .collect();
    resources.retain(|one| {
        !wide
            .iter()
            .any(|start| one.starts_with(start.as_str()) && one.strip_suffix('*') != Some(start))
    });
    let names: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{count} of {kind}*"))
        .collect();
    (!names.is_empty()).then(|| Note {
        code: NoteCode::Generalised,
        text: format!("{action} was used on many resources: {}", names.join(", ")),
    })
}

/// Gives what an ARN has in common with others of its kind: all before the last part, or the bucket of
/// an object.
fn kind_of(arn: &str) -> Option<&str> {
    if arn.ends_with('*') {
        return None;
    }
    let (at, _) = if arn.contains(":s3:::") {
        // A bucket has no kind: not all buckets are meant.
        arn.match_indices('/').next()?
    } else {
        arn.rmatch_indices(['/', ':']).next()?
    };
    arn.get(..=at)
}

#[cfg(test)]
mod tests;
