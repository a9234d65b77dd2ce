//! Requests that only node components make.

use super::api_shapes::filter;
use super::apis::Target;
use super::cluster::Node;
use super::records::Shape;
use super::rng::Rng;

/// `GetCallerIdentity` without parameters.
pub(super) fn caller_identity(shape: &mut Shape) {
    shape.begin("sts", "GetCallerIdentity", "1.08", true);
}

/// The question of nodeadm and of the VPC CNI about the node they run on.
pub(super) fn describe_own_instance(shape: &mut Shape, node: &Node) {
    shape.begin("ec2", "DescribeInstances", "1.10", true);
    let out = shape
        .request
        .open()
        .object("instancesSet")
        .list("items")
        .open();
    out.text("instanceId", &node.instance)
        .close()
        .close_list()
        .close();
    out.object("filterSet").close().close();
}

/// The question about the instance type of the node.
pub(super) fn describe_own_type(shape: &mut Shape) {
    shape.begin("ec2", "DescribeInstanceTypes", "1.10", true);
    let out = shape
        .request
        .open()
        .object("DescribeInstanceTypesRequest")
        .object("InstanceType");
    out.number("tag", 1)
        .text("content", "m6i.large")
        .close()
        .close()
        .close();
}

/// The search of the VPC CNI for interfaces left behind, which names the cluster.
pub(super) fn describe_leaked_interfaces(shape: &mut Shape, cluster: &str) {
    shape.begin("ec2", "DescribeNetworkInterfaces", "1.10", true);
    let out = shape.request.open().number("maxResults", 1000);
    out.object("networkInterfaceIdSet")
        .close()
        .object("filterSet")
        .list("items");
    for (name, value) in [
        ("tag-key", "node.k8s.amazonaws.com/instance_id"),
        ("status", "available"),
        ("tag:cluster.k8s.amazonaws.com/name", cluster),
    ] {
        out.open()
            .text("name", name)
            .object("valueSet")
            .list("items");
        out.open()
            .text("value", value)
            .close()
            .close_list()
            .close()
            .close();
    }
    out.close_list().close().close();
}

/// A second interface for pod addresses.
pub(super) fn create_interface(shape: &mut Shape, rng: &mut Rng, node: &Node, target: &Target) {
    shape.begin("ec2", "CreateNetworkInterface", "1.10", false);
    let subnet = rng.ec2_id("subnet-");
    let out = shape.request.open().text("subnetId", &subnet);
    out.text("description", &format!("aws-K8S-{}", node.instance));
    out.object("groupSet")
        .list("items")
        .open()
        .text("groupId", &rng.ec2_id("sg-"));
    out.close()
        .close_list()
        .close()
        .object("privateIpAddressesSet")
        .close();
    out.number("secondaryPrivateIpAddressCount", 9);
    out.object("tagSpecificationSet").list("items").open();
    out.text("resourceType", "network-interface").list("tags");
    for (key, value) in [
        ("cluster.k8s.amazonaws.com/name", target.cluster.as_str()),
        ("node.k8s.amazonaws.com/instance_id", &node.instance),
    ] {
        out.open().text("key", key).text("value", value).close();
    }
    out.close_list().close().close_list().close().close();
    let out = shape.response.open().text("requestId", &rng.uuid().text());
    out.object("networkInterface")
        .text("networkInterfaceId", &rng.ec2_id("eni-"));
    out.text("subnetId", &subnet)
        .text("vpcId", &target.vpc)
        .text("status", "pending");
    out.text("ownerId", &target.account).close().close();
}

/// Attaching that interface.
pub(super) fn attach_interface(shape: &mut Shape, rng: &mut Rng, node: &Node) {
    shape.begin("ec2", "AttachNetworkInterface", "1.10", false);
    let out = shape
        .request
        .open()
        .text("networkInterfaceId", &rng.ec2_id("eni-"));
    out.text("instanceId", &node.instance)
        .number("deviceIndex", 1)
        .close();
    let out = shape.response.open().text("requestId", &rng.uuid().text());
    out.text("attachmentId", &rng.ec2_id("eni-attach-")).close();
}

/// The SSM agent's sign of life.
pub(super) fn instance_information(shape: &mut Shape, node: &Node, region: &str) {
    shape.begin("ssm", "UpdateInstanceInformation", "1.08", false);
    let zone = ["a", "b", "c"][node.zone % 3];
    let out = shape.request.open();
    out.text("instanceId", &node.instance)
        .text("agentVersion", "3.3.2299.0")
        .text("agentStatus", "Active")
        .text("platformType", "Linux")
        .text("platformName", "Amazon Linux")
        .text("platformVersion", "2023")
        .text("iPAddress", &node.address)
        .text("computerName", &node.name)
        .text("agentName", "amazon-ssm-agent")
        .text("availabilityZone", &format!("{region}{zone}"))
        .text("sSMConnectionChannel", "ssmmessages")
        .close();
}

/// The SSM agent's question for work.
pub(super) fn list_associations(shape: &mut Shape, node: &Node) {
    shape.begin("ssm", "ListInstanceAssociations", "1.08", true);
    let out = shape.request.open().text("instanceId", &node.instance);
    out.number("maxResults", 20).close();
}

/// `GetAuthorizationToken` of kubelet's credential provider.
pub(super) fn authorization_token(shape: &mut Shape) {
    shape.begin("ecr", "GetAuthorizationToken", "1.08", true);
    shape.host = "api.ecr";
    shape.request.open().close();
}

fn repository(shape: &mut Shape, target: &Target, image: &str) {
    let Target {
        account, region, ..
    } = target;
    let arn = format!("arn:aws:ecr:{region}:{account}:repository/{image}");
    shape.resource(account, "AWS::ECR::Repository", &arn);
}

/// The manifest of an image.
pub(super) fn batch_get_image(shape: &mut Shape, rng: &mut Rng, target: &Target, image: &str) {
    shape.begin("ecr", "BatchGetImage", "1.08", true);
    let out = shape.request.open().list("imageIds").open();
    out.text("imageDigest", &format!("sha256:{}", rng.hex(64)))
        .close()
        .close_list();
    out.texts(
        "acceptedMediaTypes",
        ["application/vnd.docker.distribution.manifest.v2+json"],
    );
    out.text("repositoryName", image)
        .text("registryId", &target.account)
        .close();
    repository(shape, target, image);
}

/// A layer of an image.
pub(super) fn download_url(shape: &mut Shape, rng: &mut Rng, target: &Target, image: &str) {
    shape.begin("ecr", "GetDownloadUrlForLayer", "1.08", true);
    let out = shape.request.open().text("registryId", &target.account);
    out.text("layerDigest", &format!("sha256:{}", rng.hex(64)));
    out.text("repositoryName", image).close();
    repository(shape, target, image);
}

/// The Pod Identity agent's call: it names the cluster, never the pod.
pub(super) fn assume_role_for_pod_identity(shape: &mut Shape, cluster: &str) {
    shape.begin("eks-auth", "AssumeRoleForPodIdentity", "1.09", true);
    let out = shape.request.open().text("clusterName", cluster);
    out.text("token", "HIDDEN_DUE_TO_SECURITY_REASONS").close();
}

/// Writes the filter that finds the volumes or interfaces of a cluster.
pub(super) fn cluster_filter(shape: &mut Shape, name: &'static str, cluster: &str) {
    shape.begin("ec2", name, "1.10", true);
    let out = shape.request.open().object("filterSet");
    filter(
        out,
        &format!("tag:kubernetes.io/cluster/{cluster}"),
        "owned",
    );
    out.close().close();
}
