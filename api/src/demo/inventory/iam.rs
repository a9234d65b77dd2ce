//! `aws iam list-roles` and `list-instance-profiles`, as far as a cluster's
//! identities are concerned.

use std::collections::BTreeMap;

use super::super::account::Role;
use super::super::bindings::BindingKind;
use super::super::cluster::Cluster;
use super::super::fargate;
use super::super::fleet::Fleet;
use super::super::json::Json;
use super::super::launch::Belongings;
use super::super::plans::POD_IDENTITY;
use super::super::setup::{irsa_trust, service_trust};
use super::super::workloads::{Access, Style};
use super::aws::stamp;

/// A trust policy for principals of IAM.
fn principal_trust(arn: &str) -> String {
    format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":\
         {{\"AWS\":\"{arn}\"}},\"Action\":\"sts:AssumeRole\"}}]}}"
    )
}

/// Roles of the cluster's account that it and its workloads use, in order of
/// their names as IAM lists them.
pub(super) fn roles(fleet: &Fleet) -> Json {
    let cluster = &fleet.cluster;
    let mut all: BTreeMap<&str, (&Role, String)> = BTreeMap::new();
    let mut add = |role, trust| {
        let role: &Role = role;
        if role.account.id == cluster.account.id {
            all.entry(&role.name).or_insert((role, trust));
        }
    };
    add(&cluster.control_role, service_trust("eks.amazonaws.com"));
    add(&cluster.node_role, service_trust("ec2.amazonaws.com"));
    add(&cluster.eks_slr, service_trust("eks.amazonaws.com"));
    let nodegroups = "eks-nodegroup.amazonaws.com";
    add(&cluster.nodegroup_slr, service_trust(nodegroups));
    if cluster.features.fargate {
        add(&cluster.fargate_role, service_trust(fargate::PRINCIPAL));
    }
    let bindings: Vec<_> = (fleet.workloads.iter())
        .filter_map(|workload| Some((workload, workload.binding()?)))
        .collect();
    for (workload, binding) in &bindings {
        let trust = match binding.kind {
            BindingKind::Annotation => irsa_trust(cluster, &workload.namespace, &binding.trusts),
            BindingKind::Association => service_trust(POD_IDENTITY),
        };
        add(&binding.role, trust);
        if let Style::Target(target) = &binding.style {
            add(target, principal_trust(&binding.role.arn));
        }
    }
    for workload in &fleet.workloads {
        if let Access::Kube2iam { role } = &workload.access {
            add(role, principal_trust(&cluster.node_role.arn));
        }
        for link in &workload.chain {
            let root = format!("arn:aws:iam::{}:root", cluster.account.id);
            add(&link.role, principal_trust(&root));
        }
    }
    let mut out = Json::default();
    out.open().list("Roles");
    for (role, trust) in all.values() {
        out.open();
        write(&mut out, cluster, role, trust);
        out.number("MaxSessionDuration", 3600).close();
    }
    out.close_list().close();
    out
}

fn write(out: &mut Json, cluster: &Cluster, role: &Role, trust: &str) {
    out.text("Path", role.path())
        .text("RoleName", &role.name)
        .text("RoleId", &role.id)
        .text("Arn", &role.arn);
    stamp(out, "CreateDate", cluster.created);
    out.json("AssumeRolePolicyDocument", trust);
}

/// The instance profile of the nodes.
pub(super) fn instance_profiles(cluster: &Cluster) -> Json {
    let own = Belongings::of(cluster, &cluster.nodes[0]);
    let arn = &cluster.instance_profile;
    let mut out = Json::default();
    out.open().list("InstanceProfiles").open();
    out.text("Path", "/")
        .text(
            "InstanceProfileName",
            arn.rsplit('/').next().unwrap_or_default(),
        )
        .text("InstanceProfileId", &own.profile_id)
        .text("Arn", arn);
    stamp(&mut out, "CreateDate", cluster.created);
    out.list("Roles").open();
    let trust = service_trust("ec2.amazonaws.com");
    write(&mut out, cluster, &cluster.node_role, &trust);
    out.close().close_list().close().close_list().close();
    out
}
