//! What roles may do: their own policies, and the managed ones attached to them.

use std::collections::BTreeSet;

use aws_sdk_iam::Client;
use futures::stream::{self, StreamExt};
use serde_json::{Map, Value, json};

use super::super::{IAM_CALLS, Reader};
use super::policy;
use crate::collect::Closed;
use crate::collect::permissions as calls;

/// The policies of a role, as get-account-authorization-details shows them.
pub(super) struct Policies {
    inline: Vec<Value>,
    attached: Vec<Value>,
}

impl Policies {
    /// ARNs of those that are attached.
    pub(super) fn managed(&self) -> impl Iterator<Item = String> {
        let arns = self.attached.iter();
        arns.filter_map(|policy| Some(policy.get("PolicyArn")?.as_str()?.to_owned()))
    }

    /// The members of the role that hold them.
    pub(super) fn into_members(self) -> Map<String, Value> {
        let lists = [
            ("RolePolicyList", self.inline),
            ("AttachedManagedPolicies", self.attached),
        ];
        lists
            .into_iter()
            .map(|(name, list)| (name.to_owned(), list.into()))
            .collect()
    }
}

/// Reads the policies of a role; `None` where they cannot be read as a whole.
pub(super) async fn of_role(
    reader: &Reader<'_>,
    client: &Client,
    name: &str,
) -> Result<Option<Policies>, Closed> {
    let Some(attached) = attached(reader, client, name).await? else {
        return Ok(None);
    };
    let Some(inline) = inline(reader, client, name).await? else {
        return Ok(None);
    };
    Ok(Some(Policies { inline, attached }))
}

async fn attached(
    reader: &Reader<'_>,
    client: &Client,
    name: &str,
) -> Result<Option<Vec<Value>>, Closed> {
    let pages = client.list_attached_role_policies().role_name(name);
    let pages = pages.into_paginator().send();
    let call = calls::LIST_ATTACHED_ROLE_POLICIES;
    let attached = reader.pages(call, name, pages, |page| {
        let policies = page.attached_policies().iter();
        let shown = policies.map(
            |policy| json!({"PolicyName": policy.policy_name(), "PolicyArn": policy.policy_arn()}),
        );
        shown.collect()
    });
    Ok(attached.await?.map(|(attached, _)| attached))
}

async fn inline(
    reader: &Reader<'_>,
    client: &Client,
    name: &str,
) -> Result<Option<Vec<Value>>, Closed> {
    let pages = client.list_role_policies().role_name(name);
    let pages = pages.into_paginator().send();
    let names = reader.pages(calls::LIST_ROLE_POLICIES, name, pages, |page| {
        page.policy_names().to_vec()
    });
    let Some((names, _)) = names.await? else {
        return Ok(None);
    };
    let mut inline = Vec::with_capacity(names.len());
    for of_role in names {
        let request = client.get_role_policy().role_name(name);
        let result = request.policy_name(of_role).send().await;
        let answer = reader.answer(calls::GET_ROLE_POLICY, name, result).await?;
        let Some((answer, _)) = answer else {
            return Ok(None);
        };
        inline.push(json!({
            "PolicyName": answer.policy_name(),
            "PolicyDocument": policy(answer.policy_document()),
        }));
    }
    Ok(Some(inline))
}

/// Reads managed policies, each in the version that counts.
pub(super) async fn managed(
    reader: &Reader<'_>,
    client: &Client,
    arns: BTreeSet<String>,
) -> Result<(), Closed> {
    let mut answers = stream::iter(arns)
        .map(|arn| async move { one(reader, client, &arn).await })
        .buffered(IAM_CALLS);
    while let Some(answer) = answers.next().await {
        if let Some((policy, at)) = answer? {
            let policy = json!({"Policy": policy});
            reader
                .document(None, at, calls::GET_POLICY_VERSION, &policy)
                .await?;
        }
    }
    Ok(())
}

async fn one(
    reader: &Reader<'_>,
    client: &Client,
    arn: &str,
) -> Result<Option<(Value, i64)>, Closed> {
    let result = client.get_policy().policy_arn(arn).send().await;
    let Some((answer, _)) = reader.answer(calls::GET_POLICY, arn, result).await? else {
        return Ok(None);
    };
    let Some((known, version)) = answer
        .policy()
        .and_then(|known| Some((known, known.default_version_id()?)))
    else {
        return Ok(None);
    };
    let request = client.get_policy_version().policy_arn(arn);
    let result = request.version_id(version).send().await;
    let call = calls::GET_POLICY_VERSION;
    let Some((answer, at)) = reader.answer(call, arn, result).await? else {
        return Ok(None);
    };
    let document = answer.policy_version().and_then(|found| found.document());
    Ok(Some((
        json!({
            "PolicyName": known.policy_name(),
            "PolicyId": known.policy_id(),
            "Arn": arn,
            "PolicyVersionList":
                [{"VersionId": version, "IsDefaultVersion": true, "Document": document.map(policy)}],
        }),
        at,
    )))
}
