use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::collect::kubernetes::RESOURCES;

fn actions(policy: &Value) -> BTreeSet<&str> {
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements
        .iter()
        .flat_map(|each| each["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap()).collect()
}

fn places() -> Places {
    Places {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        trail_bucket: "org-trail".to_owned(),
        trail_prefix: "/logs/".to_owned(),
        queue: "trail-events".to_owned(),
        store_bucket: "podtrail".to_owned(),
        store_prefix: "store".to_owned(),
        ..Places::default()
    }
}

#[test]
fn the_policy_allows_every_call_of_the_inventory_and_no_other() {
    let policy = policy(Feature::Inventory, &places());
    let calls: BTreeSet<&str> = INVENTORY_CALLS.iter().map(|call| call.action).collect();
    assert_eq!(actions(&policy), calls);
    assert_eq!(calls.len(), INVENTORY_CALLS.len());
    let resource = |action: &str| {
        let statements = policy["Statement"].as_array().unwrap();
        let of = |each: &&Value| each["Action"].as_array().unwrap().contains(&json!(action));
        statements.iter().find(of).unwrap()["Resource"].clone()
    };
    assert_eq!(
        resource("eks:DescribeNodegroup"),
        "arn:aws:eks:eu-west-1:111122223333:nodegroup/*/*/*"
    );
    assert_eq!(resource("iam:GetRole"), "arn:aws:iam::111122223333:role/*");
    assert_eq!(resource("ec2:DescribeInstances"), "*");
}

#[test]
fn every_feature_has_a_valid_policy_that_only_reads_but_for_queue_and_store() {
    for feature in Feature::ALL {
        for places in [places(), Places::default()] {
            let policy = policy(feature, &places);
            assert_eq!(policy["Version"], "2012-10-17");
            let mut sids = BTreeSet::new();
            for statement in policy["Statement"].as_array().unwrap() {
                assert_eq!(statement["Effect"], "Allow");
                let sid = statement["Sid"].as_str().unwrap();
                assert!(sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) && sids.insert(sid));
                assert!(!statement["Resource"].is_null());
            }
            for action in actions(&policy) {
                let (service, name) = action.split_once(':').unwrap();
                assert!(!action.contains('*'), "{action}");
                let reads = ["Get", "List", "Describe", "Lookup"];
                let reads = reads.iter().any(|verb| name.starts_with(verb));
                let expected = match feature {
                    Feature::Queue => service == "sqs",
                    Feature::Store => service == "s3",
                    Feature::TrailKey => action == "kms:Decrypt",
                    Feature::StoreKey => service == "kms",
                    Feature::Accounts => action == "sts:AssumeRole",
                    _ => reads,
                };
                assert!(expected, "{action} in {}", feature.as_str());
            }
        }
    }
}

#[test]
fn buckets_are_read_below_the_prefix_only() {
    assert_eq!(
        policy(Feature::Trail, &places()),
        json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "TrailList", "Effect": "Allow", "Action": ["s3:ListBucket"],
                "Resource": "arn:aws:s3:::org-trail",
                "Condition": {"StringLike": {"s3:prefix": ["logs/AWSLogs/*"]}}},
            {"Sid": "TrailRead", "Effect": "Allow", "Action": ["s3:GetObject"],
                "Resource": "arn:aws:s3:::org-trail/logs/AWSLogs/*"}]})
    );
    let store = policy(Feature::Store, &places());
    assert_eq!(
        store["Statement"][1]["Resource"],
        "arn:aws:s3:::podtrail/store/*"
    );
    let queue = policy(Feature::Queue, &places());
    assert_eq!(
        queue["Statement"][0]["Resource"],
        "arn:aws:sqs:eu-west-1:111122223333:trail-events"
    );
    let china = Places {
        partition: "aws-cn".to_owned(),
        ..places()
    };
    let trail = policy(Feature::Trail, &china);
    assert_eq!(
        trail["Statement"][0]["Resource"],
        "arn:aws-cn:s3:::org-trail"
    );
    let inventory = policy(Feature::Inventory, &china).to_string();
    assert!(!inventory.contains("arn:aws:"), "{inventory}");
}

#[test]
fn the_cluster_role_allows_every_list_and_watch_and_no_other() {
    let manifest = manifest("monitoring", "podtrail");
    let documents: Vec<Value> = serde_saphyr::from_multiple(&manifest).unwrap();
    let kinds: Vec<&str> = documents
        .iter()
        .map(|each| each["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    );
    let rules: Vec<Value> = RESOURCES
        .iter()
        .map(|each| json!({"apiGroups": [each.group], "resources": [each.plural], "verbs": ["list", "watch"]}))
        .collect();
    assert_eq!(documents[0]["rules"], json!(rules));
    assert_eq!(
        documents[2]["rules"],
        json!([{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["aws-auth"], "verbs": ["get"]}])
    );
    for document in &documents {
        assert_eq!(document["metadata"]["name"], "podtrail");
        assert_eq!(document["apiVersion"], "rbac.authorization.k8s.io/v1");
    }
    for binding in [&documents[1], &documents[3]] {
        assert_eq!(
            binding["subjects"],
            json!([{"kind": "ServiceAccount", "name": "podtrail", "namespace": "monitoring"},
                {"kind": "Group", "name": "podtrail", "apiGroup": "rbac.authorization.k8s.io"}])
        );
        assert_eq!(binding["roleRef"]["name"], "podtrail");
    }
    assert_eq!(documents[2]["metadata"]["namespace"], "kube-system");
    assert_eq!(documents[1]["roleRef"]["kind"], "ClusterRole");
    assert_eq!(documents[3]["roleRef"]["kind"], "Role");
}
