//! One `CloudTrail` record, typed and free of credentials.
//!
//! Member names and meanings: AWS `CloudTrail` User Guide, "`CloudTrail` record contents" and
//! "`CloudTrail` userIdentity element".

use std::borrow::Cow;

use super::json::{self, ObjectWriter};
use super::split::Span;
use super::{canonical, identity, issued, time};

/// Text borrowed from the input where possible.
pub type Text<'a> = Option<Cow<'a, str>>;

/// One record: the columns of `events` that come from the record itself, and hints for attribution.
/// Times are microseconds since the epoch, UTC. JSON columns hold compact JSON text. Nothing of the
/// record is lost except credentials, nulls, and empty objects of the session context.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// Ordinal among all records and rejects of the object, from 0.
    pub position: u64,
    /// Byte offset in the inflated text of the value (or its outermost wrapper).
    pub offset: u64,

    /// `eventID`, or `derived-` and 32 hexadecimal digits of the SHA-256 of the record's canonical
    /// JSON when the record has none.
    pub event_id: Cow<'a, str>,
    /// `eventTime`.
    pub event_time: Option<i64>,
    /// `eventVersion`.
    pub event_version: Text<'a>,
    /// `eventSource`.
    pub event_source: Text<'a>,
    /// `eventName`.
    pub event_name: Text<'a>,
    /// `eventType`.
    pub event_type: Text<'a>,
    /// `eventCategory`.
    pub event_category: Text<'a>,
    /// `awsRegion`.
    pub aws_region: Text<'a>,
    /// `recipientAccountId`.
    pub recipient_account_id: Text<'a>,
    /// `sourceIPAddress`: an address, a service name or `AWS Internal`.
    pub source_ip_address: Text<'a>,
    /// `userAgent`.
    pub user_agent: Text<'a>,
    /// `errorCode`.
    pub error_code: Text<'a>,
    /// `errorMessage`.
    pub error_message: Text<'a>,
    /// `readOnly`.
    pub read_only: Option<bool>,
    /// `managementEvent`.
    pub management_event: Option<bool>,
    /// `requestID`.
    pub request_id: Text<'a>,
    /// `sharedEventID`: ties the copies of one action in several accounts.
    pub shared_event_id: Text<'a>,
    /// `vpcEndpointId`.
    pub vpc_endpoint_id: Text<'a>,

    /// `userIdentity.type`.
    pub identity_type: Text<'a>,
    /// `userIdentity.principalId`.
    pub principal_id: Text<'a>,
    /// `userIdentity.arn`.
    pub identity_arn: Text<'a>,
    /// `userIdentity.accountId`.
    pub account_id: Text<'a>,
    /// `userIdentity.accessKeyId`.
    pub access_key_id: Text<'a>,
    /// `userIdentity.userName`.
    pub user_name: Text<'a>,
    /// `userIdentity.invokedBy`.
    pub invoked_by: Text<'a>,
    /// `userIdentity.identityProvider`.
    pub identity_provider: Text<'a>,
    /// `sessionContext.sessionIssuer.arn`.
    pub session_issuer_arn: Text<'a>,
    /// `sessionContext.sessionIssuer.principalId`.
    pub session_issuer_id: Text<'a>,
    /// Role session name: the part of `principalId` behind its last colon, or the last part of an
    /// assumed-role ARN.
    pub session_name: Text<'a>,
    /// `sessionContext.attributes.creationDate`.
    pub session_created_at: Option<i64>,
    /// `sessionContext.webIdFederationData.federatedProvider`.
    pub federated_provider: Text<'a>,
    /// `sessionContext.ec2RoleDelivery`: the instance metadata version that delivered the credentials.
    pub ec2_role_delivery: Text<'a>,
    /// `sessionContext.sourceIdentity`.
    pub source_identity: Text<'a>,

    /// `responseElements.credentials.accessKeyId` of an event that issues credentials.
    pub issued_access_key_id: Text<'a>,
    /// `requestParameters.roleArn` of such an event, denied ones included.
    pub issued_role_arn: Text<'a>,
    /// `requestParameters.roleSessionName` of such an event, denied ones included.
    pub issued_session_name: Text<'a>,
    /// `responseElements.assumedRoleUser.arn` (or `federatedUser.arn`) of such an event.
    pub issued_arn: Text<'a>,
    /// `responseElements.credentials.expiration` of such an event.
    pub issued_expires_at: Option<i64>,
    /// Subject of the web identity token.
    pub subject: Text<'a>,
    /// Audience of the web identity token.
    pub audience: Text<'a>,
    /// JSON object with `tags`, `principal_tags`, `incoming_transitive_tags` and `external_id`, each
    /// only if present.
    pub session_tags: Text<'a>,

    /// `resources`, JSON.
    pub resources: Text<'a>,
    /// `requestParameters`, JSON.
    pub request_parameters: Text<'a>,
    /// `responseElements`, JSON.
    pub response_elements: Text<'a>,
    /// `additionalEventData`, JSON.
    pub additional_event_data: Text<'a>,
    /// Members of `userIdentity` without a column, in their nesting, JSON.
    pub user_identity_extra: Text<'a>,
    /// Members of the record without a column, and values a column could not take, JSON.
    pub extra: Text<'a>,

    /// `requestParameters.externalId` of an event that issues credentials.
    pub external_id: Text<'a>,
    /// `requestParameters.durationSeconds` of such an event.
    pub duration_seconds: Option<i64>,
    /// EKS cluster name that the record itself gives: `clusterName` of `AssumeRoleForPodIdentity`,
    /// the cluster filter of `DescribeNetworkInterfaces` (the VPC CNI plugin sends it), or the
    /// `eks-cluster-name` session tag.
    pub cluster_hint: Text<'a>,
    /// `requestParameters.roleArn` of an event that issues credentials, as asked for.
    pub requested_role_arn: Text<'a>,
    /// `requestParameters.roleSessionName` of such an event, as asked for.
    pub requested_session_name: Text<'a>,
}

/// Builds the record from compact, sound, redacted text and the places of its members. Names are compared
/// as they stand: the rewriting takes needless escapes out of them.
pub(super) fn build<'a>(text: &'a str, members: &[Span], position: u64, offset: u64) -> Record<'a> {
    let mut record = Record {
        position,
        offset,
        ..Record::default()
    };
    let mut event_id = None;
    let mut identity = None;
    let mut extra = ObjectWriter::default();
    for span in members {
        let (Some(raw_key), Some(value)) =
            (text.get(span.key.clone()), text.get(span.value.clone()))
        else {
            continue;
        };
        let taken = match raw_key {
            "eventID" if value.starts_with('"') => set_id(&mut event_id, value),
            "userIdentity" if identity.is_none() && value.starts_with('{') => {
                identity = Some(value);
                true
            }
            "eventID" | "userIdentity" => value == "null",
            _ => set_column(&mut record, raw_key, value),
        };
        if !taken {
            extra.push(raw_key, value);
        }
    }
    record.extra = extra.finish().map(Cow::Owned);
    if let Some(identity) = identity {
        identity::fill(&mut record, identity);
    }
    issued::fill(&mut record);
    record.event_id = event_id.unwrap_or_else(|| Cow::Owned(canonical::derived_id(text)));
    record
}

/// Puts the value into its column. `false` if there is none, if it is taken or if the value has
/// another type: it then goes to `extra`.
fn set_column<'a>(record: &mut Record<'a>, key: &str, value: &'a str) -> bool {
    match key {
        "eventTime" => set_time(&mut record.event_time, value),
        "eventVersion" => set_text(&mut record.event_version, value),
        "eventSource" => set_text(&mut record.event_source, value),
        "eventName" => set_text(&mut record.event_name, value),
        "eventType" => set_text(&mut record.event_type, value),
        "eventCategory" => set_text(&mut record.event_category, value),
        "awsRegion" => set_text(&mut record.aws_region, value),
        "recipientAccountId" => set_id(&mut record.recipient_account_id, value),
        "sourceIPAddress" => set_text(&mut record.source_ip_address, value),
        "userAgent" => set_text(&mut record.user_agent, value),
        "errorCode" => set_text(&mut record.error_code, value),
        "errorMessage" => set_text(&mut record.error_message, value),
        "readOnly" => set_bool(&mut record.read_only, value),
        "managementEvent" => set_bool(&mut record.management_event, value),
        "requestID" => set_id(&mut record.request_id, value),
        "sharedEventID" => set_id(&mut record.shared_event_id, value),
        "vpcEndpointId" => set_id(&mut record.vpc_endpoint_id, value),
        "resources" => set_json(&mut record.resources, value),
        "requestParameters" => set_json(&mut record.request_parameters, value),
        "responseElements" => set_json(&mut record.response_elements, value),
        "additionalEventData" => set_json(&mut record.additional_event_data, value),
        _ => false,
    }
}

/// Text as it is; the JSON text of a value of another type.
pub(super) fn set_text<'a>(slot: &mut Text<'a>, value: &'a str) -> bool {
    if slot.is_some() {
        return false;
    }
    *slot = json::text(value);
    true
}

/// As [`set_text`] for ids and ARNs: an empty one is none.
pub(super) fn set_id<'a>(slot: &mut Text<'a>, value: &'a str) -> bool {
    if slot.is_some() {
        return false;
    }
    *slot = json::text(value).filter(|text| !text.is_empty());
    true
}

/// A JSON column; null is none.
fn set_json<'a>(slot: &mut Text<'a>, value: &'a str) -> bool {
    if slot.is_some() {
        return false;
    }
    *slot = (value != "null").then_some(Cow::Borrowed(value));
    true
}

/// A time as text or number. `false` if it cannot be read.
pub(super) fn set_time(slot: &mut Option<i64>, value: &str) -> bool {
    if slot.is_some() {
        return false;
    }
    *slot = match json::string(value) {
        Some(text) if text.is_empty() => return true,
        Some(text) => time::parse(&text),
        None if value == "null" => return true,
        None => time::parse_number(value),
    };
    slot.is_some()
}

fn set_bool(slot: &mut Option<bool>, value: &str) -> bool {
    if slot.is_some() {
        return false;
    }
    let text = value.trim_matches('"');
    *slot = if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        return matches!(value, "null" | "\"\"");
    };
    true
}

#[cfg(test)]
mod tests;
