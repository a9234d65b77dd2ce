//! EKS objects, the members that the inventory reads.

use aws_sdk_eks::types::{
    AccessEntry, AccessScopeType, AmiTypes, AssociatedAccessPolicy, AuthenticationMode,
    CapacityTypes, Cluster, ClusterStatus, FargateProfile, Nodegroup, NodegroupStatus,
    PodIdentityAssociation, PodIdentityAssociationSummary,
};
use serde_json::{Value, json};

use super::super::json::Members;

pub(super) fn cluster(cluster: &Cluster) -> Value {
    let oidc = cluster.identity().and_then(|identity| identity.oidc());
    let oidc = oidc.map(|oidc| Members::default().text("issuer", oidc.issuer()));
    let identity = Members::default().object("oidc", oidc);
    let access = cluster.access_config().map(|access| {
        let mode = access.authentication_mode().map(AuthenticationMode::as_str);
        Members::default().text("authenticationMode", mode)
    });
    let compute = cluster.compute_config().map(|compute| {
        Members::default()
            .value("enabled", compute.enabled().map(Value::from))
            .text("nodeRoleArn", compute.node_role_arn())
    });
    let vpc = cluster
        .resources_vpc_config()
        .map(|vpc| Members::default().text("vpcId", vpc.vpc_id()));
    let object = Members::default()
        .text("name", cluster.name())
        .text("arn", cluster.arn())
        .time("createdAt", cluster.created_at())
        .text("version", cluster.version())
        .text("roleArn", cluster.role_arn())
        .text("status", cluster.status().map(ClusterStatus::as_str))
        .object("identity", Some(identity))
        .object("accessConfig", access)
        .object("computeConfig", compute)
        .object("resourcesVpcConfig", vpc);
    json!({"cluster": object.into_value()})
}

pub(super) fn nodegroup(group: &Nodegroup) -> Value {
    let template = group.launch_template().map(|template| {
        Members::default()
            .text("id", template.id())
            .text("version", template.version())
    });
    let capacity = group.capacity_type().map(CapacityTypes::as_str);
    let object = Members::default()
        .text("nodegroupName", group.nodegroup_name())
        .text("nodegroupArn", group.nodegroup_arn())
        .text("clusterName", group.cluster_name())
        .time("createdAt", group.created_at())
        .text("status", group.status().map(NodegroupStatus::as_str))
        .text("capacityType", capacity)
        .text("amiType", group.ami_type().map(AmiTypes::as_str))
        .text("nodeRole", group.node_role())
        .object("launchTemplate", template);
    json!({"nodegroup": object.into_value()})
}

pub(super) fn fargate_profile(profile: &FargateProfile) -> Value {
    let selectors = profile.selectors().iter().map(|selector| {
        let labels = selector.labels().map(|labels| json!(labels));
        Members::default()
            .text("namespace", selector.namespace())
            .value("labels", labels)
            .into_value()
    });
    let object = Members::default()
        .text("fargateProfileName", profile.fargate_profile_name())
        .text("fargateProfileArn", profile.fargate_profile_arn())
        .text("clusterName", profile.cluster_name())
        .time("createdAt", profile.created_at())
        .text("podExecutionRoleArn", profile.pod_execution_role_arn())
        .value("selectors", Some(selectors.collect()));
    json!({"fargateProfile": object.into_value()})
}

pub(super) fn access_entry(entry: &AccessEntry) -> Value {
    let object = Members::default()
        .text("clusterName", entry.cluster_name())
        .text("principalArn", entry.principal_arn())
        .value("kubernetesGroups", Some(json!(entry.kubernetes_groups())))
        .text("accessEntryArn", entry.access_entry_arn())
        .time("createdAt", entry.created_at())
        .text("username", entry.username())
        .text("type", entry.r#type());
    json!({"accessEntry": object.into_value()})
}

/// All policies of the access entry of a principal.
pub(super) fn access_policies(
    cluster: &str,
    principal: &str,
    policies: &[AssociatedAccessPolicy],
) -> Value {
    let policies = policies.iter().map(|policy| {
        let scope = policy.access_scope().map(|scope| {
            Members::default()
                .text("type", scope.r#type().map(AccessScopeType::as_str))
                .value("namespaces", Some(json!(scope.namespaces())))
        });
        Members::default()
            .text("policyArn", policy.policy_arn())
            .object("accessScope", scope)
            .time("associatedAt", policy.associated_at())
            .time("modifiedAt", policy.modified_at())
            .into_value()
    });
    Members::default()
        .text("clusterName", Some(cluster))
        .text("principalArn", Some(principal))
        .value("associatedAccessPolicies", Some(policies.collect()))
        .into_value()
}

pub(super) fn association_summary(summary: &PodIdentityAssociationSummary) -> Value {
    Members::default()
        .text("clusterName", summary.cluster_name())
        .text("namespace", summary.namespace())
        .text("serviceAccount", summary.service_account())
        .text("associationArn", summary.association_arn())
        .text("associationId", summary.association_id())
        .into_value()
}

pub(super) fn association(association: &PodIdentityAssociation) -> Value {
    let disabled = association.disable_session_tags().map(Value::from);
    let object = Members::default()
        .text("clusterName", association.cluster_name())
        .text("namespace", association.namespace())
        .text("serviceAccount", association.service_account())
        .text("roleArn", association.role_arn())
        .text("associationArn", association.association_arn())
        .text("associationId", association.association_id())
        .time("createdAt", association.created_at())
        .time("modifiedAt", association.modified_at())
        .value("disableSessionTags", disabled)
        .text("targetRoleArn", association.target_role_arn())
        .text("externalId", association.external_id());
    json!({"association": object.into_value()})
}
