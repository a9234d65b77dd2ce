//! The requests with which people change who may do what in a running cluster.

use super::account::{Role, fnv1a};
use super::cluster::{Cluster, NODEGROUP};
use super::records::Shape;
use super::rng::Rng;
use super::setup::stable_uuid;
use super::workloads::{Style, Workload};

/// Id and ARN of the Pod Identity association of a workload's service account.
/// Both follow from the names, so that the trail and the inventory agree.
pub(super) fn association(cluster: &Cluster, workload: &Workload) -> (String, String) {
    let (namespace, account) = (&workload.namespace, &workload.service_account);
    let key = format!("{}/{namespace}/{account}", cluster.arn);
    let id = format!("a-{}", Rng::new(fnv1a(&key)).kubernetes(17));
    let arn = format!(
        "arn:aws:eks:{}:{}:podidentityassociation/{}/{id}",
        cluster.region, cluster.account.id, cluster.name
    );
    (id, arn)
}

/// `eks:CreatePodIdentityAssociation`.
pub(super) fn create_association(
    shape: &mut Shape,
    rng: &mut Rng,
    cluster: &Cluster,
    workload: &Workload,
    at: i64,
) {
    shape.begin("eks", "CreatePodIdentityAssociation", "1.09", false);
    let Some(binding) = workload.binding() else {
        return;
    };
    let (id, arn) = association(cluster, workload);
    let (namespace, account) = (&*workload.namespace, &*workload.service_account);
    let tagless = !matches!(binding.style, Style::Tagged);
    let out = shape
        .request
        .open()
        .text("name", &cluster.name)
        .text("namespace", namespace);
    out.text("serviceAccount", account)
        .text("roleArn", &binding.role.arn);
    if tagless {
        out.bool("disableSessionTags", true);
    }
    if let Style::Target(target) = &binding.style {
        out.text("targetRoleArn", &target.arn);
    }
    out.uuid("clientRequestToken", rng.uuid()).close();
    let out = shape
        .response
        .open()
        .object("association")
        .text("clusterName", &cluster.name);
    out.text("namespace", namespace)
        .text("serviceAccount", account);
    out.text("roleArn", &binding.role.arn)
        .text("associationArn", &arn)
        .text("associationId", &id);
    out.object("tags")
        .close()
        .number("createdAt", at)
        .number("modifiedAt", at);
    if tagless {
        out.bool("disableSessionTags", true);
    }
    out.close().close();
}

/// ARN of the access entry of a role.
pub(super) fn access_entry(cluster: &Cluster, role: &Role) -> String {
    format!(
        "arn:aws:eks:{}:{}:access-entry/{}/role/{}/{}/{}",
        cluster.region,
        cluster.account.id,
        cluster.name,
        cluster.account.id,
        role.name,
        stable_uuid(&role.arn)
    )
}

/// `eks:CreateAccessEntry`.
pub(super) fn create_access_entry(
    shape: &mut Shape,
    rng: &mut Rng,
    cluster: &Cluster,
    role: &Role,
    kind: &str,
    at: i64,
) {
    shape.begin("eks", "CreateAccessEntry", "1.09", false);
    let out = shape.request.open().text("name", &cluster.name);
    out.text("principalArn", &role.arn)
        .text("type", kind)
        .uuid("clientRequestToken", rng.uuid())
        .close();
    let out = shape.response.open().object("accessEntry");
    out.text("clusterName", &cluster.name)
        .text("principalArn", &role.arn);
    out.text("accessEntryArn", &access_entry(cluster, role))
        .number("createdAt", at)
        .number("modifiedAt", at);
    out.object("tags").close().text("type", kind);
    if kind == "STANDARD" {
        let user = format!(
            "arn:aws:sts::{}:assumed-role/{}/{{{{SessionName}}}}",
            cluster.account.id, role.name
        );
        out.list("kubernetesGroups").close_list();
        out.text("username", &user);
    } else {
        out.texts("kubernetesGroups", ["system:nodes"]);
        out.text("username", "system:node:{{EC2PrivateDNSName}}");
    }
    out.close().close();
}

/// `eks:UpdateNodegroupConfig`.
pub(super) fn update_nodegroup(
    shape: &mut Shape,
    rng: &mut Rng,
    cluster: &Cluster,
    most: i64,
    at: i64,
) {
    shape.begin("eks", "UpdateNodegroupConfig", "1.09", false);
    let out = shape.request.open().text("name", &cluster.name);
    out.text("nodegroupName", NODEGROUP)
        .uuid("clientRequestToken", rng.uuid());
    out.object("scalingConfig")
        .number("maxSize", most)
        .close()
        .close();
    let out = shape.response.open().object("update");
    out.uuid("id", rng.uuid())
        .text("status", "InProgress")
        .text("type", "ConfigUpdate");
    out.list("params")
        .open()
        .text("type", "MaxSize")
        .text("value", &most.to_string())
        .close()
        .close_list();
    out.number("createdAt", at)
        .list("errors")
        .close_list()
        .close()
        .close();
}

/// `ec2:ModifyInstanceMetadataOptions`, with the request in a member named after
/// it, as in EC2's newer actions; no record of this one is at hand.
pub(super) fn modify_metadata_options(
    shape: &mut Shape,
    rng: &mut Rng,
    cluster: &Cluster,
    instance: &str,
) {
    shape.begin("ec2", "ModifyInstanceMetadataOptions", "1.10", false);
    let out = shape
        .request
        .open()
        .object("ModifyInstanceMetadataOptionsRequest");
    out.text("InstanceId", instance)
        .number("HttpPutResponseHopLimit", 1)
        .text("HttpTokens", cluster.http_tokens())
        .close()
        .close();
    let out = shape
        .response
        .open()
        .object("ModifyInstanceMetadataOptionsResponse");
    out.text("instanceId", instance)
        .uuid("requestId", rng.uuid());
    out.object("instanceMetadataOptions")
        .text("state", "pending")
        .text("httpTokens", cluster.http_tokens())
        .number("httpPutResponseHopLimit", 1)
        .text("httpEndpoint", "enabled")
        .close()
        .close()
        .close();
}
