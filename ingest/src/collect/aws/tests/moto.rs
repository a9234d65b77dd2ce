//! Against a fresh `moto_server`, whose URL is in `PODTRAIL_MOTO`: EKS, IAM and EC2 as somebody else wrote them.
//! It knows no access entries and no Pod Identity associations.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Calls a service with a signed request, to put something there.
async fn seed(url: &str, service: &str, method: &str, path: &str, body: String) -> Value {
    let host = url.trim_start_matches("http://");
    let content_type = match service {
        "eks" => "application/json",
        _ => "application/x-www-form-urlencoded",
    };
    // moto routes by the scope and checks no signature.
    let scope = format!("AKIDEXAMPLE/20250615/us-east-1/{service}/aws4_request");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {content_type}\r\nConnection: close\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{url}{path}: {answer}");
    serde_json::from_str(body).unwrap_or_else(|_| Value::from(body))
}

async fn query(url: &str, service: &str, members: &[(&str, &str)]) -> String {
    let members = members
        .iter()
        .map(|(name, value)| format!("{name}={}", crate::percent::encoded(value)));
    let body = members.collect::<Vec<_>>().join("&");
    let answer = seed(url, service, "POST", "/", body).await;
    answer.as_str().unwrap_or_default().to_owned()
}

async fn seeded(url: &str) {
    let trust = |service: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": service}}]})
        .to_string()
    };
    for (name, service) in [
        ("cluster", "eks.amazonaws.com"),
        ("node", "ec2.amazonaws.com"),
        ("fargate", "eks-fargate-pods.amazonaws.com"),
        ("web", "pods.eks.amazonaws.com"),
        ("lambda", "lambda.amazonaws.com"),
    ] {
        let policy = trust(service);
        let members = [
            ("Action", "CreateRole"),
            ("Version", "2010-05-08"),
            ("RoleName", name),
            ("AssumeRolePolicyDocument", policy.as_str()),
        ];
        query(url, "iam", &members).await;
    }
    let profile = ("InstanceProfileName", "nodes");
    let version = ("Version", "2010-05-08");
    query(
        url,
        "iam",
        &[("Action", "CreateInstanceProfile"), version, profile],
    )
    .await;
    let role = ("RoleName", "node");
    query(
        url,
        "iam",
        &[
            ("Action", "AddRoleToInstanceProfile"),
            version,
            profile,
            role,
        ],
    )
    .await;

    let arn = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let create = json!({"name": "dev", "roleArn": arn("cluster"),
        "resourcesVpcConfig": {"subnetIds": ["subnet-1", "subnet-2"]}});
    seed(url, "eks", "POST", "/clusters", create.to_string()).await;
    for at in 0..12 {
        let create = json!({"nodegroupName": format!("ng-{at}"), "nodeRole": arn("node"), "subnets": ["subnet-1"]});
        seed(
            url,
            "eks",
            "POST",
            "/clusters/dev/node-groups",
            create.to_string(),
        )
        .await;
    }
    let create = json!({"fargateProfileName": "fp", "podExecutionRoleArn": arn("fargate"), "subnets": ["subnet-1"],
        "selectors": [{"namespace": "jobs"}]});
    seed(
        url,
        "eks",
        "POST",
        "/clusters/dev/fargate-profiles",
        create.to_string(),
    )
    .await;
    for (tag, count) in [("kubernetes.io/cluster/dev", "7"), ("Name", "2")] {
        let members = [
            ("Action", "RunInstances"),
            ("Version", "2016-11-15"),
            ("ImageId", "ami-12c6146b"),
            ("MinCount", count),
            ("MaxCount", count),
            ("IamInstanceProfile.Name", "nodes"),
            ("TagSpecification.1.ResourceType", "instance"),
            ("TagSpecification.1.Tag.1.Key", tag),
            ("TagSpecification.1.Tag.1.Value", "owned"),
        ];
        query(url, "ec2", &members).await;
    }
}

#[tokio::test]
async fn an_account_of_moto_is_read() {
    let Ok(url) = std::env::var("PODTRAIL_MOTO") else {
        eprintln!("skipped: PODTRAIL_MOTO is not set");
        return;
    };
    let url = url.trim_end_matches('/');
    seeded(url).await;
    let (out, receiver) = output();
    let seen = collect(&config(url), &Options::default(), clock, &out).await;
    let taken = taken(receiver);
    let seen = seen.unwrap();
    assert_eq!(seen.clusters.len(), 1);
    assert!(seen.clusters[0].arn.ends_with(":cluster/dev"));
    // moto has no such calls.
    let calls: BTreeSet<&str> = taken
        .warnings
        .iter()
        .map(|each| each.call.as_str())
        .collect();
    assert_eq!(
        calls,
        set(["eks:ListAccessEntries", "eks:ListPodIdentityAssociations"]),
        "{:?}",
        taken.warnings
    );
    let found = taken.observations();
    assert_eq!(names(&found, Kind::Nodegroup).len(), 12);
    assert_eq!(names(&found, Kind::FargateProfile), set(["fp"]));
    assert_eq!(
        names(&found, Kind::Role),
        set(["cluster", "fargate", "node", "web"])
    );
    assert_eq!(names(&found, Kind::InstanceProfile), set(["nodes"]));
    let role = found
        .iter()
        .find(|each| each.kind == Kind::Role && each.name == "web");
    let policy = &role.unwrap().attributes["trust_policy"];
    assert_eq!(
        policy["Statement"][0]["Principal"]["Service"],
        "pods.eks.amazonaws.com"
    );
    let of_cluster =
        |each: &&Observation| each.kind == Kind::Instance && each.cluster.as_deref() == Some("dev");
    let instances: Vec<&Observation> = found.iter().filter(of_cluster).collect();
    assert_eq!(instances.len(), 7);
    assert_eq!(names(&found, Kind::Instance).len(), 7);
    for instance in instances {
        assert_eq!(instance.account_id.as_deref(), Some("123456789012"));
        assert_eq!(instance.attributes["hop_limit"], 1);
        assert_eq!(instance.attributes["state"], "running");
    }
}
