use std::collections::BTreeSet;
use std::sync::Mutex as StdMutex;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_eks::config::SharedCredentialsProvider;
use serde_json::json;

use super::*;
use crate::collect::Reason;
use crate::collect::permissions::INVENTORY_CALLS;
use crate::collect::testing::{Reply, Request, Server, Taken, clock, output, taken};
use crate::inventory::{Kind, Observation};

mod account;
mod moto;

use account::{account, action};

fn config(url: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", "made-up-secret", None, None, "test");
    let retry = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(retry.with_max_attempts(4))
        .endpoint_url(url)
        .build()
}

async fn collected(server: &Server, options: &Options) -> (Result<Seen, Error>, Taken) {
    let (out, receiver) = output();
    let seen = collect(&config(&server.url), options, clock, &out).await;
    (seen, taken(receiver))
}

fn names(observations: &[Observation], kind: Kind) -> BTreeSet<&str> {
    let of = observations.iter().filter(|each| each.kind == kind);
    of.map(|each| each.name.as_str()).collect()
}

fn set<const N: usize>(names: [&'static str; N]) -> BTreeSet<&'static str> {
    BTreeSet::from(names)
}

#[tokio::test]
async fn an_account_is_read_with_the_calls_of_the_policy() {
    let server = Server::start(account).await;
    let options = Options {
        role_arns: BTreeSet::from([
            "arn:aws:iam::444455556666:role/apps/annotated".to_owned(),
            "arn:aws:iam::777788889999:role/of-another-account".to_owned(),
        ]),
        instance_ids: BTreeSet::from(["i-0aa".to_owned(), "i-0ff".to_owned()]),
        ..Options::default()
    };
    let (seen, taken) = collected(&server, &options).await;
    let seen = seen.unwrap();
    assert_eq!(taken.warnings, []);
    assert_eq!(seen.documents, taken.documents.len() as u64);
    let clusters: Vec<&str> = seen
        .clusters
        .iter()
        .map(|each| each.name.as_str())
        .collect();
    assert_eq!(clusters, ["dev", "old"]);
    let issuer = "https://oidc.eks.us-east-1.amazonaws.com/id/AB";
    assert_eq!(seen.clusters[0].oidc_issuer.as_deref(), Some(issuer));

    let found = taken.observations();
    assert_eq!(names(&found, Kind::Cluster), set(["dev", "old"]));
    assert_eq!(names(&found, Kind::Nodegroup), set(["ng-1", "ng-2"]));
    assert_eq!(names(&found, Kind::FargateProfile), set(["fp"]));
    assert_eq!(
        names(&found, Kind::PodIdentityAssociation),
        set(["api", "web"])
    );
    assert_eq!(
        names(&found, Kind::AccessEntry),
        set([
            "arn:aws:iam::444455556666:role/admin",
            "arn:aws:iam::444455556666:user/me"
        ])
    );
    assert_eq!(
        names(&found, Kind::Instance),
        set(["i-0aa", "i-0bb", "i-0ff"])
    );
    assert_eq!(names(&found, Kind::InstanceProfile), set(["nodes"]));
    // Cluster, node, Fargate, association, entry, annotated and profile roles, and one whose policy
    // trusts the cluster; not the one of Lambda, nor that of another account.
    assert_eq!(
        names(&found, Kind::Role),
        set([
            "admin",
            "annotated",
            "cluster",
            "fargate",
            "in-profile",
            "node",
            "trusting",
            "web"
        ])
    );
    // Complete lists of entries and associations; instances are filtered.
    assert_eq!(
        names(&found, Kind::Listing),
        set(["access_entry", "pod_identity_association"])
    );
    // That of the policy is AWS's own.
    let elsewhere = [Kind::Instance, Kind::ManagedPolicy];
    for each in found.iter().filter(|each| !elsewhere.contains(&each.kind)) {
        assert_eq!(each.account_id.as_deref(), Some("444455556666"), "{each:?}");
    }

    let calls: BTreeSet<String> = server.requests().iter().map(action).collect();
    let allowed: BTreeSet<String> = INVENTORY_CALLS
        .iter()
        .map(|call| call.action.to_owned())
        .collect();
    assert_eq!(calls, allowed);
    // The mode of the cluster `old` has no access entries, and asking for them is an error.
    assert!(
        !server
            .requests()
            .iter()
            .any(|each| each.path == "/clusters/old/access-entries")
    );
}

#[tokio::test]
async fn objects_keep_what_the_import_reads() {
    let server = Server::start(account).await;
    let (_, taken) = collected(&server, &Options::default()).await;
    let found = taken.observations();
    let one = |kind: Kind, name: &str| {
        let mut of = found
            .iter()
            .filter(|each| each.kind == kind && each.name == name);
        json!(of.next_back().unwrap().attributes)
    };
    assert_eq!(
        one(Kind::Cluster, "dev"),
        json!({"arn": "arn:aws:eks:us-east-1:444455556666:cluster/dev", "status": "ACTIVE", "version": "1.33",
            "oidc_issuer": "oidc.eks.us-east-1.amazonaws.com/id/AB", "created_at": "2025-01-01T00:00:00Z",
            "cluster_role_arn": "arn:aws:iam::444455556666:role/cluster", "authentication_mode": "API",
            "auto_mode": true, "auto_mode_node_role_arn": "arn:aws:iam::444455556666:role/node", "vpc_id": "vpc-1"})
    );
    assert_eq!(
        one(Kind::PodIdentityAssociation, "web"),
        json!({"association_arn": "arn:aws:eks:us-east-1:444455556666:podidentityassociation/dev/a-1",
            "role_arn": "arn:aws:iam::444455556666:role/web", "target_role_arn": "arn:aws:iam::777788889999:role/t",
            "external_id": "us-east-1/444455556666/dev/shop/web", "disable_session_tags": true,
            "created_at": "2025-01-01T00:00:00Z", "modified_at": "2025-01-01T00:00:00Z"})
    );
    let admin = "arn:aws:iam::444455556666:role/admin";
    let policy = |name: &str, scope: &str, namespaces: &[&str]| {
        json!({"policy_arn": format!("arn:aws:eks::aws:cluster-access-policy/{name}"), "scope": scope,
            "namespaces": namespaces})
    };
    // Both pages of its policies.
    assert_eq!(
        one(Kind::AccessEntry, admin),
        json!({"access_policies": [policy("AmazonEKSClusterAdminPolicy", "cluster", &[]),
            policy("AmazonEKSViewPolicy", "namespace", &["shop"])]})
    );
    let entry = json!({"type": "STANDARD", "username": "admin", "groups": ["admins"], "created_at": "2025-01-01T00:00:00Z"});
    let mut looks = found.iter().filter(|each| each.name == admin);
    assert!(looks.any(|each| json!(each.attributes) == entry));
    assert_eq!(
        one(Kind::Nodegroup, "ng-1"),
        json!({"node_role_arn": "arn:aws:iam::444455556666:role/node", "launch_template_id": "lt-1",
            "launch_template_version": "3", "ami_type": "AL2023_x86_64_STANDARD", "capacity_type": "SPOT",
            "status": "ACTIVE", "created_at": "2025-01-01T00:00:00Z"})
    );
    assert_eq!(
        one(Kind::FargateProfile, "fp"),
        json!({"pod_execution_role_arn": "arn:aws:iam::444455556666:role/fargate",
            "selectors": [{"namespace": "jobs", "labels": {"tier": "batch"}}, {"namespace": "x", "labels": {}}],
            "created_at": "2025-01-01T00:00:00Z"})
    );
    assert_eq!(
        one(Kind::Role, "web"),
        json!({"arn": "arn:aws:iam::444455556666:role/web", "created_at": "2025-01-01T00:00:00Z",
            "description": "about web", "last_used_at": "2025-02-01T00:00:00Z", "last_used_region": "us-east-1",
            "inline_policies": [{"name": "own", "document": {"Statement": []}}],
            "attached_policies": ["arn:aws:iam::aws:policy/read"],
            "trust_policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Principal": {"Service": "pods.eks.amazonaws.com"}}]}})
    );
    assert_eq!(
        one(Kind::ManagedPolicy, "read"),
        json!({"arn": "arn:aws:iam::aws:policy/read", "document": {"Statement": []}})
    );
    let profile = one(Kind::InstanceProfile, "nodes");
    assert_eq!(
        profile["role_arns"],
        json!(["arn:aws:iam::444455556666:role/in-profile"])
    );
    let instance = one(Kind::Instance, "i-0aa");
    assert_eq!(
        (&instance["cluster"], &instance["hop_limit"]),
        (&json!("dev"), &json!(2))
    );
}

#[tokio::test]
async fn entries_of_nodes_are_not_asked_for_policies_which_they_cannot_have() {
    let server = Server::start(|request| match account(request) {
        Reply::Json(status, mut body) => {
            if let Some(entry) = body.get_mut("accessEntry") {
                entry["type"] = json!("EC2_LINUX");
            }
            Reply::Json(status, body)
        }
        other => other,
    })
    .await;
    let (_, taken) = collected(&server, &Options::default()).await;
    assert_eq!(taken.warnings, []);
    let asked: BTreeSet<String> = server.requests().iter().map(action).collect();
    assert!(asked.contains("eks:DescribeAccessEntry"), "{asked:?}");
    assert!(
        !asked.contains("eks:ListAssociatedAccessPolicies"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn each_missing_permission_costs_only_what_it_tells() {
    let server = Server::start(account).await;
    let (_, whole) = collected(&server, &Options::default()).await;
    for denied in INVENTORY_CALLS {
        let server = Server::start(move |request| {
            if action(request) == denied.action {
                account::denial(request)
            } else {
                account(request)
            }
        })
        .await;
        let (seen, taken) = collected(&server, &Options::default()).await;
        seen.unwrap();
        assert!(!taken.warnings.is_empty(), "{}", denied.action);
        let mut places = BTreeSet::new();
        for warning in &taken.warnings {
            assert_eq!(
                (warning.reason, warning.call.as_str()),
                (Reason::Denied, denied.action)
            );
            // One for a cluster, or for the account.
            assert!(places.insert(warning.place.split('/').next()), "{warning}");
            let text = warning.to_string();
            let advice = format!("allow {} on ", denied.action);
            assert!(text.contains(&advice), "{text}");
            let regional = text.contains("us-east-1");
            assert!(regional || denied.action.starts_with("iam:"), "{text}");
        }
        if denied.action == "eks:ListClusters" {
            continue;
        }
        let kinds = |taken: &Taken| {
            let kinds = taken.observations().into_iter().map(|each| each.kind);
            kinds
                .filter(|kind| *kind != Kind::Listing)
                .collect::<BTreeSet<Kind>>()
        };
        let lost: Vec<Kind> = kinds(&whole).difference(&kinds(&taken)).copied().collect();
        let expected: &[Kind] = match denied.action {
            "eks:DescribeCluster" => &[Kind::Cluster],
            "eks:ListNodegroups" | "eks:DescribeNodegroup" => &[Kind::Nodegroup],
            "eks:ListFargateProfiles" | "eks:DescribeFargateProfile" => &[Kind::FargateProfile],
            "eks:ListAccessEntries" => &[Kind::AccessEntry],
            "eks:ListPodIdentityAssociations" => &[Kind::PodIdentityAssociation],
            "iam:ListRolePolicies"
            | "iam:GetRolePolicy"
            | "iam:ListAttachedRolePolicies"
            | "iam:GetPolicy"
            | "iam:GetPolicyVersion" => &[Kind::ManagedPolicy],
            "iam:GetInstanceProfile" => &[Kind::InstanceProfile],
            "ec2:DescribeInstances" => &[Kind::Instance, Kind::InstanceProfile],
            // What the lists tell is left.
            _ => &[],
        };
        assert_eq!(lost, expected, "{}", denied.action);
    }
}

#[tokio::test]
async fn named_clusters_are_read_without_the_list_and_others_are_not() {
    let server = Server::start(|request| {
        if action(request) == "eks:ListClusters" {
            account::denial(request)
        } else {
            account(request)
        }
    })
    .await;
    let options = Options {
        clusters: BTreeSet::from(["old".to_owned()]),
        ..Options::default()
    };
    let (seen, taken) = collected(&server, &options).await;
    assert_eq!(seen.unwrap().clusters.len(), 1);
    assert_eq!(names(&taken.observations(), Kind::Cluster), set(["old"]));
    let all = Server::start(account).await;
    let (seen, _) = collected(&all, &options).await;
    assert_eq!(seen.unwrap().clusters[0].name, "old");
}

#[tokio::test]
async fn that_there_are_no_access_entries_is_an_answer() {
    let server = Server::start(|request| {
        if action(request) == "eks:ListAccessEntries" {
            account(request)
        } else {
            account::denial(request)
        }
    })
    .await;
    let options = Options {
        clusters: BTreeSet::from(["old".to_owned()]),
        ..Options::default()
    };
    let (seen, taken) = collected(&server, &options).await;
    assert_eq!(seen.unwrap(), Seen::default());
    // Nothing says that entries which were known are gone.
    assert!(taken.observations().is_empty());
    let of_entries = |warning: &&Warning| warning.call == "eks:ListAccessEntries";
    assert_eq!(taken.warnings.iter().find(of_entries), None);
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let refused = StdMutex::new(BTreeSet::new());
    let server = Server::start(move |request| {
        // The first request of each kind is refused.
        if refused.lock().unwrap().insert(action(request)) {
            account::throttling(request)
        } else {
            account(request)
        }
    })
    .await;
    let (seen, taken) = collected(&server, &Options::default()).await;
    seen.unwrap();
    assert_eq!(taken.warnings, []);
    let found = taken.observations();
    assert_eq!(names(&found, Kind::Instance), set(["i-0aa", "i-0bb"]));
    assert_eq!(names(&found, Kind::Cluster), set(["dev", "old"]));
}

#[tokio::test]
async fn objects_that_go_while_they_are_read_are_no_fault() {
    let server = Server::start(|request| match action(request).as_str() {
        "eks:DescribeNodegroup" | "eks:DescribePodIdentityAssociation" | "iam:GetRole" => {
            account::gone(request)
        }
        _ => account(request),
    })
    .await;
    let (seen, taken) = collected(&server, &Options::default()).await;
    seen.unwrap();
    assert_eq!(taken.warnings, []);
    assert!(names(&taken.observations(), Kind::Nodegroup).is_empty());
}

#[tokio::test]
async fn roles_are_assumed_and_one_that_is_refused_costs_its_account_only() {
    let server = Server::start(|request| match action(request).as_str() {
        "sts:AssumeRole" => match request.member("RoleArn").unwrap().as_str() {
            "arn:aws:iam::444455556666:role/read" => account::session(),
            _ => account::denial(request),
        },
        _ => account(request),
    })
    .await;
    let options = Options {
        accounts: vec![
            Account {
                role_arn: Some("arn:aws:iam::777788889999:role/read".to_owned()),
                ..Account::default()
            },
            Account {
                role_arn: Some("arn:aws:iam::444455556666:role/read".to_owned()),
                external_id: Some("x-1".to_owned()),
                regions: vec!["eu-west-1".to_owned(), "us-east-1".to_owned()],
            },
        ],
        session_name: "podtrail-test".to_owned(),
        ..Options::default()
    };
    let (seen, taken) = collected(&server, &options).await;
    // The same two clusters in each region, as the server has it.
    assert_eq!(seen.unwrap().clusters.len(), 4);
    assert!(!taken.warnings.is_empty());
    for warning in &taken.warnings {
        assert!(
            warning
                .place
                .contains("as arn:aws:iam::777788889999:role/read"),
            "{warning}"
        );
        assert_eq!(warning.reason, Reason::Credentials, "{warning}");
        assert!(warning.advice.contains("sts:AssumeRole"), "{warning}");
        assert!(!warning.to_string().contains("made-up-secret"));
    }
    let requests = server.requests();
    let assumed = requests
        .iter()
        .filter(|each| action(each) == "sts:AssumeRole");
    let assumed = assumed.filter(|each| each.member("ExternalId").as_deref() == Some("x-1"));
    for request in assumed {
        assert_eq!(
            request.member("RoleSessionName").as_deref(),
            Some("podtrail-test")
        );
    }
    let read = |each: &&Request| !action(each).starts_with("sts:");
    for region in ["eu-west-1", "us-east-1"] {
        for service in ["eks", "ec2"] {
            let scope = format!("/{region}/{service}/aws4_request");
            let signed = requests
                .iter()
                .filter(read)
                .find(|each| each.header("authorization").contains(&scope));
            let signed = signed.unwrap_or_else(|| panic!("no request with {scope}"));
            assert!(
                signed
                    .header("authorization")
                    .contains("Credential=ASIAEXAMPLE/")
            );
            assert_eq!(signed.header("x-amz-security-token"), "made-up-session");
        }
    }
}

#[tokio::test]
async fn where_nothing_answers_the_collection_fails() {
    let server = Server::start(account::denial).await;
    let (seen, taken) = collected(&server, &Options::default()).await;
    let error = seen.unwrap_err().to_string();
    assert!(error.contains("eks:ListClusters"), "{error}");
    let calls: Vec<&str> = taken
        .warnings
        .iter()
        .map(|each| each.call.as_str())
        .collect();
    assert_eq!(
        calls,
        ["eks:ListClusters", "ec2:DescribeInstances", "iam:ListRoles"]
    );

    let url = server.url.clone();
    drop(server);
    let (out, receiver) = output();
    let nobody = collect(&config(&url), &Options::default(), clock, &out).await;
    assert!(matches!(nobody, Err(Error::Nothing(_))), "{nobody:?}");
    let warnings = taken_warnings(receiver);
    assert!(
        warnings
            .iter()
            .all(|each| each.reason == Reason::Unavailable),
        "{warnings:?}"
    );
}

fn taken_warnings(receiver: tokio::sync::mpsc::Receiver<crate::collect::Found>) -> Vec<Warning> {
    taken(receiver).warnings
}
