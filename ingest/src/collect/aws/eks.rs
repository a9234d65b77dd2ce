//! Clusters, node groups, Fargate profiles, access entries with their policies, and Pod Identity associations.

mod objects;

use std::collections::BTreeSet;

use aws_sdk_eks::Client;
use aws_sdk_eks::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eks::operation::list_access_entries::ListAccessEntriesError;
use aws_sdk_eks::types::{AssociatedAccessPolicy, AuthenticationMode};
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::{CALLS, CLUSTERS, Described, Found, Options, Reader};
use crate::collect::Closed;
use crate::collect::permissions as calls;

/// What EKS answers to who asks for access entries in a mode without them. Any other cause would be a
/// fault of the request, which is made of the cluster's name only.
const WRONG_MODE: &str = "InvalidRequestException";

/// The one type of access entries that can have access policies.
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html>
const STANDARD: &str = "STANDARD";

/// Reads the clusters of a region, several at once.
pub(super) async fn read(
    reader: &Reader<'_>,
    options: &Options,
    found: &mut Found,
) -> Result<(), Closed> {
    let client = Client::new(reader.config);
    let names = names(reader, &client, options).await?;
    let mut read = stream::iter(&names)
        .map(|name| {
            Cluster {
                reader,
                client: &client,
                name,
                arn: None,
            }
            .read()
        })
        .buffered(CLUSTERS);
    while let Some(cluster) = read.next().await {
        let (described, roles) = cluster?;
        found.role_arns.extend(roles);
        if let Some(described) = described {
            let account = described.arn.split(':').nth(4).map(str::to_owned);
            found.account_id = account.or(found.account_id.take());
            found.clusters.push(described);
        }
    }
    Ok(())
}

/// Names of the clusters to read. Without the list, those that were named may still be asked for.
async fn names(
    reader: &Reader<'_>,
    client: &Client,
    options: &Options,
) -> Result<Vec<String>, Closed> {
    let pages = client.list_clusters().into_paginator().send();
    let listed = reader.pages(calls::LIST_CLUSTERS, "", pages, |page| {
        page.clusters.unwrap_or_default()
    });
    let Some((names, _)) = listed.await? else {
        return Ok(options.clusters.iter().cloned().collect());
    };
    let mut names: BTreeSet<String> = names.into_iter().collect();
    names.retain(|name| options.clusters.is_empty() || options.clusters.contains(name));
    Ok(names.into_iter().collect())
}

struct Cluster<'a> {
    reader: &'a Reader<'a>,
    client: &'a Client,
    name: &'a str,
    arn: Option<String>,
}

/// Names of roles that belong to a cluster.
type Roles = BTreeSet<String>;

impl Cluster<'_> {
    async fn read(mut self) -> Result<(Option<Described>, Roles), Closed> {
        let mut roles = Roles::new();
        let (described, mode) = match self.describe(&mut roles).await? {
            Some((described, mode)) => (Some(described), mode),
            None => (None, None),
        };
        self.arn = described.as_ref().map(|described| described.arn.clone());
        self.nodegroups(&mut roles).await?;
        self.fargate_profiles(&mut roles).await?;
        // The API refuses to list what this mode does not use.
        if mode != Some(AuthenticationMode::ConfigMap) {
            self.access_entries(mode.as_ref(), &mut roles).await?;
        }
        self.associations(&mut roles).await?;
        Ok((described, roles))
    }

    /// The cluster's ARN where it is known, else its name: what documents of it are imported with.
    fn scope(&self) -> &str {
        self.arn.as_deref().unwrap_or(self.name)
    }

    async fn document(&self, at: i64, call: calls::Call, value: &Value) -> Result<(), Closed> {
        self.reader
            .document(Some(self.scope()), at, call, value)
            .await
    }

    async fn describe(
        &self,
        roles: &mut Roles,
    ) -> Result<Option<(Described, Option<AuthenticationMode>)>, Closed> {
        let call = calls::DESCRIBE_CLUSTER;
        let result = self.client.describe_cluster().name(self.name).send().await;
        let Some((answer, at)) = self.reader.answer(call, self.name, result).await? else {
            return Ok(None);
        };
        let Some(cluster) = answer.cluster else {
            return Ok(None);
        };
        self.document(at, call, &objects::cluster(&cluster)).await?;
        let compute = cluster.compute_config.as_ref();
        let auto = compute.and_then(|compute| compute.node_role_arn.clone());
        roles.extend(cluster.role_arn.clone().into_iter().chain(auto));
        let oidc = cluster.identity.and_then(|identity| identity.oidc);
        let described = Described {
            name: self.name.to_owned(),
            arn: cluster.arn.unwrap_or_default(),
            endpoint: cluster.endpoint,
            oidc_issuer: oidc.and_then(|oidc| oidc.issuer),
        };
        let mode = cluster
            .access_config
            .and_then(|access| access.authentication_mode);
        Ok(Some((described, mode)))
    }

    async fn nodegroups(&self, roles: &mut Roles) -> Result<(), Closed> {
        let pages = self.client.list_nodegroups().cluster_name(self.name);
        let mut pages = pages.into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(item) = pages.next().await {
            let answer = self
                .reader
                .answer(calls::LIST_NODEGROUPS, self.name, item)
                .await?;
            names.extend(answer.map(|(name, _)| name));
        }
        let call = calls::DESCRIBE_NODEGROUP;
        let mut described = stream::iter(names)
            .map(|name| async move {
                let request = self.client.describe_nodegroup().cluster_name(self.name);
                let result = request.nodegroup_name(&name).send().await;
                self.reader.answer(call, &self.object(&name), result).await
            })
            .buffered(CALLS);
        while let Some(answer) = described.next().await {
            let Some((answer, at)) = answer? else {
                continue;
            };
            let Some(nodegroup) = answer.nodegroup else {
                continue;
            };
            self.document(at, call, &objects::nodegroup(&nodegroup))
                .await?;
            roles.extend(nodegroup.node_role);
        }
        Ok(())
    }

    async fn fargate_profiles(&self, roles: &mut Roles) -> Result<(), Closed> {
        let pages = self.client.list_fargate_profiles().cluster_name(self.name);
        let mut pages = pages.into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(item) = pages.next().await {
            let answer = self
                .reader
                .answer(calls::LIST_FARGATE_PROFILES, self.name, item)
                .await?;
            names.extend(answer.map(|(name, _)| name));
        }
        let call = calls::DESCRIBE_FARGATE_PROFILE;
        let mut described = stream::iter(names)
            .map(|name| async move {
                let request = self
                    .client
                    .describe_fargate_profile()
                    .cluster_name(self.name);
                let result = request.fargate_profile_name(&name).send().await;
                self.reader.answer(call, &self.object(&name), result).await
            })
            .buffered(CALLS);
        while let Some(answer) = described.next().await {
            let Some((answer, at)) = answer? else {
                continue;
            };
            let Some(profile) = answer.fargate_profile else {
                continue;
            };
            self.document(at, call, &objects::fargate_profile(&profile))
                .await?;
            roles.extend(profile.pod_execution_role_arn);
        }
        Ok(())
    }

    /// The list is told as a whole, so that an entry that is gone is known to be; then each entry, and its policies.
    async fn access_entries(
        &self,
        mode: Option<&AuthenticationMode>,
        roles: &mut Roles,
    ) -> Result<(), Closed> {
        let pages = self.client.list_access_entries().cluster_name(self.name);
        let pages = pages.into_paginator().send();
        let call = calls::LIST_ACCESS_ENTRIES;
        let none = |error: &SdkError<ListAccessEntriesError>| {
            mode.is_none() && error.code() == Some(WRONG_MODE)
        };
        let listed = self
            .reader
            .pages_unless(call, self.name, pages, none, |page| {
                page.access_entries.unwrap_or_default()
            });
        let Some((mut principals, at)) = listed.await? else {
            return Ok(());
        };
        let list = json!({"accessEntries": principals});
        self.document(at, call, &list).await?;
        let call = calls::DESCRIBE_ACCESS_ENTRY;
        let mut without_policies = BTreeSet::new();
        let mut described = stream::iter(principals.clone())
            .map(|principal| async move {
                let request = self.client.describe_access_entry().cluster_name(self.name);
                let result = request.principal_arn(&principal).send().await;
                self.reader.answer(call, self.name, result).await
            })
            .buffered(CALLS);
        while let Some(answer) = described.next().await {
            let Some((answer, at)) = answer? else {
                continue;
            };
            let Some(entry) = answer.access_entry else {
                continue;
            };
            self.document(at, call, &objects::access_entry(&entry))
                .await?;
            if entry.r#type().is_some_and(|kind| kind != STANDARD) {
                without_policies.extend(entry.principal_arn.clone());
            }
            roles.extend(entry.principal_arn.filter(|arn| arn.contains(":role/")));
        }
        principals.retain(|principal| !without_policies.contains(principal));
        self.access_policies(principals).await
    }

    /// The policies of access entries, those of each as a whole.
    async fn access_policies(&self, principals: Vec<String>) -> Result<(), Closed> {
        let mut listed = stream::iter(principals)
            .map(|principal| async move {
                let listed = self.policies_of(&principal).await;
                (principal, listed)
            })
            .buffered(CALLS);
        while let Some((principal, policies)) = listed.next().await {
            let Some((policies, at)) = policies? else {
                continue;
            };
            let policies = objects::access_policies(self.name, &principal, &policies);
            self.document(at, calls::LIST_ACCESS_POLICIES, &policies)
                .await?;
        }
        Ok(())
    }

    /// All policies of an access entry, and when they were listed; `None` where a page is missing.
    async fn policies_of(
        &self,
        principal: &str,
    ) -> Result<Option<(Vec<AssociatedAccessPolicy>, i64)>, Closed> {
        let request = self.client.list_associated_access_policies();
        let request = request.cluster_name(self.name).principal_arn(principal);
        let pages = request.into_paginator().send();
        let call = calls::LIST_ACCESS_POLICIES;
        let listed = self.reader.pages(call, self.name, pages, |page| {
            page.associated_access_policies.unwrap_or_default()
        });
        listed.await
    }

    /// As access entries.
    async fn associations(&self, roles: &mut Roles) -> Result<(), Closed> {
        let call = calls::LIST_ASSOCIATIONS;
        let pages = self
            .client
            .list_pod_identity_associations()
            .cluster_name(self.name);
        let pages = pages.into_paginator().send();
        let listed = self.reader.pages(call, self.name, pages, |page| {
            page.associations.unwrap_or_default()
        });
        let Some((summaries, at)) = listed.await? else {
            return Ok(());
        };
        let list: Vec<Value> = summaries.iter().map(objects::association_summary).collect();
        self.document(at, call, &json!({"associations": list}))
            .await?;
        let call = calls::DESCRIBE_ASSOCIATION;
        let mut described = stream::iter(summaries)
            .map(|summary| async move {
                let request = self.client.describe_pod_identity_association();
                let request = request.cluster_name(self.name);
                let result = request
                    .set_association_id(summary.association_id)
                    .send()
                    .await;
                self.reader.answer(call, self.name, result).await
            })
            .buffered(CALLS);
        while let Some(answer) = described.next().await {
            let Some((answer, at)) = answer? else {
                continue;
            };
            let Some(association) = answer.association else {
                continue;
            };
            self.document(at, call, &objects::association(&association))
                .await?;
            let target = association.target_role_arn;
            roles.extend(association.role_arn.into_iter().chain(target));
        }
        Ok(())
    }

    fn object(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }
}
