//! An account of two clusters, as EKS, IAM, EC2 and STS answer.

use serde_json::{Value, json};

use crate::collect::testing::{Reply, Request};

const ARN: &str = "arn:aws:eks:us-east-1:444455556666";
const IAM: &str = "arn:aws:iam::444455556666";
/// 2025-01-01T00:00:00Z, as EKS writes it.
const CREATED: f64 = 1_735_689_600.0;

/// The action that a request needs.
pub(super) fn action(request: &Request) -> String {
    if let Some(action) = request.member("Action") {
        let service = match action.as_str() {
            "DescribeInstances" => "ec2",
            "AssumeRole" => "sts",
            _ => "iam",
        };
        return format!("{service}:{action}");
    }
    let parts: Vec<&str> = request.path.split('/').skip(1).collect();
    let name = match parts.as_slice() {
        ["clusters"] => "ListClusters",
        ["clusters", _] => "DescribeCluster",
        ["clusters", _, "node-groups"] => "ListNodegroups",
        ["clusters", _, "node-groups", _] => "DescribeNodegroup",
        ["clusters", _, "fargate-profiles"] => "ListFargateProfiles",
        ["clusters", _, "fargate-profiles", _] => "DescribeFargateProfile",
        ["clusters", _, "access-entries"] => "ListAccessEntries",
        ["clusters", _, "access-entries", _] => "DescribeAccessEntry",
        ["clusters", _, "access-entries", _, "access-policies"] => "ListAssociatedAccessPolicies",
        ["clusters", _, "pod-identity-associations"] => "ListPodIdentityAssociations",
        ["clusters", _, "pod-identity-associations", _] => "DescribePodIdentityAssociation",
        _ => panic!("{} {}", request.method, request.path),
    };
    format!("eks:{name}")
}

/// What the account answers.
pub(super) fn account(request: &Request) -> Reply {
    match action(request).as_str() {
        "iam:ListRoles" => list_roles(request),
        "iam:GetRole" => {
            let name = request.member("RoleName").unwrap();
            result("GetRole", &format!("<Role>{}</Role>", role(&name, true)))
        }
        "iam:GetInstanceProfile" => instance_profile(),
        "iam:ListRolePolicies"
        | "iam:GetRolePolicy"
        | "iam:ListAttachedRolePolicies"
        | "iam:GetPolicy"
        | "iam:GetPolicyVersion" => policies(request),
        "ec2:DescribeInstances" => instances(request),
        "eks:ListAccessEntries" if request.path.contains("/old/") => {
            let message =
                "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]";
            let error = json!({"__type": "InvalidRequestException", "message": message});
            Reply::Json(400, error)
        }
        _ => Reply::Json(200, eks(request)),
    }
}

fn eks(request: &Request) -> Value {
    let parts: Vec<&str> = request.path.split('/').skip(2).collect();
    let next = request.member("nextToken");
    match (parts.as_slice(), next.as_deref()) {
        (["clusters"], _) | ([], None) => json!({"clusters": ["old"], "nextToken": "2"}),
        ([], Some(_)) => json!({"clusters": ["dev"]}),
        ([name], _) => json!({"cluster": cluster(name)}),
        (["dev", "node-groups"], None) => json!({"nodegroups": ["ng-1"], "nextToken": "2"}),
        (["dev", "node-groups"], Some(_)) => json!({"nodegroups": ["ng-2"]}),
        (["dev", "node-groups", name], _) => json!({"nodegroup": nodegroup(name)}),
        (["dev", "fargate-profiles"], _) => json!({"fargateProfileNames": ["fp"]}),
        (["dev", "fargate-profiles", name], _) => json!({"fargateProfile": {
            "fargateProfileName": name, "fargateProfileArn": format!("{ARN}:fargateprofile/dev/{name}/x"),
            "clusterName": "dev", "createdAt": CREATED, "podExecutionRoleArn": format!("{IAM}:role/fargate"),
            "selectors": [{"namespace": "jobs", "labels": {"tier": "batch"}}, {"namespace": "x"}]}}),
        (["dev", "access-entries"], None) => {
            json!({"accessEntries": [format!("{IAM}:role/admin")], "nextToken": "2"})
        }
        (["dev", "access-entries"], Some(_)) => {
            json!({"accessEntries": [format!("{IAM}:user/me")]})
        }
        (["dev", "access-entries", principal], _) => access_entry(principal),
        (["dev", "access-entries", principal, "access-policies"], page) => {
            access_policies(principal, page)
        }
        (["dev", "pod-identity-associations"], None) => {
            json!({"associations": [summary("a-1", "web")], "nextToken": "2"})
        }
        (["dev", "pod-identity-associations"], Some(_)) => {
            json!({"associations": [summary("a-2", "api")]})
        }
        (["dev", "pod-identity-associations", id], _) => association(id),
        (["old", "pod-identity-associations"], _) => json!({"associations": []}),
        (["old", "fargate-profiles"], _) => json!({"fargateProfileNames": []}),
        (["old", "node-groups"], _) => json!({"nodegroups": []}),
        _ => panic!("{}", request.path),
    }
}

fn cluster(name: &str) -> Value {
    let mode = if name == "old" { "CONFIG_MAP" } else { "API" };
    json!({"name": name, "arn": format!("{ARN}:cluster/{name}"), "status": "ACTIVE", "version": "1.33",
        "createdAt": CREATED, "roleArn": format!("{IAM}:role/cluster"), "endpoint": "https://AB.eks.amazonaws.com",
        "certificateAuthority": {"data": "s3cr3t"}, "tags": {"owner": "s3cr3t"},
        "identity": {"oidc": {"issuer": "https://oidc.eks.us-east-1.amazonaws.com/id/AB"}},
        "accessConfig": {"authenticationMode": mode}, "resourcesVpcConfig": {"vpcId": "vpc-1"},
        "computeConfig": {"enabled": true, "nodeRoleArn": format!("{IAM}:role/node")}})
}

fn nodegroup(name: &str) -> Value {
    json!({"nodegroupName": name, "nodegroupArn": format!("{ARN}:nodegroup/dev/{name}/x"), "clusterName": "dev",
        "createdAt": CREATED, "nodeRole": format!("{IAM}:role/node"), "status": "ACTIVE",
        "launchTemplate": {"id": "lt-1", "version": "3", "name": "t"}, "amiType": "AL2023_x86_64_STANDARD",
        "capacityType": "SPOT"})
}

fn access_entry(principal: &str) -> Value {
    let principal = crate::percent::decoded(principal).unwrap();
    let group = if principal.ends_with("admin") {
        json!(["admins"])
    } else {
        json!([])
    };
    let name = principal.rsplit('/').next();
    json!({"accessEntry": {"clusterName": "dev", "principalArn": principal, "kubernetesGroups": group,
        "accessEntryArn": format!("{ARN}:access-entry/dev/role/444455556666/x/y"), "createdAt": CREATED,
        "modifiedAt": CREATED, "username": name, "type": "STANDARD"}})
}

/// Two pages of one policy each.
fn access_policies(principal: &str, page: Option<&str>) -> Value {
    let principal = crate::percent::decoded(principal).unwrap();
    let (name, scope) = match page {
        None => (
            "AmazonEKSClusterAdminPolicy",
            json!({"type": "cluster", "namespaces": []}),
        ),
        Some(_) => (
            "AmazonEKSViewPolicy",
            json!({"type": "namespace", "namespaces": ["shop"]}),
        ),
    };
    let policy = json!({"policyArn": format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
        "accessScope": scope, "associatedAt": CREATED, "modifiedAt": CREATED});
    let mut answer = json!({"clusterName": "dev", "principalArn": principal, "associatedAccessPolicies": [policy]});
    if page.is_none() {
        answer["nextToken"] = json!("2");
    }
    answer
}

fn summary(id: &str, account: &str) -> Value {
    json!({"clusterName": "dev", "namespace": "shop", "serviceAccount": account, "associationId": id,
        "associationArn": format!("{ARN}:podidentityassociation/dev/{id}")})
}

fn association(id: &str) -> Value {
    let mut association = summary(id, if id == "a-1" { "web" } else { "api" });
    association["roleArn"] = json!(format!("{IAM}:role/web"));
    association["createdAt"] = json!(CREATED);
    association["modifiedAt"] = json!(CREATED);
    if id == "a-1" {
        association["targetRoleArn"] = json!("arn:aws:iam::777788889999:role/t");
        association["externalId"] = json!("us-east-1/444455556666/dev/shop/web");
        association["disableSessionTags"] = json!(true);
    }
    json!({"association": association})
}

fn result(action: &str, inner: &str) -> Reply {
    let text = format!(
        "<{action}Response><{action}Result>{inner}</{action}Result>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
    );
    Reply::Text(200, text)
}

/// A role; the list lacks when it was used.
fn role(name: &str, whole: bool) -> String {
    let trusted = match name {
        "web" => json!({"Service": "pods.eks.amazonaws.com"}),
        "trusting" => {
            json!({"Federated": format!("{IAM}:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/AB")})
        }
        _ => json!({"Service": "lambda.amazonaws.com"}),
    };
    let policy =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": trusted}]});
    let policy = crate::percent::encoded(&policy.to_string());
    let used = "<RoleLastUsed><LastUsedDate>2025-02-01T00:00:00Z</LastUsedDate><Region>us-east-1</Region></RoleLastUsed>";
    format!(
        "<Path>/</Path><RoleName>{name}</RoleName><RoleId>AROA{name}</RoleId><Arn>{IAM}:role/{name}</Arn>\
         <CreateDate>2025-01-01T00:00:00Z</CreateDate><Description>about {name}</Description>\
         <AssumeRolePolicyDocument>{policy}</AssumeRolePolicyDocument>{}",
        if whole { used } else { "" }
    )
}

fn list_roles(request: &Request) -> Reply {
    let (names, rest) = match request.member("Marker") {
        None => (
            ["web", "lambda", "node"],
            "<IsTruncated>true</IsTruncated><Marker>2</Marker>",
        ),
        Some(_) => (
            ["trusting", "lambda-2", "cluster"],
            "<IsTruncated>false</IsTruncated>",
        ),
    };
    let roles = names.map(|name| format!("<member>{}</member>", role(name, false)));
    result(
        "ListRoles",
        &format!("<Roles>{}</Roles>{rest}", roles.concat()),
    )
}

fn instance_profile() -> Reply {
    let role = role("in-profile", false);
    let inner = format!(
        "<InstanceProfile><Path>/</Path><InstanceProfileName>nodes</InstanceProfileName>\
         <InstanceProfileId>AIPAEXAMPLE</InstanceProfileId><Arn>{IAM}:instance-profile/nodes</Arn>\
         <CreateDate>2025-01-01T00:00:00Z</CreateDate><Roles><member>{role}</member></Roles></InstanceProfile>"
    );
    result("GetInstanceProfile", &inner)
}

/// Every role has an inline policy and, on the second page, a managed one.
fn policies(request: &Request) -> Reply {
    let arn = "arn:aws:iam::aws:policy/read";
    let first = request.member("Marker").is_none();
    let more = if first {
        "<IsTruncated>true</IsTruncated><Marker>2</Marker>"
    } else {
        "<IsTruncated>false</IsTruncated>"
    };
    let document = "%7B%22Statement%22%3A%5B%5D%7D";
    let action = request.member("Action").unwrap();
    let inner = match action.as_str() {
        "ListRolePolicies" => {
            "<PolicyNames><member>own</member></PolicyNames><IsTruncated>false</IsTruncated>"
                .to_owned()
        }
        "GetRolePolicy" => {
            let role = request.member("RoleName").unwrap();
            assert_eq!(request.member("PolicyName").as_deref(), Some("own"));
            format!(
                "<RoleName>{role}</RoleName><PolicyName>own</PolicyName>\
                 <PolicyDocument>{document}</PolicyDocument>"
            )
        }
        "ListAttachedRolePolicies" if first => format!("<AttachedPolicies/>{more}"),
        "ListAttachedRolePolicies" => format!(
            "<AttachedPolicies><member><PolicyName>read</PolicyName><PolicyArn>{arn}</PolicyArn></member>\
             </AttachedPolicies>{more}"
        ),
        "GetPolicy" => format!(
            "<Policy><PolicyName>read</PolicyName><PolicyId>ANPAEXAMPLE</PolicyId><Arn>{arn}</Arn>\
             <DefaultVersionId>v3</DefaultVersionId></Policy>"
        ),
        _ => {
            assert_eq!(request.member("VersionId").as_deref(), Some("v3"));
            assert_eq!(request.member("PolicyArn").as_deref(), Some(arn));
            format!(
                "<PolicyVersion><Document>{document}</Document><VersionId>v3</VersionId>\
                 <IsDefaultVersion>true</IsDefaultVersion></PolicyVersion>"
            )
        }
    };
    result(&action, &inner)
}

fn instances(request: &Request) -> Reply {
    let by_id = request.member("Filter.1.Name").as_deref() == Some("instance-id");
    let (id, next) = match (by_id, request.member("NextToken")) {
        (true, _) => {
            // One of the ids has been found by its tag.
            assert_eq!(request.member("Filter.1.Value.1").as_deref(), Some("i-0ff"));
            ("i-0ff", "")
        }
        (false, None) => ("i-0aa", "<nextToken>to/2=</nextToken>"),
        (false, Some(token)) => {
            assert_eq!(token, "to/2=");
            ("i-0bb", "")
        }
    };
    let text = format!(
        "<DescribeInstancesResponse><reservationSet><item><ownerId>444455556666</ownerId><instancesSet><item>\
         <instanceId>{id}</instanceId><instanceState><name>running</name></instanceState>\
         <launchTime>2025-01-01T00:00:00.000Z</launchTime>\
         <placement><availabilityZone>us-east-1a</availabilityZone></placement>\
         <privateDnsName>ip-10-0-0-1.ec2.internal</privateDnsName>\
         <tagSet><item><key>eks:cluster-name</key><value>dev</value></item></tagSet>\
         <metadataOptions><httpPutResponseHopLimit>2</httpPutResponseHopLimit></metadataOptions>\
         <iamInstanceProfile><arn>{IAM}:instance-profile/nodes</arn></iamInstanceProfile>\
         </item></instancesSet></item></reservationSet>{next}</DescribeInstancesResponse>"
    );
    Reply::Text(200, text)
}

/// Credentials of an assumed role.
pub(super) fn session() -> Reply {
    let inner = "<Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>made-up-secret-2</SecretAccessKey>\
                 <SessionToken>made-up-session</SessionToken><Expiration>2035-01-01T00:00:00Z</Expiration></Credentials>\
                 <AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:x</AssumedRoleId>\
                 <Arn>arn:aws:sts::444455556666:assumed-role/read/x</Arn></AssumedRoleUser>";
    result("AssumeRole", inner)
}

pub(super) fn denial(request: &Request) -> Reply {
    refusal(
        request,
        403,
        [
            "AccessDeniedException",
            "AccessDenied",
            "UnauthorizedOperation",
        ],
    )
}

pub(super) fn throttling(request: &Request) -> Reply {
    let status = match action(request).split(':').next() {
        Some("iam") => 400,
        Some("ec2") => 503,
        _ => 429,
    };
    refusal(
        request,
        status,
        ["ThrottlingException", "Throttling", "RequestLimitExceeded"],
    )
}

pub(super) fn gone(request: &Request) -> Reply {
    refusal(
        request,
        404,
        [
            "ResourceNotFoundException",
            "NoSuchEntity",
            "InvalidInstanceID.NotFound",
        ],
    )
}

/// An error with the code that EKS, IAM or EC2 gives it.
fn refusal(request: &Request, status: u16, [eks, iam, ec2]: [&str; 3]) -> Reply {
    let action = action(request);
    let message = format!("not authorized to perform: {action}");
    match action.split(':').next() {
        Some("eks") => Reply::Json(status, json!({"__type": eks, "message": message})),
        Some("ec2") => Reply::Text(
            status,
            format!(
                "<Response><Errors><Error><Code>{ec2}</Code><Message>{message}</Message></Error></Errors></Response>"
            ),
        ),
        _ => Reply::Text(
            status,
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{iam}</Code><Message>{message}</Message></Error>\
                 <RequestId>r</RequestId></ErrorResponse>"
            ),
        ),
    }
}
