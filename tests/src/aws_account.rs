//! An AWS account with one EKS cluster, as EKS, IAM and EC2 tell of it: its recorded shape, and refusals.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::endpoint::{ACCOUNT, REGION};
use crate::http_server::{Reply, Request, Server};

/// The issuer of the cluster's tokens.
pub const ISSUER: &str =
    "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";

/// An instance that carries a tag of the cluster.
pub const TAGGED_INSTANCE: &str = "i-0aaaaaaaaaaaaaaa1";

/// An instance that only a node of the cluster names.
pub const UNTAGGED_INSTANCE: &str = "i-0bbbbbbbbbbbbbbb2";

/// All actions, for [`AwsAccount::deny`].
pub const ALL: &str = "*";

/// 2026-05-01T00:00:00Z, as EKS writes times.
const CREATED: i64 = 1_777_593_600;

/// Gives the ARN of a role of the account.
pub fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

/// Gives the ARN of something of EKS.
fn eks_arn(resource: &str) -> String {
    format!("arn:aws:eks:{REGION}:{ACCOUNT}:{resource}")
}

/// The running account.
#[derive(Debug)]
pub struct AwsAccount {
    server: Server,
    denied: Arc<Mutex<BTreeSet<String>>>,
}

impl AwsAccount {
    /// Starts it.
    pub fn start() -> Self {
        let denied = Arc::<Mutex<BTreeSet<String>>>::default();
        let refused = Arc::clone(&denied);
        let server = Server::start(move |request| {
            let (service, name) = called(request);
            let action = format!("{service}:{name}");
            let refused = refused.lock().unwrap();
            if refused.contains(&action) || refused.contains(ALL) {
                return denial(&service, &action);
            }
            match service.as_str() {
                "eks" => Reply::json(200, &eks(request)),
                "ec2" => instances(request),
                _ => iam(&name, request),
            }
        });
        Self { server, denied }
    }

    /// URL of all services.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Denies an IAM action, or [`ALL`].
    pub fn deny(&self, action: &str) {
        self.denied.lock().unwrap().insert(action.to_owned());
    }
}

/// The service that a request is signed for, and the name of the call.
fn called(request: &Request) -> (String, String) {
    // Credential=KEY/DATE/REGION/SERVICE/aws4_request
    let scope = request.header("authorization").split('/').nth(3);
    let service = scope.unwrap_or_default().to_owned();
    if let Some(action) = request.member("Action") {
        return (service, action);
    }
    let parts: Vec<&str> = request.path.split('/').skip(1).collect();
    let name = match parts.as_slice() {
        ["clusters"] => "ListClusters",
        ["clusters", _] => "DescribeCluster",
        ["clusters", _, "node-groups"] => "ListNodegroups",
        ["clusters", _, "node-groups", _] => "DescribeNodegroup",
        ["clusters", _, "fargate-profiles"] => "ListFargateProfiles",
        ["clusters", _, "access-entries"] => "ListAccessEntries",
        ["clusters", _, "access-entries", _] => "DescribeAccessEntry",
        ["clusters", _, "access-entries", _, "access-policies"] => "ListAssociatedAccessPolicies",
        ["clusters", _, "pod-identity-associations"] => "ListPodIdentityAssociations",
        ["clusters", _, "pod-identity-associations", _] => "DescribePodIdentityAssociation",
        _ => panic!("unexpected {} {}", request.method, request.path),
    };
    (service, name.to_owned())
}

fn denial(service: &str, action: &str) -> Reply {
    let message =
        format!("User: arn:aws:iam::{ACCOUNT}:user/reader is not authorized to perform: {action}");
    match service {
        "eks" => Reply::json(
            403,
            &json!({"__type": "AccessDeniedException", "message": message}),
        ),
        "ec2" => Reply::xml(
            403,
            format!(
                "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>{message}</Message></Error></Errors>\
                 <RequestID>r</RequestID></Response>"
            ),
        ),
        _ => Reply::xml(
            403,
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{message}</Message></Error>\
                 <RequestId>r</RequestId></ErrorResponse>"
            ),
        ),
    }
}

fn eks(request: &Request) -> Value {
    let parts: Vec<&str> = request.path.split('/').skip(2).collect();
    match parts.as_slice() {
        [] => json!({"clusters": ["dev"]}),
        [_] => {
            json!({"cluster": {"name": "dev", "arn": eks_arn("cluster/dev"), "status": "ACTIVE", "version": "1.33",
            "createdAt": CREATED, "roleArn": role_arn("cluster"), "identity": {"oidc": {"issuer": ISSUER}},
            "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}, "resourcesVpcConfig": {"vpcId": "vpc-1"}}})
        }
        // In pages, as accounts with many have them.
        [_, "node-groups"] => match request.member("nextToken") {
            None => json!({"nodegroups": ["workers"], "nextToken": "2"}),
            Some(_) => json!({"nodegroups": ["spare"]}),
        },
        [_, "node-groups", name] => {
            json!({"nodegroup": {"nodegroupName": name, "clusterName": "dev",
            "nodegroupArn": eks_arn(&format!("nodegroup/dev/{name}/x")), "createdAt": CREATED, "status": "ACTIVE",
            "nodeRole": role_arn("node"), "amiType": "AL2023_x86_64_STANDARD", "capacityType": "SPOT"}})
        }
        [_, "fargate-profiles"] => json!({"fargateProfileNames": []}),
        [_, "access-entries"] => json!({"accessEntries": [role_arn("admin")]}),
        [_, "access-entries", _] => {
            json!({"accessEntry": {"clusterName": "dev", "principalArn": role_arn("admin"),
            "accessEntryArn": eks_arn(&format!("access-entry/dev/role/{ACCOUNT}/admin/x")), "createdAt": CREATED,
            "modifiedAt": CREATED, "kubernetesGroups": ["admins"], "username": "admin", "type": "STANDARD"}})
        }
        [_, "access-entries", _, "access-policies"] => {
            json!({"clusterName": "dev", "principalArn": role_arn("admin"), "associatedAccessPolicies": [{
            "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
            "accessScope": {"type": "cluster", "namespaces": []}, "associatedAt": CREATED, "modifiedAt": CREATED}]})
        }
        [_, "pod-identity-associations"] => {
            json!({"associations": [{"clusterName": "dev", "namespace": "shop",
            "serviceAccount": "api", "associationId": "a-1", "associationArn": eks_arn("podidentityassociation/dev/a-1")}]})
        }
        _ => {
            json!({"association": {"clusterName": "dev", "namespace": "shop", "serviceAccount": "api",
            "associationId": "a-1", "associationArn": eks_arn("podidentityassociation/dev/a-1"),
            "roleArn": role_arn("api"), "createdAt": CREATED, "modifiedAt": CREATED}})
        }
    }
}

fn iam(name: &str, request: &Request) -> Reply {
    let inner = match name {
        "GetRole" => format!(
            "<Role>{}</Role>",
            role(&request.member("RoleName").unwrap())
        ),
        "GetInstanceProfile" => format!(
            "<InstanceProfile><Path>/</Path><InstanceProfileName>nodes</InstanceProfileName>\
             <InstanceProfileId>AIPAEXAMPLE</InstanceProfileId><Arn>arn:aws:iam::{ACCOUNT}:instance-profile/nodes</Arn>\
             <CreateDate>2026-05-01T00:00:00Z</CreateDate><Roles><member>{}</member></Roles></InstanceProfile>",
            role("node")
        ),
        "ListAttachedRolePolicies" => format!(
            "<AttachedPolicies><member><PolicyName>logs</PolicyName><PolicyArn>{LOGS}</PolicyArn></member>\
             </AttachedPolicies><IsTruncated>false</IsTruncated>"
        ),
        "ListRolePolicies" => {
            "<PolicyNames><member>own</member></PolicyNames><IsTruncated>false</IsTruncated>"
                .to_owned()
        }
        "GetRolePolicy" => format!(
            "<RoleName>{}</RoleName><PolicyName>own</PolicyName><PolicyDocument>{}</PolicyDocument>",
            request.member("RoleName").unwrap(),
            encoded(&allow(&["s3:Get*", "s3:DeleteObject"]))
        ),
        "GetPolicy" => format!(
            "<Policy><PolicyName>logs</PolicyName><PolicyId>ANPAEXAMPLELOGS</PolicyId><Arn>{LOGS}</Arn>\
             <DefaultVersionId>v2</DefaultVersionId></Policy>"
        ),
        "GetPolicyVersion" => format!(
            "<PolicyVersion><Document>{}</Document><VersionId>v2</VersionId>\
             <IsDefaultVersion>true</IsDefaultVersion></PolicyVersion>",
            encoded(&allow(&["logs:*"]))
        ),
        // In pages; one of the roles has nothing to do with clusters.
        _ => {
            let (names, rest) = match request.member("Marker") {
                None => (
                    ["admin", "api", "web"],
                    "<IsTruncated>true</IsTruncated><Marker>2</Marker>",
                ),
                Some(_) => (
                    ["cluster", "lambda", "node"],
                    "<IsTruncated>false</IsTruncated>",
                ),
            };
            let roles = names.map(|name| format!("<member>{}</member>", role(name)));
            format!("<Roles>{}</Roles>{rest}", roles.concat())
        }
    };
    let text = format!(
        "<{name}Response><{name}Result>{inner}</{name}Result>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{name}Response>"
    );
    Reply::xml(200, text)
}

/// A managed policy of the account.
const LOGS: &str = "arn:aws:iam::111122223333:policy/logs";

fn allow(actions: &[&str]) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

/// A policy as IAM sends it. It has no blanks, which a form would write as pluses.
fn encoded(policy: &Value) -> String {
    url::form_urlencoded::byte_serialize(policy.to_string().as_bytes()).collect()
}

fn role(name: &str) -> String {
    let trusted = match name {
        "api" => json!({"Service": "pods.eks.amazonaws.com"}),
        "web" => {
            let issuer = ISSUER.trim_start_matches("https://");
            json!({"Federated": format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}")})
        }
        "node" => json!({"Service": "ec2.amazonaws.com"}),
        _ => json!({"Service": "lambda.amazonaws.com"}),
    };
    let policy =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": trusted}]});
    let policy = encoded(&policy);
    let arn = role_arn(name);
    format!(
        "<Path>/</Path><RoleName>{name}</RoleName><RoleId>AROA{name}</RoleId><Arn>{arn}</Arn>\
         <CreateDate>2026-05-01T00:00:00Z</CreateDate>\
         <AssumeRolePolicyDocument>{policy}</AssumeRolePolicyDocument>"
    )
}

fn instances(request: &Request) -> Reply {
    let by_tag = request.member("Filter.1.Name").as_deref() == Some("tag-key");
    let asked: BTreeSet<String> = (1..=200)
        .map_while(|at| request.member(&format!("Filter.1.Value.{at}")))
        .collect();
    let mut items = String::new();
    if by_tag && asked.contains("kubernetes.io/cluster/dev") {
        let tag = "<tagSet><item><key>kubernetes.io/cluster/dev</key><value>owned</value></item></tagSet>";
        items.push_str(&instance(TAGGED_INSTANCE, 1, tag));
    }
    if !by_tag && asked.contains(UNTAGGED_INSTANCE) {
        items.push_str(&instance(UNTAGGED_INSTANCE, 2, ""));
    }
    let reservations = if items.is_empty() {
        "<reservationSet/>".to_owned()
    } else {
        format!(
            "<reservationSet><item><ownerId>{ACCOUNT}</ownerId><instancesSet>{items}</instancesSet></item></reservationSet>"
        )
    };
    let text = format!("<DescribeInstancesResponse>{reservations}</DescribeInstancesResponse>");
    Reply::xml(200, text)
}

fn instance(id: &str, hops: u32, tags: &str) -> String {
    format!(
        "<item><instanceId>{id}</instanceId><instanceState><name>running</name></instanceState>\
         <launchTime>2026-05-01T08:30:00.000Z</launchTime>\
         <placement><availabilityZone>{REGION}a</availabilityZone></placement>\
         <privateDnsName>{id}.{REGION}.compute.internal</privateDnsName>{tags}\
         <metadataOptions><httpTokens>required</httpTokens><httpPutResponseHopLimit>{hops}</httpPutResponseHopLimit>\
         <httpEndpoint>enabled</httpEndpoint></metadataOptions>\
         <iamInstanceProfile><arn>arn:aws:iam::{ACCOUNT}:instance-profile/nodes</arn></iamInstanceProfile></item>"
    )
}
