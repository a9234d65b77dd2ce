//! `aws iam get-account-authorization-details` and `list-instance-profiles`, as far
//! as a cluster's identities are concerned.

use std::collections::{BTreeMap, BTreeSet};

use super::super::account::{Role, fnv1a};
use super::super::bindings::BindingKind;
use super::super::cluster::Cluster;
use super::super::fargate;
use super::super::fleet::Fleet;
use super::super::json::Json;
use super::super::launch::Belongings;
use super::super::plans::{NODE_POLICIES, POD_IDENTITY};
use super::super::rng::Rng;
use super::super::setup::{irsa_trust, service_trust};
use super::super::workloads::{Access, Style, Workload};
use super::aws::stamp;

/// A trust policy for principals of IAM.
fn principal_trust(arn: &str) -> String {
    format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":\
         {{\"AWS\":\"{arn}\"}},\"Action\":\"sts:AssumeRole\"}}]}}"
    )
}

/// What a role may do.
#[derive(Debug, Default)]
struct May {
    /// Text of its inline policy.
    inline: Option<String>,
    /// ARN of a managed policy of the account, and its text.
    own: Option<(String, String)>,
    /// Managed policies of AWS.
    of_aws: &'static [&'static str],
}

/// What a role may do that was made for a workload: a controller has the policy that its project publishes, the
/// others one of their own. People grant services rather than actions, so that it is more than is used.
fn may(workload: &Workload) -> May {
    let own = || workload.steps.iter().filter(|step| step.hop == 0);
    let refused: BTreeSet<&str> = own()
        .filter(|step| step.denied)
        .map(|step| step.api.names().0)
        .collect();
    let services = own().map(|step| step.api.names().0);
    let services: BTreeSet<&str> = services.filter(|name| !refused.contains(name)).collect();
    let mut statements: Vec<String> = services
        .iter()
        .map(|service| grant(service))
        .filter(|actions| !actions.is_empty())
        .map(|actions| allow(actions, "*"))
        .collect();
    let links = workload.chain.iter();
    statements.extend(links.map(|link| allow(&["sts:AssumeRole"], &link.role.arn)));
    let text = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{}]}}",
        statements.join(",")
    );
    if workload.component.is_some() {
        return May {
            own: Some((format!("{}-policy", workload.name), text)),
            ..May::default()
        };
    }
    May {
        inline: Some(text),
        ..May::default()
    }
}

/// What people grant to have a service work.
fn grant(service: &str) -> &'static [&'static str] {
    match service {
        "s3" => &["s3:Get*", "s3:List*", "s3:PutObject", "s3:DeleteObject"],
        "dynamodb" => &["dynamodb:*"],
        "kms" => &["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
        "sqs" => &["sqs:*"],
        "secretsmanager" => &["secretsmanager:GetSecretValue"],
        "ssm" => &["ssm:GetParameter*", "ssm:DescribeParameters"],
        "ec2" => &["ec2:Describe*"],
        "elasticloadbalancingv2" => &["elasticloadbalancing:*"],
        "cloudwatchlogs" => &["logs:*"],
        "eks" => &["eks:Describe*", "eks:List*"],
        "ecr" => &["ecr:*"],
        "autoscaling" => &[
            "autoscaling:Describe*",
            "autoscaling:SetDesiredCapacity",
            "autoscaling:TerminateInstanceInAutoScalingGroup",
        ],
        "route53" => &["route53:List*", "route53:ChangeResourceRecordSets"],
        _ => &[],
    }
}

fn allow(actions: &[&str], resource: &str) -> String {
    format!(
        "{{\"Effect\":\"Allow\",\"Action\":[\"{}\"],\"Resource\":\"{resource}\"}}",
        actions.join("\",\"")
    )
}

/// Roles of the cluster's account that it and its workloads use, in order of
/// their names as IAM lists them, and what they may do.
pub(super) fn roles(fleet: &Fleet) -> Json {
    let cluster = &fleet.cluster;
    let mut all: BTreeMap<&str, (&Role, String, May)> = BTreeMap::new();
    let mut add = |role, trust, may| {
        let role: &Role = role;
        if role.account.id == cluster.account.id {
            all.entry(&role.name).or_insert((role, trust, may));
        }
    };
    let of_aws = |of_aws| May {
        of_aws,
        ..May::default()
    };
    add(
        &cluster.control_role,
        service_trust("eks.amazonaws.com"),
        of_aws(&["AmazonEKSClusterPolicy"]),
    );
    add(
        &cluster.node_role,
        service_trust("ec2.amazonaws.com"),
        of_aws(&NODE_POLICIES),
    );
    add(
        &cluster.eks_slr,
        service_trust("eks.amazonaws.com"),
        May::default(),
    );
    let nodegroups = "eks-nodegroup.amazonaws.com";
    add(
        &cluster.nodegroup_slr,
        service_trust(nodegroups),
        May::default(),
    );
    if cluster.features.fargate {
        add(
            &cluster.fargate_role,
            service_trust(fargate::PRINCIPAL),
            of_aws(&["AmazonEKSFargatePodExecutionRolePolicy"]),
        );
    }
    let bindings: Vec<_> = (fleet.workloads.iter())
        .filter_map(|workload| Some((workload, workload.binding()?)))
        .collect();
    for (workload, binding) in &bindings {
        let trust = match binding.kind {
            BindingKind::Annotation => irsa_trust(cluster, &workload.namespace, &binding.trusts),
            BindingKind::Association => service_trust(POD_IDENTITY),
        };
        add(&binding.role, trust, may(workload));
        if let Style::Target(target) = &binding.style {
            add(target, principal_trust(&binding.role.arn), may(workload));
        }
    }
    for workload in &fleet.workloads {
        if let Access::Kube2iam { role } = &workload.access {
            let trust = principal_trust(&cluster.node_role.arn);
            add(role, trust, may(workload));
        }
        for link in &workload.chain {
            let root = format!("arn:aws:iam::{}:root", cluster.account.id);
            add(&link.role, principal_trust(&root), May::default());
        }
    }
    let mut out = Json::default();
    out.open().list("UserDetailList").close_list();
    out.list("GroupDetailList").close_list();
    out.list("RoleDetailList");
    for (role, trust, may) in all.values() {
        out.open();
        write(&mut out, cluster, role, trust);
        write_policies(&mut out, &cluster.account.id, may);
        out.close();
    }
    out.close_list().list("Policies");
    for (_, _, may) in all.values() {
        if let Some((name, text)) = &may.own {
            write_managed(&mut out, cluster, name, text);
        }
    }
    out.close_list().close();
    out
}

fn write_policies(out: &mut Json, account: &str, may: &May) {
    out.list("RolePolicyList");
    if let Some(text) = &may.inline {
        out.open().text("PolicyName", "access");
        out.json("PolicyDocument", text).close();
    }
    out.close_list().list("AttachedManagedPolicies");
    let own = may.own.iter().map(|(name, _)| (name.as_str(), account));
    for (name, owner) in own.chain(may.of_aws.iter().map(|name| (*name, "aws"))) {
        out.open().text("PolicyName", name);
        out.text("PolicyArn", &policy_arn(owner, name)).close();
    }
    out.close_list();
}

fn policy_arn(owner: &str, name: &str) -> String {
    format!("arn:aws:iam::{owner}:policy/{name}")
}

fn write_managed(out: &mut Json, cluster: &Cluster, name: &str, text: &str) {
    let arn = policy_arn(&cluster.account.id, name);
    let id = Rng::new(fnv1a(&arn)).iam_id("ANPA");
    out.open().text("PolicyName", name).text("PolicyId", &id);
    out.text("Arn", &arn).text("Path", "/");
    out.text("DefaultVersionId", "v1");
    out.list("PolicyVersionList").open();
    out.json("Document", text).text("VersionId", "v1");
    out.bool("IsDefaultVersion", true)
        .close()
        .close_list()
        .close();
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
