//! How a node of a managed node group comes into being.

use super::account::Role;
use super::clock::HOUR;
use super::cluster::{Cluster, Node};
use super::json::Json;
use super::records::{Call, Shape};
use super::rng::Rng;
use super::session::SessionKind;
use super::sts::{self, Issue};
use super::truth::{Credential, Label};
use super::world::{AWS_INTERNAL, Forwarder, World};

const AUTO_SCALING: &str = "autoscaling.amazonaws.com";

/// `RunInstances` by the Auto Scaling group of the node group. The tags name
/// the cluster and the node group (EKS User Guide, "Managed node groups").
pub(super) fn run_instances(world: &mut World<'_>, cluster: &Cluster, node: &Node, at: i64) {
    let label = Label::outsider("aws_service");
    let role = Role::new(
        &cluster.account,
        &format!("/aws-service-role/{AUTO_SCALING}/"),
        "AWSServiceRoleForAutoScaling",
    );
    let issue = Issue {
        role: &role,
        name: "AutoScaling".to_owned(),
        at: at - 1,
        life: HOUR,
        says_life: false,
        kind: SessionKind::default(),
    };
    let session = sts::by_service(world, &issue, AUTO_SCALING, cluster.region, &label);
    let (region, account) = (cluster.region, &cluster.account.id);
    let forwarder = Forwarder {
        session: &session,
        label: &label,
        service: AUTO_SCALING,
        region,
        fresh_key: false,
    };
    world.forwarded(forwarder, at, |shape, rng| {
        shape.begin("ec2", "RunInstances", "1.10", false);
        let zone = format!("{region}{}", ["a", "b", "c"][node.zone % 3]);
        let (subnet, token) = (
            rng.ec2_id("subnet-"),
            format!("fleet-{}-0", rng.uuid().text()),
        );
        let out = shape.request.open();
        out.text("instanceType", "m6i.large")
            .text("subnetId", &subnet);
        out.text("availabilityZone", &zone)
            .text("clientToken", &token);
        out.object("instancesSet")
            .list("items")
            .open()
            .number("minCount", 1);
        out.number("maxCount", 1).close().close_list().close();
        out.object("blockDeviceMapping")
            .close()
            .object("monitoring")
            .bool("enabled", false);
        out.close()
            .bool("disableApiTermination", false)
            .bool("disableApiStop", false)
            .close();
        let out = shape.response.open();
        out.text("requestId", &rng.uuid().text())
            .text("ownerId", account);
        out.text("reservationId", &rng.ec2_id("r-"))
            .object("groupSet")
            .close();
        out.object("instancesSet").list("items");
        instance(out, rng, cluster, node, at, &subnet);
        out.close_list().close().close();
    });
}

fn instance(out: &mut Json, rng: &mut Rng, cluster: &Cluster, node: &Node, at: i64, subnet: &str) {
    let region = cluster.region;
    let dns = format!(
        "ip-{}.{region}.compute.internal",
        node.address.replace('.', "-")
    );
    let profile = format!(
        "arn:aws:iam::{}:instance-profile/eks-{}",
        cluster.account.id,
        rng.uuid().text()
    );
    out.open()
        .text("instanceId", &node.instance)
        .text("imageId", &rng.ec2_id("ami-"));
    out.object("instanceState")
        .number("code", 0)
        .text("name", "pending")
        .close();
    out.text("privateDnsName", &dns).number("amiLaunchIndex", 0);
    out.text("instanceType", "m6i.large")
        .number("launchTime", at * 1000);
    out.object("placement")
        .text("availabilityZone", &format!("{region}a"));
    out.text("tenancy", "default")
        .close()
        .object("monitoring")
        .text("state", "disabled")
        .close();
    out.text("subnetId", subnet)
        .text("vpcId", &cluster.target.vpc);
    out.text("privateIpAddress", &node.address)
        .text("architecture", "x86_64");
    out.object("iamInstanceProfile")
        .text("arn", &profile)
        .text("id", &rng.iam_id("AIPA"))
        .close();
    out.object("metadataOptions")
        .text("state", "pending")
        .text("httpTokens", "required");
    // Two hops, so that pods reach the metadata service: what the fallbacks need.
    out.number("httpPutResponseHopLimit", 2)
        .text("httpEndpoint", "enabled");
    out.text("httpProtocolIpv4", "enabled")
        .text("httpProtocolIpv6", "disabled");
    out.text("instanceMetadataTags", "disabled").close();
    tags(out, rng, cluster);
    out.object("operator")
        .bool("managed", false)
        .close()
        .close();
}

fn tags(out: &mut Json, rng: &mut Rng, cluster: &Cluster) {
    let name = &*cluster.name;
    let group = format!("eks-ng-1-{}", rng.uuid().text());
    let owned = format!("kubernetes.io/cluster/{name}");
    let autoscaler = format!("k8s.io/cluster-autoscaler/{name}");
    let display = format!("{name}-ng-1-Node");
    out.object("tagSet").list("items");
    for (key, value) in [
        ("eks:cluster-name", name),
        ("eks:nodegroup-name", "ng-1"),
        (owned.as_str(), "owned"),
        ("k8s.io/cluster-autoscaler/enabled", "true"),
        (autoscaler.as_str(), "owned"),
        ("aws:autoscaling:groupName", &group),
        ("Name", &display),
    ] {
        out.open().text("key", key).text("value", value).close();
    }
    out.close_list().close();
}

/// The decryption of a new node's volume by EC2's own pseudo role. Its session
/// has the instance id as a name and still is not the node's.
pub(super) fn ebs_decrypt(world: &mut World<'_>, cluster: &Cluster, node: &Node, at: i64) {
    let account = &cluster.account.id;
    let name = "aws:ec2-infrastructure";
    let mut identity = Json::default();
    identity.open().text("type", "AssumedRole");
    identity.text(
        "principalId",
        &format!("{account}:{name}:{}", node.instance),
    );
    identity.text(
        "arn",
        &format!(
            "arn:aws:sts::{account}:assumed-role/{name}/{}",
            node.instance
        ),
    );
    identity
        .text("accountId", account)
        .text("accessKeyId", &world.rng.session_key());
    identity
        .object("sessionContext")
        .object("sessionIssuer")
        .text("type", "Role");
    identity.text("principalId", &format!("{account}:{name}"));
    identity.text("arn", &format!("arn:aws:iam::{account}:role/{name}"));
    identity
        .text("accountId", account)
        .text("userName", name)
        .close();
    identity.object("webIdFederationData").close();
    identity
        .object("attributes")
        .time("creationDate", at)
        .text("mfaAuthenticated", "false");
    identity.close().close();
    identity.text("invokedBy", AWS_INTERNAL).close();
    let mut shape = Shape::default();
    shape.begin("kms", "Decrypt", "1.08", true);
    let out = shape
        .request
        .open()
        .text("encryptionAlgorithm", "SYMMETRIC_DEFAULT");
    out.object("encryptionContext")
        .text("aws:ebs:id", &world.rng.ec2_id("vol-"))
        .close()
        .close();
    shape.resource(account, "AWS::KMS::Key", &cluster.target.key_arn);
    let call = Call {
        at,
        recipient: &cluster.account,
        region: cluster.region,
        identity: identity.as_str(),
        address: AWS_INTERNAL,
        agent: AWS_INTERNAL,
        endpoint: None,
        host: None,
        event_id: world.rng.uuid(),
        request_id: world.rng.uuid(),
        shared: None,
    };
    let label = Label::outsider("aws_service");
    world.send(&call, &shape, &label, Credential::default());
}
