//! The `userIdentity` element: who made the call.

use std::borrow::Cow;

use super::json::{self, ObjectWriter};
use super::record::{Record, Text, set_id, set_text, set_time};

/// Fills the identity columns from a `userIdentity` object. What has no column goes to
/// `user_identity_extra`, in its nesting.
pub(super) fn fill<'a>(record: &mut Record<'a>, text: &'a str) {
    let mut extra = ObjectWriter::default();
    for member in json::members(text) {
        let value = member.value;
        let taken = match member.key {
            "type" => set_text(&mut record.identity_type, value),
            "principalId" => set_id(&mut record.principal_id, value),
            "arn" => set_id(&mut record.identity_arn, value),
            "accountId" => set_id(&mut record.account_id, value),
            "accessKeyId" => set_id(&mut record.access_key_id, value),
            "userName" => set_text(&mut record.user_name, value),
            "invokedBy" => set_text(&mut record.invoked_by, value),
            "identityProvider" => set_id(&mut record.identity_provider, value),
            "sessionContext" => nested(&mut extra, member.key, value, |key, value, rest| {
                session_context(record, key, value, rest)
            }),
            _ => false,
        };
        if !taken {
            extra.push(member.key, value);
        }
    }
    record.user_identity_extra = extra.finish().map(Cow::Owned);
    record.session_name = session_name(record);
}

/// Walks an object whose members `take` may claim; the others are kept in `extra` under the
/// object's own name. `false` if the value is no object.
fn nested<'a>(
    extra: &mut ObjectWriter,
    raw_key: &str,
    value: &'a str,
    mut take: impl FnMut(&'a str, &'a str, &mut ObjectWriter) -> bool,
) -> bool {
    if value == "null" {
        return true;
    }
    if !value.starts_with('{') {
        return false;
    }
    let mut rest = ObjectWriter::default();
    for member in json::members(value) {
        if !take(member.key, member.value, &mut rest) {
            rest.push(member.key, member.value);
        }
    }
    if let Some(rest) = rest.finish() {
        extra.push(raw_key, &rest);
    }
    true
}

fn session_context<'a>(
    record: &mut Record<'a>,
    raw_key: &'a str,
    value: &'a str,
    rest: &mut ObjectWriter,
) -> bool {
    match raw_key {
        "sessionIssuer" => nested(rest, raw_key, value, |key, value, _| match key {
            "arn" => set_id(&mut record.session_issuer_arn, value),
            "principalId" => set_id(&mut record.session_issuer_id, value),
            _ => false,
        }),
        "webIdFederationData" => nested(rest, raw_key, value, |key, value, rest| match key {
            "federatedProvider" => set_id(&mut record.federated_provider, value),
            "attributes" => nested(rest, key, value, |_, _, _| false),
            _ => false,
        }),
        "attributes" => nested(rest, raw_key, value, |key, value, _| match key {
            "creationDate" => set_time(&mut record.session_created_at, value),
            _ => false,
        }),
        "ec2RoleDelivery" => set_text(&mut record.ec2_role_delivery, value),
        "sourceIdentity" => set_id(&mut record.source_identity, value),
        _ => false,
    }
}

/// Session names hold neither colons nor slashes (STS API: `[\w+=,.@-]*`).
fn session_name<'a>(record: &Record<'a>) -> Text<'a> {
    let session = matches!(
        record.identity_type.as_deref(),
        Some("AssumedRole" | "FederatedUser")
    );
    let behind_colon = record
        .principal_id
        .as_ref()
        .filter(|_| session)
        .and_then(|id| tail(id, ':'));
    behind_colon.or_else(|| {
        let arn = record
            .identity_arn
            .as_ref()
            .filter(|arn| arn.contains(":assumed-role/"))?;
        tail(arn, '/')
    })
}

/// What stands behind the last `sign`, borrowed if the whole is.
fn tail<'a>(text: &Cow<'a, str>, sign: char) -> Text<'a> {
    let part = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.rsplit_once(sign)?.1),
        Cow::Owned(text) => Cow::Owned(text.rsplit_once(sign)?.1.to_owned()),
    };
    (!part.is_empty()).then_some(part)
}

#[cfg(test)]
mod tests;
