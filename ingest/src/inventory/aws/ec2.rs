//! EC2 instances.

use serde_json::Value;

use super::super::json::at;
use super::super::time;
use super::{
    Attributes, Collector, Error, Kind, Malformed, Observation, Scope, Sink, arn, list, owned,
    text, time_at,
};

/// Tags that name the cluster, the most specific first.
const CLUSTER_TAGS: &[&str] = &[
    "eks:cluster-name",
    "eks:eks-cluster-name",
    "alpha.eksctl.io/cluster-name",
];

/// Key of the tag whose rest is the cluster name.
const CLUSTER_KEY: &str = "kubernetes.io/cluster/";

/// Reads the instances of a reservation, which names the account that owns them.
pub(in super::super) fn reservation<S: Sink>(
    object: &Value,
    scope: &Scope,
    out: &mut Collector<'_, S>,
) -> Result<(), Error> {
    let Some(instances) = at(object, &["Instances"]).and_then(Value::as_array) else {
        let malformed = Err(Malformed("Instances is missing"));
        return out.take(malformed, object);
    };
    let owner = text(object, &["OwnerId"]);
    for object in instances {
        out.take(instance(object, owner, scope), object)?;
    }
    Ok(())
}

/// Reads an instance.
pub(in super::super) fn instance(
    object: &Value,
    owner: Option<&str>,
    scope: &Scope,
) -> Result<Observation, Malformed> {
    let id = text(object, &["InstanceId"]).ok_or(Malformed("InstanceId is missing"))?;
    let mut observation = scope.observation(Kind::Instance, id);
    let profile = text(object, &["IamInstanceProfile", "Arn"]);
    // An instance can only have a profile of its own account.
    observation.account_id = owner
        .or_else(|| profile.and_then(arn)?.account)
        .map(str::to_owned);
    observation.region = text(object, &["Placement", "AvailabilityZone"]).and_then(region);
    observation.uid = Some(id.to_owned());
    let launched_at = time_at(object, &["LaunchTime"]);
    observation.valid_from = launched_at;
    let state = text(object, &["State", "Name"]);
    if state == Some("terminated") {
        let reason = text(object, &["StateTransitionReason"]);
        observation.valid_to = reason.and_then(time_in).or(Some(observation.observed_at));
    }
    observation.cluster = cluster(object).map(str::to_owned);
    let mut attributes = Attributes::default();
    attributes.text("state", state);
    attributes.text(
        "http_tokens",
        text(object, &["MetadataOptions", "HttpTokens"]),
    );
    let hops = at(object, &["MetadataOptions", "HttpPutResponseHopLimit"]);
    attributes.number("hop_limit", hops);
    attributes.text(
        "http_endpoint",
        text(object, &["MetadataOptions", "HttpEndpoint"]),
    );
    attributes.text("private_ip", text(object, &["PrivateIpAddress"]));
    attributes.list("private_ips", addresses(object));
    attributes.text("public_ip", text(object, &["PublicIpAddress"]));
    attributes.text("private_dns", text(object, &["PrivateDnsName"]));
    attributes.text("instance_profile_arn", profile);
    attributes.text("cluster", observation.cluster.as_deref());
    let nodegroup =
        tag(object, "eks:nodegroup-name").or_else(|| tag(object, "alpha.eksctl.io/nodegroup-name"));
    attributes.text("nodegroup", nodegroup);
    attributes.text("nodepool", tag(object, "karpenter.sh/nodepool"));
    attributes.text("managed_by", text(object, &["Operator", "Principal"]));
    attributes.time("launched_at", launched_at);
    attributes.text("vpc_id", text(object, &["VpcId"]));
    attributes.text("subnet_id", text(object, &["SubnetId"]));
    observation.attributes = attributes.into_map();
    Ok(observation)
}

/// Private addresses of all interfaces, IPv4 and IPv6, each once.
fn addresses(object: &Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |address: Option<String>| {
        if let Some(address) = address.filter(|address| !found.contains(address)) {
            found.push(address);
        }
    };
    add(owned(object, &["PrivateIpAddress"]));
    for interface in list(object, &["NetworkInterfaces"]) {
        for address in list(interface, &["PrivateIpAddresses"]) {
            add(owned(address, &["PrivateIpAddress"]));
        }
        for address in list(interface, &["Ipv6Addresses"]) {
            add(owned(address, &["Ipv6Address"]));
        }
    }
    found
}

fn tag<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    list(object, &["Tags"])
        .iter()
        .find(|tag| text(tag, &["Key"]) == Some(key))
        .and_then(|tag| text(tag, &["Value"]))
}

/// The cluster the tags name. An instance may carry `shared` tags of many clusters: one alone counts.
fn cluster(object: &Value) -> Option<&str> {
    if let Some(name) = CLUSTER_TAGS.iter().find_map(|key| tag(object, key)) {
        return Some(name);
    }
    let with = |value: &'static str| {
        let mut names = list(object, &["Tags"])
            .iter()
            .filter(move |tag| text(tag, &["Value"]) == Some(value))
            .filter_map(|tag| text(tag, &["Key"])?.strip_prefix(CLUSTER_KEY));
        names.next().filter(|_| names.next().is_none())
    };
    with("owned").or_else(|| with("shared"))
}

/// The region of a zone: `us-west-2a`, and local zones such as `us-west-2-lax-1a`.
fn region(zone: &str) -> Option<String> {
    let mut region = String::new();
    for part in zone.split('-') {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            return (!region.is_empty()).then(|| region + &part[..digits]);
        }
        region.push_str(part);
        region.push('-');
    }
    None
}

/// The time in `User initiated (2024-05-01 10:20:30 GMT)`.
fn time_in(reason: &str) -> Option<i64> {
    let (_, rest) = reason.split_once('(')?;
    let (text, _) = rest.split_once(')')?;
    time::parse(
        text.strip_suffix(" GMT")
            .or_else(|| text.strip_suffix(" UTC"))?,
    )
}
