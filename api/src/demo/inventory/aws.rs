//! What the AWS CLI prints of EKS and EC2. Lists and descriptions of their
//! members follow one another in a file, as a loop over the list prints them.

use super::super::account::Role;
use super::super::bindings::{Binding, BindingKind};
use super::super::changes;
use super::super::clock::{self, HOUR};
use super::super::cluster::{Cluster, INSTANCE_TYPE, NODEGROUP, Node};
use super::super::features::Authentication;
use super::super::fleet::{Fleet, NodeState};
use super::super::json::Json;
use super::super::launch::{self, Belongings};
use super::super::plans;
use super::super::setup::stable_uuid;
use super::super::workloads::{Style, Workload};

/// `aws eks describe-cluster`.
pub(super) fn cluster(cluster: &Cluster) -> Json {
    let mut out = Json::default();
    out.open().object("cluster");
    out.text("name", &cluster.name).text("arn", &cluster.arn);
    stamp(&mut out, "createdAt", cluster.created);
    out.text("version", "1.33");
    let endpoint = format!(
        "https://{}.gr7.{}.eks.amazonaws.com",
        cluster.issuer.rsplit('/').next().unwrap_or_default(),
        cluster.region
    );
    out.text("endpoint", &endpoint)
        .text("roleArn", &cluster.control_role.arn);
    out.object("resourcesVpcConfig")
        .texts("subnetIds", cluster.subnets.iter().map(String::as_str));
    out.text("vpcId", &cluster.target.vpc)
        .bool("endpointPublicAccess", true)
        .bool("endpointPrivateAccess", true)
        .texts("publicAccessCidrs", ["0.0.0.0/0"])
        .close();
    out.object("kubernetesNetworkConfig")
        .text("serviceIpv4Cidr", "10.100.0.0/16")
        .text("ipFamily", "ipv4")
        .close();
    out.object("identity").object("oidc");
    out.text("issuer", &format!("https://{}", cluster.issuer))
        .close()
        .close();
    out.text("status", "ACTIVE")
        .text("platformVersion", "eks.18");
    out.object("tags").close();
    out.object("accessConfig")
        .text("authenticationMode", cluster.features.authentication.name())
        .close();
    out.close().close();
    out
}

/// Writes a time in the form of the AWS CLI, version 2.
pub(super) fn stamp(out: &mut Json, name: &str, at: i64) {
    out.text(name, &clock::offset(at));
}

/// `aws eks list-pod-identity-associations`, then
/// `describe-pod-identity-association` for each. `None`: the cluster has none.
pub(super) fn associations(fleet: &Fleet, at: i64) -> Option<Json> {
    let cluster = &fleet.cluster;
    let bound = |workload: &Workload| {
        (workload.binding())
            .filter(|bound| bound.kind == BindingKind::Association)
            .filter(|bound| bound.since.is_none_or(|since| since <= at))
    };
    let mut all: Vec<(&Workload, Binding)> = Vec::new();
    for workload in &fleet.workloads {
        let subject = |other: &Workload| {
            other.namespace == workload.namespace
                && other.service_account == workload.service_account
        };
        if let Some(binding) = bound(workload)
            && !all.iter().any(|(other, _)| subject(other))
        {
            all.push((workload, binding));
        }
    }
    if all.is_empty() {
        return None;
    }
    let mut out = Json::default();
    out.open().list("associations");
    for (workload, _) in &all {
        out.open();
        association_head(&mut out, cluster, workload);
        out.close();
    }
    out.close_list().close();
    for (workload, binding) in &all {
        let made = binding.made;
        out.open().object("association");
        association_head(&mut out, cluster, workload);
        out.text("roleArn", &binding.role.arn)
            .object("tags")
            .close();
        stamp(&mut out, "createdAt", made);
        stamp(&mut out, "modifiedAt", made);
        let tagless = !matches!(binding.style, Style::Tagged);
        out.bool("disableSessionTags", tagless);
        if let Style::Target(target) = &binding.style {
            let external_id = format!(
                "{}/{}/{}/{}/{}",
                cluster.region,
                cluster.account.id,
                cluster.name,
                workload.namespace,
                workload.service_account
            );
            out.text("targetRoleArn", &target.arn)
                .text("externalId", &external_id);
        }
        out.close().close();
    }
    Some(out)
}

fn association_head(out: &mut Json, cluster: &Cluster, workload: &Workload) {
    let (id, arn) = changes::association(cluster, workload);
    out.text("clusterName", &cluster.name)
        .text("namespace", &workload.namespace)
        .text("serviceAccount", &workload.service_account)
        .text("associationArn", &arn)
        .text("associationId", &id);
}

/// `aws eks list-access-entries`, then `describe-access-entry` and `list-associated-access-policies` for
/// each.
pub(super) fn access_entries(cluster: &Cluster, at: i64) -> Json {
    let person = |set| plans::sso_role(&cluster.account, set);
    let (admin, reader) = (person("AdministratorAccess"), person("ViewOnlyAccess"));
    let bound = cluster.bound();
    let mut entries: Vec<(&Role, &str, i64, Option<&str>)> = vec![
        (&cluster.node_role, "EC2_LINUX", bound, None),
        (
            &admin,
            "STANDARD",
            bound,
            Some("AmazonEKSClusterAdminPolicy"),
        ),
    ];
    if cluster.features.fargate {
        entries.push((&cluster.fargate_role, "FARGATE_LINUX", bound, None));
    }
    if cluster.features.authentication != Authentication::ConfigMap
        && plans::reader_joins(cluster) <= at
    {
        let policy = Some("AmazonEKSViewPolicy");
        entries.push((&reader, "STANDARD", plans::reader_joins(cluster), policy));
    }
    let mut out = Json::default();
    out.open()
        .texts("accessEntries", entries.iter().map(|(role, ..)| &*role.arn))
        .close();
    for (role, kind, made, policy) in entries {
        let (groups, user): (&[&str], _) = match kind {
            "EC2_LINUX" => (
                &["system:nodes"],
                "system:node:{{EC2PrivateDNSName}}".to_owned(),
            ),
            "FARGATE_LINUX" => (
                &[
                    "system:bootstrappers",
                    "system:nodes",
                    "system:node-proxier",
                ],
                "system:node:{{SessionName}}".to_owned(),
            ),
            _ => (
                &[],
                format!(
                    "arn:aws:sts::{}:assumed-role/{}/{{{{SessionName}}}}",
                    cluster.account.id, role.name
                ),
            ),
        };
        out.open().object("accessEntry");
        out.text("clusterName", &cluster.name)
            .text("principalArn", &role.arn)
            .texts("kubernetesGroups", groups.iter().copied())
            .text("accessEntryArn", &changes::access_entry(cluster, role));
        stamp(&mut out, "createdAt", made);
        stamp(&mut out, "modifiedAt", made);
        out.object("tags").close();
        out.text("username", &user).text("type", kind);
        out.close().close();
        access_policies(&mut out, cluster, role, policy, made);
    }
    out
}

/// `aws eks list-associated-access-policies` of one access entry.
fn access_policies(out: &mut Json, cluster: &Cluster, role: &Role, policy: Option<&str>, at: i64) {
    out.open().list("associatedAccessPolicies");
    if let Some(policy) = policy {
        let arn = format!("arn:aws:eks::aws:cluster-access-policy/{policy}");
        out.open().text("policyArn", &arn).object("accessScope");
        out.text("type", "cluster").list("namespaces").close_list();
        out.close();
        stamp(out, "associatedAt", at);
        stamp(out, "modifiedAt", at);
        out.close();
    }
    out.close_list()
        .text("clusterName", &cluster.name)
        .text("principalArn", &role.arn)
        .close();
}

/// `aws eks describe-nodegroup`.
pub(super) fn nodegroups(cluster: &Cluster) -> Json {
    let mut out = Json::default();
    let arn = format!(
        "arn:aws:eks:{}:{}:nodegroup/{}/{NODEGROUP}/{}",
        cluster.region,
        cluster.account.id,
        cluster.name,
        stable_uuid(&cluster.arn)
    );
    let count = i64::try_from(cluster.nodes.len()).unwrap_or_default();
    out.open().object("nodegroup");
    out.text("nodegroupName", NODEGROUP)
        .text("nodegroupArn", &arn)
        .text("clusterName", &cluster.name)
        .text("version", "1.33")
        .text("releaseVersion", "1.33.3-20250813");
    stamp(&mut out, "createdAt", cluster.bound());
    stamp(&mut out, "modifiedAt", cluster.bound());
    out.text("status", "ACTIVE")
        .text("capacityType", "ON_DEMAND");
    out.object("scalingConfig")
        .number("minSize", count)
        .number("maxSize", count * 2)
        .number("desiredSize", count)
        .close();
    out.texts("instanceTypes", [INSTANCE_TYPE])
        .texts("subnets", cluster.subnets.iter().map(String::as_str))
        .text("amiType", "AL2023_x86_64_STANDARD")
        .text("nodeRole", &cluster.node_role.arn);
    out.object("labels").close();
    let group = launch::tags(cluster, &cluster.nodes[0]);
    let group = group
        .iter()
        .find(|(key, _)| key == "aws:autoscaling:groupName");
    out.object("resources").list("autoScalingGroups").open();
    out.text("name", group.map_or("", |(_, name)| name))
        .close()
        .close_list()
        .close();
    out.object("health").list("issues").close_list().close();
    out.object("updateConfig")
        .number("maxUnavailable", 1)
        .close();
    out.object("tags").close().close().close();
    out
}

/// `aws eks describe-fargate-profile`.
pub(super) fn fargate_profiles(cluster: &Cluster) -> Json {
    let mut out = Json::default();
    let arn = format!(
        "arn:aws:eks:{}:{}:fargateprofile/{}/serverless/{}",
        cluster.region,
        cluster.account.id,
        cluster.name,
        stable_uuid(&cluster.fargate_role.arn)
    );
    out.open().object("fargateProfile");
    out.text("fargateProfileName", "serverless")
        .text("fargateProfileArn", &arn)
        .text("clusterName", &cluster.name);
    stamp(&mut out, "createdAt", cluster.bound());
    out.text("podExecutionRoleArn", &cluster.fargate_role.arn)
        .texts("subnets", cluster.subnets.iter().map(String::as_str));
    out.list("selectors").open();
    out.text("namespace", "serverless").close().close_list();
    out.text("status", "ACTIVE")
        .object("tags")
        .close()
        .close()
        .close();
    out
}

/// `aws ec2 describe-instances`: those that run, and those terminated within
/// the hour.
pub(super) fn instances(fleet: &Fleet, nodes: &[NodeState], at: i64) -> Json {
    let cluster = &fleet.cluster;
    let mut out = Json::default();
    out.open().list("Reservations");
    for state in nodes.iter().filter(|state| state.sessions.is_some()) {
        instance(&mut out, cluster, &state.node, Some(state.hop_limit));
    }
    for (_, node) in fleet.gone.iter().filter(|(gone, _)| gone + HOUR >= at) {
        instance(&mut out, cluster, node, None);
    }
    out.close_list().close();
    out
}

/// One instance; without a hop limit it is terminated.
fn instance(out: &mut Json, cluster: &Cluster, node: &Node, hop_limit: Option<i64>) {
    let own = Belongings::of(cluster, node);
    out.open();
    out.text("ReservationId", &own.interface.replace("eni-", "r-"))
        .text("OwnerId", &cluster.account.id);
    out.list("Groups").close_list().list("Instances").open();
    out.text("Architecture", "x86_64")
        .text("ImageId", &own.image)
        .text("InstanceId", &node.instance)
        .text("InstanceType", INSTANCE_TYPE);
    stamp(out, "LaunchTime", node.boot);
    out.object("Placement")
        .text("AvailabilityZone", &launch::zone(cluster, node))
        .text("Tenancy", "default")
        .close();
    let (code, name) = match hop_limit {
        Some(_) => (16, "running"),
        None => (48, "terminated"),
    };
    out.object("State")
        .number("Code", code)
        .text("Name", name)
        .close();
    if let Some(hop_limit) = hop_limit {
        placed(out, cluster, node, &own);
        out.object("MetadataOptions")
            .text("State", "applied")
            .text("HttpTokens", cluster.http_tokens())
            .number("HttpPutResponseHopLimit", hop_limit)
            .text("HttpEndpoint", "enabled")
            .text("HttpProtocolIpv6", "disabled")
            .text("InstanceMetadataTags", "disabled")
            .close();
    }
    out.list("Tags");
    for (key, value) in launch::tags(cluster, node) {
        out.open().text("Key", &key).text("Value", &value).close();
    }
    out.close_list().object("Operator").bool("Managed", false);
    out.close().close().close_list().close();
}

fn placed(out: &mut Json, cluster: &Cluster, node: &Node, own: &Belongings) {
    let subnet = &cluster.subnets[node.zone % 3];
    out.text("PrivateDnsName", &node.name)
        .text("PrivateIpAddress", &node.address)
        .text("SubnetId", subnet)
        .text("VpcId", &cluster.target.vpc);
    out.object("IamInstanceProfile")
        .text("Arn", &cluster.instance_profile)
        .text("Id", &own.profile_id)
        .close();
    out.list("BlockDeviceMappings").open();
    out.text("DeviceName", "/dev/xvda").object("Ebs");
    out.text("Status", "attached")
        .text("VolumeId", &own.volume)
        .close()
        .close()
        .close_list();
    out.list("NetworkInterfaces").open();
    out.text("NetworkInterfaceId", &own.interface)
        .text("PrivateIpAddress", &node.address);
    out.list("PrivateIpAddresses").open();
    out.bool("Primary", true)
        .text("PrivateIpAddress", &node.address)
        .close()
        .close_list();
    out.text("Status", "in-use")
        .text("SubnetId", subnet)
        .text("VpcId", &cluster.target.vpc)
        .close()
        .close_list();
}
