//! The IAM roles that matter to clusters, with their policies, and instance profiles.

mod policies;

use std::collections::BTreeSet;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{InstanceProfile, Role};
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::json::Members;
use super::{Found, IAM_CALLS, Options, Reader};
use crate::collect::Closed;
use crate::collect::permissions as calls;
use crate::percent;

/// Roles per page; the most IAM allows.
const PAGE_ITEMS: i32 = 1000;

/// What a trust policy says that lets pods of EKS in: the issuer of a cluster's tokens, or the principal
/// of EKS Pod Identity.
const TRUSTED: [&str; 2] = ["oidc.eks.", "pods.eks.amazonaws.com"];

/// Reads the roles that clusters and nodes use, that their service accounts name, and that trust pods.
pub(super) async fn read(
    reader: &Reader<'_>,
    options: &Options,
    found: &Found,
) -> Result<(), Closed> {
    let client = Client::new(reader.config);
    let own = |arn: &&String| {
        let account = arn.split(':').nth(4);
        found.account_id.is_none() || account == found.account_id.as_deref()
    };
    let named = found.role_arns.iter().chain(&options.role_arns).filter(own);
    let mut names: BTreeSet<String> = named.filter_map(|arn| last(arn)).collect();
    names.extend(profiles(reader, &client, found).await?);
    let listed = trusting(reader, &client, &names).await?;
    names.extend(listed.iter().map(|role| role.role_name.clone()));
    roles(reader, &client, names, &listed).await
}

/// The name at the end of an ARN, whatever the path.
fn last(arn: &str) -> Option<String> {
    let (_, name) = arn.rsplit_once('/')?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// Reads the instance profiles; the names of their roles.
async fn profiles(
    reader: &Reader<'_>,
    client: &Client,
    found: &Found,
) -> Result<BTreeSet<String>, Closed> {
    let call = calls::GET_INSTANCE_PROFILE;
    let names = found.profile_arns.iter().filter_map(|arn| last(arn));
    let mut answers = stream::iter(names)
        .map(|name| async move {
            let request = client.get_instance_profile().instance_profile_name(&name);
            reader.answer(call, &name, request.send().await).await
        })
        .buffered(IAM_CALLS);
    let mut roles = BTreeSet::new();
    while let Some(answer) = answers.next().await {
        let Some((answer, at)) = answer? else {
            continue;
        };
        let Some(profile) = answer.instance_profile else {
            continue;
        };
        reader
            .document(None, at, call, &profile_json(&profile))
            .await?;
        roles.extend(profile.roles.into_iter().map(|role| role.role_name));
    }
    Ok(roles)
}

/// The roles that trust pods, and those among the named ones: what is known of them should a role not
/// be readable by itself.
async fn trusting(
    reader: &Reader<'_>,
    client: &Client,
    names: &BTreeSet<String>,
) -> Result<Vec<Role>, Closed> {
    let pages = client.list_roles().into_paginator().page_size(PAGE_ITEMS);
    let mut pages = pages.send();
    let mut listed = Vec::new();
    while let Some(page) = pages.next().await {
        let Some((page, _)) = reader.answer(calls::LIST_ROLES, "", page).await? else {
            break;
        };
        let matters = |role: &Role| names.contains(&role.role_name) || trusts_pods(role);
        listed.extend(page.roles.into_iter().filter(matters));
    }
    Ok(listed)
}

fn trusts_pods(role: &Role) -> bool {
    let policy = role.assume_role_policy_document().unwrap_or_default();
    let policy = percent::decoded(policy).unwrap_or_default();
    TRUSTED.iter().any(|trusted| policy.contains(trusted))
}

/// Reads each role: only this tells when it was used last, and what it may do.
async fn roles(
    reader: &Reader<'_>,
    client: &Client,
    names: BTreeSet<String>,
    listed: &[Role],
) -> Result<(), Closed> {
    let call = calls::GET_ROLE;
    let mut answers = stream::iter(names)
        .map(|name| async move {
            let result = client.get_role().role_name(&name).send().await;
            let answer = reader.answer(call, &name, result).await?;
            let policies = policies::of_role(reader, client, &name).await?;
            Ok((answer, policies, name))
        })
        .buffered(IAM_CALLS);
    let mut attached = BTreeSet::new();
    while let Some(answer) = answers.next().await {
        let (answer, policies, name) = answer?;
        let (call, at, role) = if let Some((answer, at)) = answer {
            (call, at, answer.role)
        } else {
            let role = listed.iter().find(|role| role.role_name == name);
            (calls::LIST_ROLES, (reader.clock)(), role.cloned())
        };
        let Some(role) = role else {
            continue;
        };
        let boundary = role.permissions_boundary();
        let boundary = boundary.and_then(|boundary| boundary.permissions_boundary_arn());
        attached.extend(boundary.map(str::to_owned));
        let mut role = role_json(&role);
        if let (Some(policies), Some(members)) = (policies, role.as_object_mut()) {
            attached.extend(policies.managed());
            members.extend(policies.into_members());
        }
        reader
            .document(None, at, call, &json!({"Role": role}))
            .await?;
    }
    policies::managed(reader, client, attached).await
}

fn role_json(role: &Role) -> Value {
    let used = role.role_last_used().map(|used| {
        Members::default()
            .time("LastUsedDate", used.last_used_date())
            .text("Region", used.region())
    });
    let boundary = role.permissions_boundary().map(|boundary| {
        let arn = boundary.permissions_boundary_arn();
        Members::default().text("PermissionsBoundaryArn", arn)
    });
    Members::default()
        .text("RoleName", Some(role.role_name()))
        .text("RoleId", Some(role.role_id()))
        .text("Arn", Some(role.arn()))
        .time("CreateDate", Some(role.create_date()))
        .text("Description", role.description())
        .value(
            "AssumeRolePolicyDocument",
            role.assume_role_policy_document().map(policy),
        )
        .object("RoleLastUsed", used)
        .object("PermissionsBoundary", boundary)
        .into_value()
}

/// The AWS CLI prints the decoded policy; what is none stays as it came.
fn policy(document: &str) -> Value {
    percent::decoded(document)
        .and_then(|text| serde_json::from_str(&text).ok())
        .filter(Value::is_object)
        .unwrap_or_else(|| document.into())
}

fn profile_json(profile: &InstanceProfile) -> Value {
    let object = Members::default()
        .text("InstanceProfileName", Some(profile.instance_profile_name()))
        .text("InstanceProfileId", Some(profile.instance_profile_id()))
        .text("Arn", Some(profile.arn()))
        .time("CreateDate", Some(profile.create_date()))
        .value(
            "Roles",
            Some(profile.roles().iter().map(role_json).collect()),
        );
    json!({"InstanceProfile": object.into_value()})
}
