//! How nodes come into being and go away again.

use super::account::{Role, fnv1a};
use super::clock::HOUR;
use super::cluster::{Cluster, INSTANCE_TYPE, NODEGROUP, Node};
use super::demo_workloads::KARPENTER_AGENT;
use super::fleet::Provisioner;
use super::json::Json;
use super::records::{Call, Shape};
use super::rng::Rng;
use super::sdk::{Sdk, Source};
use super::session::SessionKind;
use super::sts::{self, Issue};
use super::truth::{Credential, Label};
use super::world::{AWS_INTERNAL, Caller, Forwarder, SERVICE, World};

const AUTO_SCALING: &str = "autoscaling.amazonaws.com";

/// Launches a node, by whom the cluster leaves it to.
pub(super) fn launch(world: &mut World<'_>, cluster: &Cluster, node: &Node, at: i64) {
    if !cluster.features.karpenter {
        by_auto_scaling(world, cluster, at, |shape, rng| {
            run_instances(shape, rng, cluster, node, at);
        });
        return;
    }
    let Some(provisioner) = world.fleets[cluster.number].provisioner.clone() else {
        return;
    };
    by_karpenter(world, cluster, &provisioner, at - 1, |shape, rng| {
        create_fleet(shape, rng, node);
    });
    let forwarder = Forwarder {
        session: &provisioner.session,
        label: &provisioner.label,
        service: "ec2fleet.amazonaws.com",
        region: cluster.region,
        fresh_key: true,
        obtains: None,
    };
    world.forwarded(forwarder, at, |shape, rng| {
        run_instances(shape, rng, cluster, node, at);
    });
}

/// Terminates a node. False: nobody can at the moment.
pub(super) fn terminate(world: &mut World<'_>, cluster: &Cluster, node: &Node, at: i64) -> bool {
    let fill = |shape: &mut Shape, rng: &mut Rng| terminate_instances(shape, rng, node);
    if !cluster.features.karpenter {
        by_auto_scaling(world, cluster, at, fill);
        return true;
    }
    let Some(provisioner) = world.fleets[cluster.number].provisioner.clone() else {
        return false;
    };
    by_karpenter(world, cluster, &provisioner, at, fill);
    true
}

fn by_auto_scaling(
    world: &mut World<'_>,
    cluster: &Cluster,
    at: i64,
    fill: impl FnOnce(&mut Shape, &mut Rng),
) {
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
    let forwarder = Forwarder {
        session: &session,
        label: &label,
        service: AUTO_SCALING,
        region: cluster.region,
        fresh_key: false,
        obtains: None,
    };
    world.forwarded(forwarder, at, fill);
}

fn by_karpenter(
    world: &mut World<'_>,
    cluster: &Cluster,
    provisioner: &Provisioner,
    at: i64,
    fill: impl FnOnce(&mut Shape, &mut Rng),
) {
    let agent = Sdk::Go2(KARPENTER_AGENT).agent(Source::Container, "ec2", "");
    let caller = Caller {
        session: &provisioner.session,
        label: &provisioner.label,
        origin: &provisioner.origin,
        agent: &agent,
        region: cluster.region,
    };
    world.call(caller, at, fill);
}

fn create_fleet(shape: &mut Shape, rng: &mut Rng, node: &Node) {
    shape.begin("ec2", "CreateFleet", "1.10", false);
    let template = rng.ec2_id("lt-");
    let out = shape.request.open().object("CreateFleetRequest");
    out.text("Type", "instant");
    out.object("TargetCapacitySpecification")
        .text("DefaultTargetCapacityType", "on-demand")
        .number("TotalTargetCapacity", 1)
        .close();
    out.object("LaunchTemplateConfigs").number("tag", 1);
    out.object("LaunchTemplateSpecification")
        .text("LaunchTemplateId", &template)
        .text("Version", "$Latest")
        .close()
        .close();
    out.close().close();
    let out = shape.response.open().object("CreateFleetResponse");
    out.uuid("requestId", rng.uuid())
        .text("fleetId", &format!("fleet-{}", rng.uuid().text()));
    out.object("fleetInstanceSet").object("item");
    out.text("instanceType", INSTANCE_TYPE)
        .text("lifecycle", "on-demand");
    out.object("instanceIds")
        .text("item", &node.instance)
        .close();
    out.close().close().close().close();
}

fn terminate_instances(shape: &mut Shape, rng: &mut Rng, node: &Node) {
    shape.begin("ec2", "TerminateInstances", "1.10", false);
    let out = shape.request.open().object("instancesSet").list("items");
    out.open()
        .text("instanceId", &node.instance)
        .close()
        .close_list()
        .close()
        .close();
    let out = shape.response.open().text("requestId", &rng.uuid().text());
    out.object("instancesSet").list("items").open();
    out.text("instanceId", &node.instance);
    for (name, code, state) in [
        ("currentState", 32, "shutting-down"),
        ("previousState", 16, "running"),
    ] {
        out.object(name)
            .number("code", code)
            .text("name", state)
            .close();
    }
    out.close().close_list().close().close();
}

/// What an Auto Scaling group or a fleet asks for. The tags name the cluster
/// and the node group (EKS User Guide, "Managed node groups").
fn run_instances(shape: &mut Shape, rng: &mut Rng, cluster: &Cluster, node: &Node, at: i64) {
    shape.begin("ec2", "RunInstances", "1.10", false);
    let zone = zone(cluster, node);
    let subnet = &cluster.subnets[node.zone % 3];
    let token = format!("fleet-{}-0", rng.uuid().text());
    let out = shape.request.open();
    out.text("instanceType", INSTANCE_TYPE)
        .text("subnetId", subnet);
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
        .text("ownerId", &cluster.account.id);
    out.text("reservationId", &rng.ec2_id("r-"))
        .object("groupSet")
        .close();
    out.object("instancesSet").list("items");
    instance(out, cluster, node, at);
    out.close_list().close().close();
}

/// Zone of a node.
pub(super) fn zone(cluster: &Cluster, node: &Node) -> String {
    format!("{}{}", cluster.region, ["a", "b", "c"][node.zone % 3])
}

/// Identifiers that belong to an instance for good: they follow from its id.
#[derive(Debug)]
pub(super) struct Belongings {
    pub(super) interface: String,
    pub(super) volume: String,
    pub(super) image: String,
    pub(super) profile_id: String,
}

impl Belongings {
    /// Those of a node.
    pub(super) fn of(cluster: &Cluster, node: &Node) -> Self {
        let mut own = Rng::new(fnv1a(&node.instance));
        let mut shared = Rng::new(fnv1a(&cluster.arn));
        Self {
            interface: own.ec2_id("eni-"),
            volume: own.ec2_id("vol-"),
            image: shared.ec2_id("ami-"),
            profile_id: shared.iam_id("AIPA"),
        }
    }
}

fn instance(out: &mut Json, cluster: &Cluster, node: &Node, at: i64) {
    let own = Belongings::of(cluster, node);
    out.open()
        .text("instanceId", &node.instance)
        .text("imageId", &own.image);
    out.object("instanceState")
        .number("code", 0)
        .text("name", "pending")
        .close();
    out.text("privateDnsName", &node.name)
        .number("amiLaunchIndex", 0);
    out.text("instanceType", INSTANCE_TYPE)
        .number("launchTime", at * 1000);
    out.object("placement")
        .text("availabilityZone", &zone(cluster, node));
    out.text("tenancy", "default")
        .close()
        .object("monitoring")
        .text("state", "disabled")
        .close();
    out.text("subnetId", &cluster.subnets[node.zone % 3])
        .text("vpcId", &cluster.target.vpc);
    out.text("privateIpAddress", &node.address)
        .text("architecture", "x86_64");
    out.object("networkInterfaceSet").list("items").open();
    out.text("networkInterfaceId", &own.interface)
        .text("privateIpAddress", &node.address)
        .close()
        .close_list()
        .close();
    out.object("iamInstanceProfile")
        .text("arn", &cluster.instance_profile)
        .text("id", &own.profile_id)
        .close();
    out.object("metadataOptions")
        .text("state", "pending")
        .text("httpTokens", cluster.http_tokens());
    out.number("httpPutResponseHopLimit", cluster.hop_limit(at))
        .text("httpEndpoint", "enabled");
    out.text("httpProtocolIpv4", "enabled")
        .text("httpProtocolIpv6", "disabled");
    out.text("instanceMetadataTags", "disabled").close();
    out.object("tagSet").list("items");
    for (key, value) in tags(cluster, node) {
        out.open().text("key", &key).text("value", &value).close();
    }
    out.close_list().close();
    out.object("operator")
        .bool("managed", false)
        .close()
        .close();
}

/// Tags of an instance, by which it is known as a node.
pub(super) fn tags(cluster: &Cluster, node: &Node) -> Vec<(String, String)> {
    let name = &*cluster.name;
    let mut out = vec![(format!("kubernetes.io/cluster/{name}"), "owned".to_owned())];
    let mut tag = |key: &str, value: &str| out.push((key.to_owned(), value.to_owned()));
    if cluster.features.karpenter {
        let claim = Rng::new(fnv1a(&node.instance)).kubernetes(5);
        tag("eks:eks-cluster-name", name);
        tag("karpenter.k8s.aws/ec2nodeclass", "default");
        tag("karpenter.sh/nodeclaim", &format!("{NODEGROUP}-{claim}"));
        tag("karpenter.sh/nodepool", NODEGROUP);
        tag("Name", &node.name);
        return out;
    }
    let group = Rng::new(fnv1a(&cluster.arn)).uuid().text();
    tag("eks:cluster-name", name);
    tag("eks:nodegroup-name", NODEGROUP);
    tag("k8s.io/cluster-autoscaler/enabled", "true");
    tag(&format!("k8s.io/cluster-autoscaler/{name}"), "owned");
    tag(
        "aws:autoscaling:groupName",
        &format!("eks-{NODEGROUP}-{group}"),
    );
    tag("Name", &format!("{name}-{NODEGROUP}-Node"));
    out
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
        .text("aws:ebs:id", &Belongings::of(cluster, node).volume)
        .close()
        .close();
    shape.resource(account, "AWS::KMS::Key", &cluster.target.key_arn);
    let call = Call {
        at,
        recipient: &cluster.account,
        region: cluster.region,
        identity: identity.as_str(),
        address: AWS_INTERNAL,
        address_kind: Some(SERVICE),
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
