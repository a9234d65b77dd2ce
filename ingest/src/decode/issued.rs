//! What an STS or EKS Auth event issued: the link from a workload to its later calls.
//!
//! Shapes: IAM User Guide, "Logging IAM and AWS STS API calls with AWS `CloudTrail`"; EKS User Guide,
//! "EKS Pod Identity".

use std::borrow::Cow;

use super::json::{self, ObjectWriter};
use super::record::{Record, Text, set_id, set_time};

/// Filter that the Amazon VPC CNI plugin sends with the name of its cluster.
const CLUSTER_FILTER: &str = "tag:cluster.k8s.amazonaws.com/name";

/// Fills the columns of issued credentials and the cluster hint from what is already in `record`.
pub(super) fn fill(record: &mut Record<'_>) {
    let name = record.event_name.as_deref().unwrap_or_default();
    if name == "DescribeNetworkInterfaces" {
        record.cluster_hint = slice(record.request_parameters.as_ref()).and_then(cluster_filter);
        return;
    }
    if !issues_credentials(name, record.event_source.as_deref()) {
        return;
    }
    let pod_identity = name == "AssumeRoleForPodIdentity";
    if let Some(text) = slice(record.request_parameters.as_ref()) {
        request(record, text, pod_identity);
    }
    if let Some(text) = slice(record.response_elements.as_ref()) {
        response(record, text);
    }
    if record.identity_type.as_deref() == Some("WebIdentityUser") {
        record.subject = record
            .subject
            .take()
            .or_else(|| record.user_name.clone().filter(|name| !name.is_empty()));
        record.audience = record
            .audience
            .take()
            .or_else(|| principal_audience(record));
    }
}

/// Gives the cluster that a call itself names, from what `events` keeps of it.
pub(crate) fn cluster_hint(
    event_source: Option<&str>,
    event_name: Option<&str>,
    request_parameters: Option<&str>,
) -> Option<String> {
    let mut record = Record {
        event_source: event_source.map(Cow::Borrowed),
        event_name: event_name.map(Cow::Borrowed),
        request_parameters: request_parameters.map(Cow::Borrowed),
        ..Record::default()
    };
    fill(&mut record);
    record.cluster_hint.map(Cow::into_owned)
}

fn issues_credentials(name: &str, source: Option<&str>) -> bool {
    let named =
        name.starts_with("AssumeRole") || matches!(name, "GetFederationToken" | "GetSessionToken");
    named
        && source.is_none_or(|source| source.starts_with("sts.") || source.starts_with("eks-auth."))
}

/// JSON columns are borrowed from the record's text.
fn slice<'a>(column: Option<&Cow<'a, str>>) -> Option<&'a str> {
    match column {
        Some(Cow::Borrowed(text)) => Some(text),
        _ => None,
    }
}

fn request<'a>(record: &mut Record<'a>, text: &'a str, pod_identity: bool) {
    let mut tags = ObjectWriter::default();
    let mut external_id = None;
    for member in json::members(text) {
        let value = member.value;
        match member.key {
            "roleArn" => {
                set_id(&mut record.requested_role_arn, value);
            }
            "roleSessionName" => {
                set_id(&mut record.requested_session_name, value);
            }
            "durationSeconds" => record.duration_seconds = whole_number(value),
            "externalId" if value != "null" => {
                set_id(&mut record.external_id, value);
                external_id = Some(value);
            }
            "clusterName" if pod_identity => {
                set_id(&mut record.cluster_hint, value);
            }
            "tags" => {
                push_tags(&mut tags, "tags", value);
                record.cluster_hint = record.cluster_hint.take().or_else(|| cluster_tag(value));
            }
            "principalTags" => push_tags(&mut tags, "principal_tags", value),
            "incomingTransitiveTags" => {
                push_tags(&mut tags, "incoming_transitive_tags", value);
                record.cluster_hint = record.cluster_hint.take().or_else(|| cluster_tag(value));
            }
            _ => {}
        }
    }
    if let Some(external_id) = external_id {
        tags.push("external_id", external_id);
    }
    record.session_tags = tags.finish().map(Cow::Owned);
    record
        .issued_role_arn
        .clone_from(&record.requested_role_arn);
    record
        .issued_session_name
        .clone_from(&record.requested_session_name);
}

fn response<'a>(record: &mut Record<'a>, text: &'a str) {
    for member in json::members(text) {
        let value = member.value;
        match member.key {
            "credentials" => {
                for member in json::members(value) {
                    match member.key {
                        "accessKeyId" => set_id(&mut record.issued_access_key_id, member.value),
                        "expiration" => set_time(&mut record.issued_expires_at, member.value),
                        _ => false,
                    };
                }
            }
            "assumedRoleUser" | "federatedUser" => {
                if let Some(arn) = json::find(value, "arn") {
                    set_id(&mut record.issued_arn, arn);
                }
            }
            "subjectFromWebIdentityToken" => {
                set_id(&mut record.subject, value);
            }
            "audience" => {
                set_id(&mut record.audience, value);
            }
            _ => {}
        }
    }
}

/// Tags come as a list of `{key, value}` or as a map.
fn tag_pairs(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let listed = json::elements(value).filter_map(|element| {
        let (mut key, mut tag) = (None, None);
        for member in json::members(element) {
            match member.key {
                "key" | "Key" => {
                    key = member
                        .value
                        .strip_prefix('"')
                        .and_then(|text| text.strip_suffix('"'));
                }
                "value" | "Value" => tag = Some(member.value),
                _ => {}
            }
        }
        Some((key?, tag.unwrap_or("null")))
    });
    listed.chain(json::members(value).map(|member| (member.key, member.value)))
}

fn push_tags(out: &mut ObjectWriter, name: &str, value: &str) {
    let mut object = ObjectWriter::default();
    for (key, value) in tag_pairs(value) {
        object.push(key, value);
    }
    if let Some(object) = object.finish() {
        out.push(name, &object);
    }
}

/// The name, or the last part of the ARN if only that was passed on.
fn cluster_tag(value: &str) -> Text<'_> {
    let named = |wanted: &str| {
        tag_pairs(value)
            .find(|(key, _)| *key == wanted)
            .and_then(|(_, value)| json::string(value))
    };
    let name = named("eks-cluster-name").filter(|name| !name.is_empty());
    name.or_else(|| {
        let arn = named("eks-cluster-arn")?;
        arn.rsplit_once(":cluster/")
            .map(|(_, name)| Cow::Owned(name.to_owned()))
    })
}

fn cluster_filter(parameters: &str) -> Text<'_> {
    let items = json::find(json::find(parameters, "filterSet")?, "items")?;
    let filter = json::elements(items).find(|item| {
        json::find(item, "name")
            .and_then(json::string)
            .is_some_and(|name| name == CLUSTER_FILTER)
    })?;
    let values = json::find(json::find(filter, "valueSet")?, "items")?;
    let mut values =
        json::elements(values).filter_map(|item| json::find(item, "value").and_then(json::string));
    // Several names are a search, not the caller's own cluster.
    let first = values.next().filter(|name| !name.is_empty())?;
    values.next().is_none().then_some(first)
}

#[allow(clippy::cast_possible_truncation)] // a session lasts at most days; the cast saturates
fn whole_number(value: &str) -> Option<i64> {
    let number: f64 = json::text(value)?.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number as i64)
}

/// `principalId` is `<provider>:<audience>:<subject>`, and all three may hold colons.
fn principal_audience<'a>(record: &Record<'a>) -> Text<'a> {
    let (provider, subject) = (
        record.identity_provider.as_deref()?,
        record.user_name.as_deref()?,
    );
    let middle = |id: &str| {
        let rest = id.strip_prefix(provider)?.strip_prefix(':')?;
        let audience = rest.strip_suffix(subject)?.strip_suffix(':')?;
        let from = provider.len() + 1;
        (!audience.is_empty()).then(|| from..from + audience.len())
    };
    match record.principal_id.as_ref()? {
        Cow::Borrowed(id) => Some(Cow::Borrowed(&id[middle(id)?])),
        Cow::Owned(id) => Some(Cow::Owned(id[middle(id)?].to_owned())),
    }
}

#[cfg(test)]
mod tests;
