//! Answers of EC2's query API: XML in, JSON as the AWS CLI prints it out.
//!
//! Element names: EC2 API reference, `DescribeInstances`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::json::Members;

/// A page of reservations.
#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Page {
    reservation_set: Set<Reservation>,
    #[serde(rename = "nextToken")]
    pub(super) next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Set<T> {
    #[serde(default = "Vec::new")]
    item: Vec<T>,
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Reservation {
    owner_id: Option<String>,
    instances_set: Set<Instance>,
}

/// The members of an instance that the inventory reads.
#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Instance {
    #[serde(rename = "instanceId")]
    pub(super) id: Option<String>,
    #[serde(rename = "instanceState")]
    state: State,
    reason: Option<String>,
    launch_time: Option<String>,
    placement: Placement,
    private_dns_name: Option<String>,
    private_ip_address: Option<String>,
    #[serde(rename = "ipAddress")]
    public_ip_address: Option<String>,
    subnet_id: Option<String>,
    vpc_id: Option<String>,
    iam_instance_profile: Option<Profile>,
    network_interface_set: Set<Interface>,
    tag_set: Set<Tag>,
    metadata_options: Option<MetadataOptions>,
    operator: Option<Operator>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct State {
    name: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Placement {
    availability_zone: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Profile {
    arn: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Interface {
    private_ip_addresses_set: Set<PrivateAddress>,
    ipv6_addresses_set: Set<Ipv6Address>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PrivateAddress {
    private_ip_address: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Ipv6Address {
    #[serde(rename = "ipv6Address")]
    address: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Tag {
    key: Option<String>,
    value: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct MetadataOptions {
    #[serde(rename = "httpTokens")]
    tokens: Option<String>,
    #[serde(rename = "httpPutResponseHopLimit")]
    hop_limit: Option<i64>,
    #[serde(rename = "httpEndpoint")]
    endpoint: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Operator {
    principal: Option<String>,
}

/// Reads an answer. Errors say where, never what.
pub(super) fn page(text: &str) -> Result<Page, &'static str> {
    if !text.contains("<DescribeInstancesResponse") {
        return Err("not an answer to DescribeInstances");
    }
    quick_xml::de::from_str(text).map_err(|_| "broken XML")
}

impl Page {
    pub(super) fn instances(&self) -> impl Iterator<Item = &Instance> {
        let reservations = &self.reservation_set.item;
        reservations.iter().flat_map(|all| &all.instances_set.item)
    }

    /// As `aws ec2 describe-instances` prints it. What was filtered is no complete list of the instances
    /// of an account, and a next token is how a document says so.
    pub(super) fn json(&self) -> Value {
        let reservations = self.reservation_set.item.iter().map(|reservation| {
            let instances = reservation.instances_set.item.iter().map(Instance::json);
            Members::default()
                .text("OwnerId", reservation.owner_id.as_deref())
                .value("Instances", Some(instances.collect()))
                .into_value()
        });
        let next = self.next.as_deref().filter(|token| !token.is_empty());
        json!({
            "Reservations": reservations.collect::<Vec<_>>(),
            "NextToken": next.unwrap_or("filtered"),
        })
    }
}

impl Instance {
    pub(super) fn profile_arn(&self) -> Option<String> {
        self.iam_instance_profile.as_ref()?.arn.clone()
    }

    fn json(&self) -> Value {
        let one =
            |name: &str, text: &Option<String>| Members::default().text(name, text.as_deref());
        let profile = self.iam_instance_profile.as_ref();
        let operator = self.operator.as_ref();
        let interfaces = self.network_interface_set.item.iter().map(Interface::json);
        let tags = self.tag_set.item.iter().filter(|tag| tag.is_known());
        let tags = tags.map(|tag| json!({"Key": tag.key, "Value": tag.value}));
        Members::default()
            .text("InstanceId", self.id.as_deref())
            .object("State", Some(one("Name", &self.state.name)))
            .text("StateTransitionReason", self.reason.as_deref())
            .text("LaunchTime", self.launch_time.as_deref())
            .object(
                "Placement",
                Some(one("AvailabilityZone", &self.placement.availability_zone)),
            )
            .text("PrivateDnsName", self.private_dns_name.as_deref())
            .text("PrivateIpAddress", self.private_ip_address.as_deref())
            .text("PublicIpAddress", self.public_ip_address.as_deref())
            .text("SubnetId", self.subnet_id.as_deref())
            .text("VpcId", self.vpc_id.as_deref())
            .object("IamInstanceProfile", profile.map(|it| one("Arn", &it.arn)))
            .value("NetworkInterfaces", Some(interfaces.collect()))
            .value("Tags", Some(tags.collect()))
            .object(
                "MetadataOptions",
                self.metadata_options.as_ref().map(MetadataOptions::json),
            )
            .object(
                "Operator",
                operator.map(|it| one("Principal", &it.principal)),
            )
            .into_value()
    }
}

impl Interface {
    fn json(&self) -> Value {
        let private = self.private_ip_addresses_set.item.iter();
        let private = private.filter_map(|address| address.private_ip_address.as_deref());
        let ipv6 = self.ipv6_addresses_set.item.iter();
        let ipv6 = ipv6.filter_map(|address| address.address.as_deref());
        json!({
            "PrivateIpAddresses": private
                .map(|address| json!({"PrivateIpAddress": address}))
                .collect::<Vec<_>>(),
            "Ipv6Addresses": ipv6
                .map(|address| json!({"Ipv6Address": address}))
                .collect::<Vec<_>>(),
        })
    }
}

impl MetadataOptions {
    fn json(&self) -> Members {
        Members::default()
            .text("HttpTokens", self.tokens.as_deref())
            .value("HttpPutResponseHopLimit", self.hop_limit.map(Value::from))
            .text("HttpEndpoint", self.endpoint.as_deref())
    }
}

/// Tags that the inventory reads; others may hold anything.
const TAGS: [&str; 6] = [
    "eks:cluster-name",
    "eks:eks-cluster-name",
    "alpha.eksctl.io/cluster-name",
    "eks:nodegroup-name",
    "alpha.eksctl.io/nodegroup-name",
    "karpenter.sh/nodepool",
];

impl Tag {
    fn is_known(&self) -> bool {
        let key = self.key.as_deref().unwrap_or_default();
        TAGS.contains(&key) || key.starts_with("kubernetes.io/cluster/")
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Refused {
    errors: Errors,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Errors {
    error: Error,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Error {
    code: Option<String>,
    message: Option<String>,
}

/// Code and message of a refusal: `Response/Errors/Error`.
pub(super) fn refusal(text: &str) -> (String, String) {
    let refused: Refused = quick_xml::de::from_str(text).unwrap_or_default();
    let error = refused.errors.error;
    (
        error.code.unwrap_or_else(|| "no error code".to_owned()),
        error.message.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests;
