use serde_json::{Value, json};

use super::super::tests::{AT, Taken, take_json};
use super::super::time;
use super::*;

const EKS: &str = "arn:aws:eks:us-east-1:444455556666";

fn attributes(taken: &Taken, kind: Kind) -> Value {
    json!(taken.one(kind).attributes)
}

#[test]
fn describe_cluster_names_its_place() {
    let object = json!({"name": "dev", "arn": format!("{EKS}:cluster/dev"), "status": "ACTIVE",
        "version": "1.32", "createdAt": "2025-01-01T02:00:00.5+02:00", "roleArn": "arn:aws:iam::444455556666:role/c",
        "identity": {"oidc": {"issuer": "https://oidc.eks.us-east-1.amazonaws.com/id/AB"}},
        "accessConfig": {"authenticationMode": "API"}, "resourcesVpcConfig": {"vpcId": "vpc-1"},
        "computeConfig": {"enabled": true, "nodeRoleArn": "arn:aws:iam::444455556666:role/auto"}});
    for value in [json!({"cluster": object}), object] {
        let taken = take_json(&value);
        let found = taken.one(Kind::Cluster);
        assert_eq!(found.cluster.as_deref(), Some("dev"));
        assert_eq!(found.account_id.as_deref(), Some("444455556666"));
        assert_eq!(found.region.as_deref(), Some("us-east-1"));
        assert_eq!(
            attributes(&taken, Kind::Cluster),
            json!({
            "arn": format!("{EKS}:cluster/dev"), "oidc_issuer": "oidc.eks.us-east-1.amazonaws.com/id/AB",
            "cluster_role_arn": "arn:aws:iam::444455556666:role/c", "status": "ACTIVE", "version": "1.32",
            "created_at": "2025-01-01T00:00:00.500Z", "authentication_mode": "API", "auto_mode": true,
            "auto_mode_node_role_arn": "arn:aws:iam::444455556666:role/auto", "vpc_id": "vpc-1"})
        );
    }
}

#[test]
fn associations_listed_and_described() {
    let short = json!({"clusterName": "dev", "namespace": "shop", "serviceAccount": "web",
        "associationArn": format!("{EKS}:podidentityassociation/dev/a-1"), "associationId": "a-1"});
    let taken = take_json(&json!({"associations": [short]}));
    let found = taken.one(Kind::PodIdentityAssociation);
    assert_eq!(
        (found.name.as_str(), found.namespace.as_deref()),
        ("web", Some("shop"))
    );
    assert_eq!(
        (found.uid.as_deref(), found.cluster.as_deref()),
        (Some("a-1"), Some("dev"))
    );
    let listing = taken.one(Kind::Listing);
    assert_eq!(
        (listing.cluster.as_deref(), listing.account_id.as_deref()),
        (Some("dev"), Some("444455556666"))
    );
    assert_eq!(listing.attributes["partial"], json!(true));

    let mut long = short.clone();
    long["roleArn"] = json!("arn:aws:iam::444455556666:role/web");
    long["targetRoleArn"] = json!("arn:aws:iam::777788889999:role/t");
    long["externalId"] = json!("us-east-1/444455556666/dev/shop/web");
    long["disableSessionTags"] = json!(true);
    long["createdAt"] = json!(1_748_779_200.0);
    let taken = take_json(&json!({"association": long}));
    assert!(taken.of(Kind::Listing).is_empty());
    assert_eq!(
        attributes(&taken, Kind::PodIdentityAssociation),
        json!({
        "association_arn": format!("{EKS}:podidentityassociation/dev/a-1"),
        "role_arn": "arn:aws:iam::444455556666:role/web", "target_role_arn": "arn:aws:iam::777788889999:role/t",
        "external_id": "us-east-1/444455556666/dev/shop/web", "disable_session_tags": true,
        "created_at": "2025-06-01T12:00:00Z"})
    );

    assert!(
        take_json(&json!({"associations": [short], "nextToken": "x"}))
            .of(Kind::Listing)
            .is_empty()
    );
    let none = take_json(&json!({"associations": []}));
    assert_eq!(none.one(Kind::Listing).cluster.as_deref(), Some("prod"));
}

#[test]
fn access_entries_and_their_policies() {
    let principal = "arn:aws:iam::444455556666:role/node";
    let taken = take_json(&json!({"accessEntries": [principal, "nonsense"]}));
    assert_eq!(taken.names(Kind::AccessEntry), [principal]);
    assert_eq!(
        taken.one(Kind::AccessEntry).cluster.as_deref(),
        Some("prod")
    );
    assert_eq!(taken.reasons(), ["malformed"]);

    let taken = take_json(
        &json!({"accessEntry": {"clusterName": "dev", "principalArn": principal,
        "accessEntryArn": format!("{EKS}:access-entry/dev/role/444455556666/node/x"), "type": "EC2_LINUX",
        "username": "system:node:{{EC2PrivateDNSName}}", "kubernetesGroups": ["system:nodes"]}}),
    );
    assert_eq!(taken.one(Kind::AccessEntry).cluster.as_deref(), Some("dev"));
    assert_eq!(
        attributes(&taken, Kind::AccessEntry),
        json!({"type": "EC2_LINUX",
        "username": "system:node:{{EC2PrivateDNSName}}", "groups": ["system:nodes"]})
    );

    let policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
    let taken = take_json(&json!({"associatedAccessPolicies": [{"policyArn": policy,
        "accessScope": {"type": "namespace", "namespaces": ["shop"]}}],
        "clusterName": "dev", "principalArn": principal}));
    assert_eq!(
        attributes(&taken, Kind::AccessEntry),
        json!({"access_policies": [
        {"policy_arn": policy, "scope": "namespace", "namespaces": ["shop"]}]})
    );
    // The account of another cluster than the one of the folder is not known.
    assert_eq!(taken.one(Kind::AccessEntry).account_id, None);
}

#[test]
fn nodegroups_and_fargate_profiles() {
    let taken = take_json(
        &json!({"nodegroup": {"nodegroupName": "ng", "clusterName": "dev",
        "nodegroupArn": format!("{EKS}:nodegroup/dev/ng/x"), "nodeRole": "arn:aws:iam::444455556666:role/n",
        "launchTemplate": {"id": "lt-1", "version": "3"}, "amiType": "AL2023_x86_64_STANDARD",
        "capacityType": "SPOT", "status": "ACTIVE"}}),
    );
    assert_eq!(
        attributes(&taken, Kind::Nodegroup),
        json!({"node_role_arn": "arn:aws:iam::444455556666:role/n",
        "launch_template_id": "lt-1", "launch_template_version": "3", "ami_type": "AL2023_x86_64_STANDARD",
        "capacity_type": "SPOT", "status": "ACTIVE"})
    );
    let taken = take_json(
        &json!({"fargateProfile": {"fargateProfileName": "fp", "clusterName": "dev",
        "fargateProfileArn": format!("{EKS}:fargateprofile/dev/fp/x"),
        "podExecutionRoleArn": "arn:aws:iam::444455556666:role/f", "selectors": [{"namespace": "jobs"}]}}),
    );
    assert_eq!(
        attributes(&taken, Kind::FargateProfile),
        json!({
        "pod_execution_role_arn": "arn:aws:iam::444455556666:role/f",
        "selectors": [{"namespace": "jobs", "labels": {}}]})
    );
}

fn role() -> Value {
    json!({"RoleName": "web", "RoleId": "AROAEXAMPLEWEB", "Arn": "arn:aws:iam::444455556666:role/apps/web",
        "CreateDate": "2025-01-01T00:00:00+00:00", "Description": "for web",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
        "RoleLastUsed": {"LastUsedDate": "2025-02-01T00:00:00+00:00", "Region": "us-east-1"}})
}

fn managed_policy() -> Value {
    let version = |id: &str, counts: bool, action: &str| {
        json!({"VersionId": id, "IsDefaultVersion": counts,
            "Document": {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}})
    };
    json!({"PolicyName": "read", "PolicyId": "ANPAEXAMPLEREAD", "Arn": "arn:aws:iam::444455556666:policy/read",
        "DefaultVersionId": "v1", "PolicyVersionList": [version("v2", false, "s3:*"), version("v1", true, "s3:Get*")]})
}

#[test]
fn policies_of_roles() {
    let mut detail = role();
    detail["RolePolicyList"] =
        json!([{"PolicyName": "own", "PolicyDocument": {"Statement": []}}, {"PolicyName": "bad"}]);
    detail["AttachedManagedPolicies"] =
        json!([{"PolicyName": "read", "PolicyArn": "arn:aws:iam::444455556666:policy/read"}]);
    detail["PermissionsBoundary"] = json!({"PermissionsBoundaryType": "PermissionsBoundaryPolicy",
        "PermissionsBoundaryArn": "arn:aws:iam::444455556666:policy/most"});
    let taken = take_json(&json!({"RoleDetailList": [detail], "Policies": [managed_policy()]}));
    let attributes = &taken.one(Kind::Role).attributes;
    assert_eq!(
        attributes["inline_policies"],
        json!([{"name": "own", "document": {"Statement": []}}, {"name": "bad", "document": null}])
    );
    assert_eq!(
        attributes["attached_policies"],
        json!(["arn:aws:iam::444455556666:policy/read"])
    );
    assert_eq!(
        attributes["permissions_boundary"],
        "arn:aws:iam::444455556666:policy/most"
    );
    let managed = taken.one(Kind::ManagedPolicy);
    assert_eq!(
        (managed.name.as_str(), managed.account_id.as_deref()),
        ("read", Some("444455556666"))
    );
    assert_eq!(
        json!(managed.attributes),
        json!({"arn": "arn:aws:iam::444455556666:policy/read",
            "document": {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}})
    );

    // A role without policies is not one whose policies are unknown.
    let mut bare = role();
    bare["RolePolicyList"] = json!([]);
    bare["AttachedManagedPolicies"] = json!([]);
    let taken = take_json(&json!({"RoleDetailList": [bare]}));
    let attributes = &taken.one(Kind::Role).attributes;
    assert_eq!(attributes["inline_policies"], json!([]));
    assert_eq!(attributes["attached_policies"], json!([]));

    let taken = take_json(&json!({"Policies": [{"PolicyName": "read"}]}));
    assert_eq!(taken.rejects.len(), 1);
}

#[test]
fn roles_in_every_wrapping() {
    let expected = json!({"arn": "arn:aws:iam::444455556666:role/apps/web", "description": "for web",
        "trust_policy": {"Version": "2012-10-17", "Statement": []}, "created_at": "2025-01-01T00:00:00Z",
        "last_used_at": "2025-02-01T00:00:00Z", "last_used_region": "us-east-1"});
    let mut encoded = role();
    encoded["AssumeRolePolicyDocument"] =
        json!("%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D");
    for (value, listings) in [
        (json!({"Role": role()}), 0),
        (json!({"Role": encoded}), 0),
        (json!({"Roles": [role()]}), 1),
        (
            json!({"Roles": [role()], "IsTruncated": true, "Marker": "x"}),
            0,
        ),
        (
            json!({"UserDetailList": [{}], "GroupDetailList": [], "RoleDetailList": [role()], "Policies": [managed_policy()]}),
            1,
        ),
        (json!([role()]), 0),
    ] {
        let taken = take_json(&value);
        assert_eq!(attributes(&taken, Kind::Role), expected, "{value}");
        let found = taken.one(Kind::Role);
        assert_eq!(
            (found.uid.as_deref(), found.account_id.as_deref()),
            (Some("AROAEXAMPLEWEB"), Some("444455556666"))
        );
        assert_eq!(found.cluster, None);
        assert_eq!(taken.of(Kind::Listing).len(), listings, "{value}");
        assert!(taken.rejects.is_empty());
    }
    for policy in [
        json!("%zz"),
        json!("%ff"),
        json!("%"),
        json!(5),
        json!("[]"),
    ] {
        let mut role = role();
        role["AssumeRolePolicyDocument"] = policy;
        let taken = take_json(&json!({"Role": role}));
        assert!(
            !taken
                .one(Kind::Role)
                .attributes
                .contains_key("trust_policy")
        );
    }
}

#[test]
fn instance_profiles_hold_roles() {
    let profile = json!({"InstanceProfileName": "nodes", "InstanceProfileId": "AIPAEXAMPLE",
        "Arn": "arn:aws:iam::444455556666:instance-profile/nodes", "CreateDate": "2025-01-01T00:00:00Z",
        "Roles": [role()]});
    for value in [
        json!({"InstanceProfile": profile}),
        json!({"InstanceProfiles": [profile]}),
    ] {
        let taken = take_json(&value);
        assert_eq!(
            attributes(&taken, Kind::InstanceProfile),
            json!({
            "arn": "arn:aws:iam::444455556666:instance-profile/nodes",
            "role_arns": ["arn:aws:iam::444455556666:role/apps/web"]})
        );
        assert_eq!(taken.names(Kind::Role), ["web"]);
        // The roles of profiles are not all roles.
        assert!(
            taken
                .names(Kind::Listing)
                .iter()
                .all(|name| *name == "instance_profile")
        );
    }
}

fn instance(tags: &[(&str, &str)]) -> Value {
    let tags: Vec<Value> = tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    json!({"InstanceId": "i-0aa", "State": {"Name": "running"}, "LaunchTime": "2025-01-01T00:00:00+00:00",
        "Placement": {"AvailabilityZone": "us-east-1a"}, "PrivateIpAddress": "10.0.0.1",
        "PrivateDnsName": "ip-10-0-0-1.ec2.internal", "PublicIpAddress": "198.51.100.7", "VpcId": "vpc-1",
        "SubnetId": "subnet-1", "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2,
            "HttpEndpoint": "enabled"},
        "IamInstanceProfile": {"Arn": "arn:aws:iam::444455556666:instance-profile/nodes"},
        "NetworkInterfaces": [{"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.1"}, {"PrivateIpAddress": "10.0.0.9"}],
            "Ipv6Addresses": [{"Ipv6Address": "fd00::9"}]}],
        "Operator": {"Managed": true, "Principal": "eks.amazonaws.com"}, "Tags": tags})
}

#[test]
fn instances_of_reservations() {
    let first = instance(&[
        ("eks:cluster-name", "dev"),
        ("eks:nodegroup-name", "ng"),
        ("karpenter.sh/nodepool", "np"),
    ]);
    let taken =
        take_json(&json!({"Reservations": [{"OwnerId": "444455556666", "Instances": [first]}]}));
    let found = taken.one(Kind::Instance);
    assert_eq!(
        (
            found.cluster.as_deref(),
            found.account_id.as_deref(),
            found.region.as_deref()
        ),
        (Some("dev"), Some("444455556666"), Some("us-east-1"))
    );
    assert_eq!(
        attributes(&taken, Kind::Instance),
        json!({"state": "running", "http_tokens": "required",
        "hop_limit": 2, "http_endpoint": "enabled", "private_ip": "10.0.0.1",
        "private_ips": ["10.0.0.1", "10.0.0.9", "fd00::9"], "public_ip": "198.51.100.7",
        "private_dns": "ip-10-0-0-1.ec2.internal",
        "instance_profile_arn": "arn:aws:iam::444455556666:instance-profile/nodes", "cluster": "dev",
        "nodegroup": "ng", "nodepool": "np", "managed_by": "eks.amazonaws.com",
        "launched_at": "2025-01-01T00:00:00Z", "vpc_id": "vpc-1", "subnet_id": "subnet-1"})
    );
    // One instance may have been asked for alone.
    assert!(taken.of(Kind::Listing).is_empty());
    let two = json!({"Reservations": [{"OwnerId": "444455556666", "Instances": [instance(&[]), instance(&[])]}]});
    assert_eq!(take_json(&two).names(Kind::Listing), ["instance"]);
    let queried = take_json(&json!([[instance(&[])]]));
    assert_eq!(
        queried.one(Kind::Instance).account_id.as_deref(),
        Some("444455556666")
    );
}

#[test]
fn tags_name_the_cluster() {
    for (tags, expected) in [
        (vec![("eks:eks-cluster-name", "a")], Some("a")),
        (vec![("alpha.eksctl.io/cluster-name", "a")], Some("a")),
        (
            vec![
                ("kubernetes.io/cluster/a", "owned"),
                ("kubernetes.io/cluster/b", "shared"),
            ],
            Some("a"),
        ),
        (vec![("kubernetes.io/cluster/b", "shared")], Some("b")),
        (
            vec![
                ("kubernetes.io/cluster/a", "shared"),
                ("kubernetes.io/cluster/b", "shared"),
            ],
            None,
        ),
        (vec![("kubernetes.io/cluster/a", "no")], None),
    ] {
        let taken = take_json(&json!([instance(&tags)]));
        assert_eq!(
            taken.one(Kind::Instance).cluster.as_deref(),
            expected,
            "{tags:?}"
        );
    }
}

#[test]
fn terminated_instances_say_when_and_zones_tell_the_region() {
    for (reason, expected) in [
        (
            "User initiated (2025-05-01 10:20:30 GMT)",
            time::parse("2025-05-01T10:20:30Z"),
        ),
        ("", Some(AT)),
        ("Server.SpotInstanceTermination", Some(AT)),
    ] {
        let mut gone = instance(&[]);
        gone["State"]["Name"] = json!("terminated");
        gone["StateTransitionReason"] = json!(reason);
        assert_eq!(
            take_json(&json!([gone])).one(Kind::Instance).valid_to,
            expected
        );
    }
    for (zone, expected) in [
        ("us-west-2-lax-1a", Some("us-west-2")),
        ("us-gov-west-1b", Some("us-gov-west-1")),
        ("zone", None),
        ("1a", None),
    ] {
        let mut placed = instance(&[]);
        placed["Placement"]["AvailabilityZone"] = json!(zone);
        assert_eq!(
            take_json(&json!([placed]))
                .one(Kind::Instance)
                .region
                .as_deref(),
            expected
        );
    }
}
