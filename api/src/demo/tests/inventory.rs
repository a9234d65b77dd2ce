use super::*;

const CLUSTERS: [&str; 6] = [
    "myeks", "eks-002", "eks-003", "eks-004", "eks-005", "eks-006",
];

/// Every pod ever listed, as listed last, and the addresses with who had them.
struct Listed {
    pods: BTreeMap<String, Value>,
    addresses: BTreeMap<(String, String), BTreeSet<String>>,
}

fn listed() -> &'static Listed {
    static LISTED: LazyLock<Listed> = LazyLock::new(|| {
        let mut out = Listed {
            pods: BTreeMap::new(),
            addresses: BTreeMap::new(),
        };
        for cluster in CLUSTERS {
            for list in files(six(), cluster, "pods-").into_values().flatten() {
                for pod in list["items"].as_array().unwrap() {
                    if pod["spec"].get("hostNetwork").is_none() {
                        let key = (cluster.to_owned(), text(pod, "/status/podIP").to_owned());
                        let account = text(pod, "/spec/serviceAccountName").to_owned();
                        out.addresses.entry(key).or_default().insert(account);
                    }
                    let uid = text(pod, "/metadata/uid").to_owned();
                    out.pods.insert(uid, pod.clone());
                }
            }
        }
        out
    });
    &LISTED
}

#[test]
fn every_cluster_is_described() {
    for cluster in CLUSTERS {
        let count = |kind: &str| files(six(), cluster, kind).len();
        assert_eq!(count("pods-"), 25, "{cluster}");
        assert_eq!(count("nodes-"), count("pods-"));
        for kind in ["serviceaccounts-", "instances-"] {
            assert!(count(kind) >= 12, "{kind}");
        }
        for once in [
            "cluster.json",
            "account-authorization-details-",
            "instance-profiles.json",
        ] {
            assert_eq!(count(once), 1, "{once}");
        }
        assert_eq!(count("aws-auth-") > 0, cluster == "eks-002");
        assert_eq!(count("access-entries-") > 0, cluster != "eks-002");
        assert_eq!(count("nodegroups-") > 0, cluster != "eks-003");
        assert_eq!(count("fargate-profiles-") > 0, cluster == "eks-004");
        let described = &files(six(), cluster, "cluster.json")
            .into_values()
            .next()
            .unwrap()[0];
        assert_eq!(text(described, "/cluster/name"), cluster);
        assert!(text(described, "/cluster/identity/oidc/issuer").starts_with("https://oidc.eks."));
    }
}

#[test]
fn the_truth_agrees_with_what_was_listed() {
    let mut found = 0;
    for (event, record) in &six().records {
        let truth = &six().memory.truth[event];
        let Some(pod) = truth["pod_uid"]
            .as_str()
            .and_then(|uid| listed().pods.get(uid))
        else {
            continue;
        };
        found += 1;
        assert_eq!(pod["metadata"]["name"], truth["pod"]);
        assert_eq!(pod["metadata"]["namespace"], truth["namespace"]);
        assert_eq!(pod["spec"]["serviceAccountName"], truth["service_account"]);
        let at = text(record, "/eventTime");
        assert!(text(pod, "/status/startTime") <= at, "{record}");
        let ended = text(
            pod,
            "/status/containerStatuses/0/state/terminated/finishedAt",
        );
        assert!(ended.is_empty() || at <= ended, "{record}");
        match truth["address_kind"].as_str() {
            Some("pod") => assert_eq!(record["sourceIPAddress"], pod["status"]["podIP"]),
            Some("node") => assert_eq!(record["sourceIPAddress"], pod["status"]["hostIP"]),
            _ => {}
        }
    }
    assert!(found > 40_000, "{found}");
}

#[test]
fn addresses_are_used_again_and_short_lives_are_missed() {
    let shared = listed()
        .addresses
        .values()
        .filter(|accounts| accounts.len() > 1);
    assert!(shared.count() > 200);
    let rows = six().memory.truth.values();
    let missed: BTreeSet<_> = rows
        .filter_map(|row| row["pod_uid"].as_str())
        .filter(|uid| !listed().pods.contains_key(*uid))
        .collect();
    assert!(missed.len() > 50, "{}", missed.len());
}

#[test]
fn markers_follow_the_binding_at_the_start_of_the_pod() {
    let mut ways: BTreeMap<&str, BTreeSet<(&str, Option<&str>)>> = BTreeMap::new();
    for truth in six().memory.truth.values() {
        if let Some(uid) = truth["pod_uid"].as_str() {
            let path = truth["access_path"].as_str().unwrap();
            let way = (path, truth["cause"].as_str());
            ways.entry(uid).or_default().insert(way);
        }
    }
    for (uid, ways) in ways {
        let Some(pod) = listed().pods.get(uid) else {
            continue;
        };
        let spec = pod["spec"].to_string();
        let has = |words: [&str; 2]| words.iter().all(|word| spec.contains(word));
        let irsa = has(["AWS_WEB_IDENTITY_TOKEN_FILE", "aws-iam-token"]);
        let pod_identity = has([
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "eks-pod-identity-token",
        ]);
        for way in ways {
            let right = match way {
                ("irsa", _) | (_, Some("trust_denied" | "oidc_provider_missing")) => {
                    irsa && !pod_identity
                }
                ("pod_identity", _) | (_, Some("association_missing_agent")) => {
                    pod_identity && !irsa
                }
                (_, Some("sdk_too_old" | "container_skipped")) => irsa != pod_identity,
                _ => !irsa && !pod_identity,
            };
            assert!(right, "{way:?} {irsa} {pod_identity} {spec}");
            if way.1 == Some("container_skipped") {
                let annotations = &pod["metadata"]["annotations"];
                assert_eq!(
                    annotations["eks.amazonaws.com/skip-containers"],
                    "config-sync"
                );
            }
        }
    }
}

#[test]
fn nodes_have_many_pods_that_never_call() {
    let callers: BTreeSet<_> = (six().memory.truth.values())
        .filter_map(|row| row["pod_uid"].as_str())
        .collect();
    for cluster in CLUSTERS {
        let last = files(six(), cluster, "pods-")
            .into_values()
            .next_back()
            .unwrap();
        let mut idle: BTreeMap<&str, u32> = BTreeMap::new();
        for pod in last[0]["items"].as_array().unwrap() {
            if !callers.contains(text(pod, "/metadata/uid")) {
                *idle.entry(text(pod, "/spec/nodeName")).or_default() += 1;
            }
        }
        let nodes = idle
            .iter()
            .filter(|(node, _)| !node.starts_with("fargate-"));
        // One may have booted a moment ago.
        let busy = nodes.filter(|(_, pods)| **pods >= 5).count();
        assert!(busy >= 2, "{cluster} {idle:?}");
    }
}

#[test]
fn instances_come_and_go_as_the_trail_says() {
    let mut launched = BTreeMap::new();
    let mut terminated = BTreeMap::new();
    for record in six().records.values() {
        let items = |member: &str| record.pointer(member).and_then(Value::as_array);
        let at = text(record, "/eventTime");
        match text(record, "/eventName") {
            "RunInstances" => {
                let instance = &items("/responseElements/instancesSet/items").unwrap()[0];
                assert!(text(instance, "/iamInstanceProfile/arn").contains(":instance-profile/"));
                assert!(instance["metadataOptions"]["httpPutResponseHopLimit"].is_number());
                let tags = instance["tagSet"]["items"].to_string();
                assert!(tags.contains("kubernetes.io/cluster/"), "{tags}");
                launched.insert(text(instance, "/instanceId"), at);
            }
            "TerminateInstances" => {
                let instance = &items("/requestParameters/instancesSet/items").unwrap()[0];
                terminated.insert(text(instance, "/instanceId"), at);
            }
            _ => {}
        }
    }
    assert!(launched.len() > 15 && terminated.len() > 12);
    for record in six().records.values() {
        let (_, node) = text(record, "/userIdentity/arn")
            .rsplit_once('/')
            .unwrap_or_default();
        let at = text(record, "/eventTime");
        assert!(
            launched.get(node).is_none_or(|from| *from <= at),
            "{record}"
        );
        // A round that has begun is ended.
        let after = terminated.get(node).filter(|to| **to < at);
        assert!(
            after.is_none_or(|to| seconds(at) - seconds(to) < 20),
            "{record}"
        );
    }
    let states: BTreeSet<_> = (CLUSTERS.iter())
        .flat_map(|cluster| files(six(), cluster, "instances-").into_values().flatten())
        .flat_map(|list| list["Reservations"].as_array().unwrap().clone())
        .map(|item| text(&item, "/Instances/0/State/Name").to_owned())
        .collect();
    assert_eq!(
        states,
        BTreeSet::from(["running".to_owned(), "terminated".to_owned()])
    );
}

fn seconds(time: &str) -> i64 {
    time.parse::<DateTime<Utc>>().unwrap().timestamp()
}

#[test]
fn bindings_in_the_trail_are_those_listed() {
    let mut seen = 0;
    for record in six().records.values() {
        if text(record, "/eventName") != "CreatePodIdentityAssociation" {
            continue;
        }
        let cluster = text(record, "/requestParameters/name");
        let id = text(record, "/responseElements/association/associationId");
        let last = files(six(), cluster, "associations-")
            .into_values()
            .next_back()
            .unwrap();
        let made = last
            .iter()
            .find(|text| text["association"]["associationId"] == id)
            .unwrap();
        let created = text(made, "/association/createdAt").replace("+00:00", "Z");
        let at = text(record, "/eventTime");
        assert!(
            (seconds(&created) - seconds(at)).abs() < 20,
            "{created} {at}"
        );
        for same in ["namespace", "serviceAccount", "roleArn", "associationArn"] {
            assert_eq!(
                made["association"][same],
                record["responseElements"]["association"][same]
            );
        }
        seen += 1;
    }
    assert!(seen >= 5, "{seen}");
    let roles = &files(six(), "eks-003", "account-authorization-details")
        .into_values()
        .next()
        .unwrap()[0];
    let node = (roles["RoleDetailList"].as_array().unwrap().iter())
        .find(|role| text(role, "/Path") == "/platform/compute/")
        .unwrap();
    assert!(node["AssumeRolePolicyDocument"].is_object());
    assert!(!text(node, "/RoleName").contains("node"));
}

#[test]
fn a_history_without_inventory_has_the_same_trail() {
    let short = DemoOptions {
        duration: Duration::hours(3),
        ..options(4)
    };
    let (_, with) = memory(&short);
    let (summary, without) = memory(&DemoOptions {
        inventory_every: None,
        ..short
    });
    assert!(!with.inventory.is_empty() && without.inventory.is_empty());
    assert_eq!(summary.inventory_files, 0);
    assert_eq!(with.objects, without.objects);
    assert_eq!(with.rows, without.rows);
}
