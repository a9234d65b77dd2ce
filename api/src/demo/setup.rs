//! The requests that set a cluster up and change who may do what.

use std::fmt::Write as _;

use super::account::{Role, fnv1a};
use super::clock;
use super::cluster::Cluster;
use super::records::Shape;
use super::rng::Rng;

/// `iam:CreateRole`. IAM has one global endpoint, logged in us-east-1.
pub(super) fn create_role(shape: &mut Shape, role: &Role, trust: &str, at: i64) {
    shape.begin("iam", "CreateRole", "1.09", false);
    shape.global = true;
    let out = shape.request.open().text("roleName", &role.name);
    out.text("assumeRolePolicyDocument", trust).close();
    let out = shape
        .response
        .open()
        .object("role")
        .text("path", role.path());
    out.text("roleName", &role.name)
        .text("roleId", &role.id)
        .text("arn", &role.arn);
    out.text("createDate", &clock::english(at));
    out.text("assumeRolePolicyDocument", &percent_encoded(trust))
        .close()
        .close();
}

/// The encoding of policies in IAM's answers (RFC 3986).
pub(super) fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Trust policy of an IRSA role, for a service account or a pattern of several.
pub(super) fn irsa_trust(cluster: &Cluster, namespace: &str, service_account: &str) -> String {
    let (provider, issuer) = (&cluster.provider, &cluster.issuer);
    let between = if service_account.contains('*') {
        "},\"StringLike\":{"
    } else {
        ","
    };
    format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":\
         {{\"Federated\":\"{provider}\"}},\"Action\":\"sts:AssumeRoleWithWebIdentity\",\
         \"Condition\":{{\"StringEquals\":{{\"{issuer}:aud\":\"sts.amazonaws.com\"{between}\
         \"{issuer}:sub\":\"system:serviceaccount:{namespace}:{service_account}\"}}}}}}]}}"
    )
}

/// Trust policy for an AWS service; Pod Identity needs `sts:TagSession` too.
pub(super) fn service_trust(service: &str) -> String {
    let tag = if service == "pods.eks.amazonaws.com" {
        ",\"sts:TagSession\""
    } else {
        ""
    };
    format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":\
         {{\"Service\":\"{service}\"}},\"Action\":[\"sts:AssumeRole\"{tag}]}}]}}"
    )
}

/// `iam:AttachRolePolicy`.
pub(super) fn attach_policy(shape: &mut Shape, role: &Role, policy: &str) {
    shape.begin("iam", "AttachRolePolicy", "1.09", false);
    shape.global = true;
    let out = shape.request.open().text("roleName", &role.name);
    out.text("policyArn", &format!("arn:aws:iam::aws:policy/{policy}"))
        .close();
}

/// `iam:CreateOpenIDConnectProvider` for a cluster's issuer.
pub(super) fn create_oidc_provider(shape: &mut Shape, rng: &mut Rng, cluster: &Cluster) {
    shape.begin("iam", "CreateOpenIDConnectProvider", "1.09", false);
    shape.global = true;
    let thumbprint = rng.hex(40);
    let out = shape.request.open();
    out.text("url", &format!("https://{}", cluster.issuer));
    out.texts("clientIDList", ["sts.amazonaws.com"]);
    out.texts("thumbprintList", [thumbprint.as_str()]).close();
    shape
        .response
        .open()
        .text("openIDConnectProviderArn", &cluster.provider)
        .close();
}

/// `eks:CreateCluster`.
pub(super) fn create_cluster(shape: &mut Shape, rng: &mut Rng, cluster: &Cluster, at: i64) {
    shape.begin("eks", "CreateCluster", "1.09", false);
    let subnets = || cluster.subnets.iter().map(String::as_str);
    let out = shape.request.open();
    out.text("name", &cluster.name).text("version", "1.33");
    out.text("roleArn", &cluster.control_role.arn)
        .uuid("clientRequestToken", rng.uuid());
    out.object("resourcesVpcConfig")
        .texts("subnetIds", subnets());
    out.bool("endpointPublicAccess", true)
        .bool("endpointPrivateAccess", true)
        .close();
    out.object("accessConfig")
        .text("authenticationMode", cluster.features.authentication.name())
        .close();
    out.list("encryptionConfig")
        .open()
        .texts("resources", ["secrets"]);
    out.object("provider")
        .text("keyArn", &cluster.target.key_arn)
        .close()
        .close()
        .close_list();
    out.close();
    let out = shape.response.open().object("cluster");
    out.text("name", &cluster.name)
        .text("arn", &cluster.arn)
        .number("createdAt", at);
    out.text("version", "1.33")
        .text("roleArn", &cluster.control_role.arn);
    out.object("resourcesVpcConfig")
        .texts("subnetIds", subnets());
    out.text("vpcId", &cluster.target.vpc)
        .bool("endpointPublicAccess", true);
    out.bool("endpointPrivateAccess", true)
        .texts("publicAccessCidrs", ["0.0.0.0/0"])
        .close();
    out.object("accessConfig")
        .text("authenticationMode", cluster.features.authentication.name());
    out.bool("bootstrapClusterCreatorAdminPermissions", true)
        .close();
    out.text("status", "CREATING")
        .text("platformVersion", "eks.18");
    out.object("tags").close().close().close();
}

/// `eks:CreateNodegroup`.
pub(super) fn create_nodegroup(shape: &mut Shape, rng: &mut Rng, cluster: &Cluster, at: i64) {
    shape.begin("eks", "CreateNodegroup", "1.09", false);
    let count = i64::try_from(cluster.nodes.len()).unwrap_or(i64::MAX);
    let out = shape.request.open();
    out.text("name", &cluster.name)
        .text("nodegroupName", "ng-1");
    out.text("nodeRole", &cluster.node_role.arn)
        .uuid("clientRequestToken", rng.uuid());
    out.texts("instanceTypes", ["m6i.large"])
        .text("amiType", "AL2023_x86_64_STANDARD");
    out.object("scalingConfig")
        .number("minSize", count)
        .number("maxSize", count * 2);
    out.number("desiredSize", count).close().close();
    let out = shape.response.open().object("nodegroup");
    let arn = format!(
        "arn:aws:eks:{}:{}:nodegroup/{}/ng-1/{}",
        cluster.region,
        cluster.account.id,
        cluster.name,
        stable_uuid(&cluster.arn)
    );
    out.text("nodegroupName", "ng-1").text("nodegroupArn", &arn);
    out.text("clusterName", &cluster.name)
        .text("nodeRole", &cluster.node_role.arn);
    out.number("createdAt", at)
        .text("status", "CREATING")
        .text("capacityType", "ON_DEMAND");
    out.close().close();
}

/// A UUID that follows from a text, for ids that several outputs name.
pub(super) fn stable_uuid(text: &str) -> String {
    Rng::new(fnv1a(text)).uuid().text()
}

/// `eks:CreateAddon`.
pub(super) fn create_addon(shape: &mut Shape, rng: &mut Rng, cluster: &Cluster, addon: &str) {
    shape.begin("eks", "CreateAddon", "1.09", false);
    let out = shape
        .request
        .open()
        .text("name", &cluster.name)
        .text("addonName", addon);
    out.uuid("clientRequestToken", rng.uuid()).close();
    let out = shape
        .response
        .open()
        .object("addon")
        .text("addonName", addon);
    out.text("clusterName", &cluster.name)
        .text("status", "CREATING")
        .close()
        .close();
}

/// `cloudtrail:StopLogging` or `StartLogging`.
pub(super) fn logging(shape: &mut Shape, name: &'static str, account: &str, region: &str) {
    shape.begin("cloudtrail", name, "1.11", false);
    let arn = format!("arn:aws:cloudtrail:{region}:{account}:trail/organisation");
    shape.request.open().text("name", &arn).close();
}

/// `ConsoleLogin`, as IAM Identity Center users leave it.
pub(super) fn console_login(shape: &mut Shape, region: &str) {
    shape.begin("signin", "ConsoleLogin", "1.08", false);
    shape.event_type = "AwsConsoleSignIn";
    shape
        .response
        .open()
        .text("ConsoleLogin", "Success")
        .close();
    let url = format!("https://{region}.console.aws.amazon.com/console/home?region={region}");
    shape
        .additional
        .open()
        .text("MobileVersion", "No")
        .text("MFAUsed", "No");
    shape.additional.text("LoginTo", &url).close();
}
