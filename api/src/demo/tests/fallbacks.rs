use super::*;

type Workloads = BTreeSet<(&'static str, &'static str)>;

/// Cluster and pod-owning service account of every fallback with a cause.
fn fallbacks(cause: &str) -> Workloads {
    let rows = six().memory.truth.values();
    rows.filter(|row| row["cause"] == cause)
        .map(|row| ["cluster", "service_account"].map(|name| row[name].as_str().unwrap()))
        .map(|[cluster, account]| (cluster, account))
        .collect()
}

/// Records of the workload rows on the node role, with their truth.
fn calls(cause: &'static str) -> impl Iterator<Item = (&'static Value, &'static Value)> {
    let all = six();
    all.records.iter().filter_map(move |(event, record)| {
        let truth = &all.memory.truth[event];
        (truth["cause"] == cause).then_some((record, truth))
    })
}

#[test]
fn every_cause_occurs_in_every_cluster_where_it_can() {
    let names = [
        "myeks", "eks-002", "eks-003", "eks-004", "eks-005", "eks-006",
    ];
    for (cause, but) in [
        ("no_binding", &[][..]),
        ("pod_predates_binding", &[]),
        ("trust_denied", &["eks-004"]),
        ("sdk_too_old", &[]),
        ("host_network", &[]),
        ("container_skipped", &[]),
    ] {
        let seen: BTreeSet<_> = fallbacks(cause).into_iter().map(|(name, _)| name).collect();
        let want = names.into_iter().filter(|name| !but.contains(name));
        assert_eq!(seen, want.collect(), "{cause}");
    }
    let both = |name| [(name, "settlement"), (name, "storefront")];
    assert_eq!(fallbacks("oidc_provider_missing"), both("eks-004").into());
    let agentless = ["eks-002", "eks-005"].map(|name| [(name, "geo-cache"), (name, "tracking")]);
    assert_eq!(
        fallbacks("association_missing_agent"),
        agentless.concat().into_iter().collect()
    );
    let demo = fallbacks("no_binding");
    for account in [
        "default",
        "mailer",
        "image-resize",
        "pdf-render",
        "node-tagger",
    ] {
        assert!(demo.contains(&("myeks", account)), "{account}");
    }
}

#[test]
fn the_pods_of_the_first_lesson_have_no_binding() {
    let rows = day().memory.truth.values();
    let causes: BTreeSet<_> = rows
        .filter(|row| {
            ["eks-iam-test1", "eks-iam-test2"].contains(&row["pod"].as_str().unwrap_or(""))
        })
        .map(|row| (row["pod"].as_str().unwrap(), row["cause"].as_str().unwrap()))
        .collect();
    assert_eq!(
        causes,
        BTreeSet::from([
            ("eks-iam-test1", "no_binding"),
            ("eks-iam-test2", "no_binding")
        ])
    );
}

#[test]
fn fallbacks_sign_with_the_session_of_their_node() {
    for (record, truth) in six()
        .records
        .iter()
        .map(|(event, record)| (record, &six().memory.truth[event]))
    {
        if truth["access_path"] != "node_role"
            || text(record, "/userIdentity/type") != "AssumedRole"
        {
            continue;
        }
        let (_, session) = text(record, "/userIdentity/arn").rsplit_once('/').unwrap();
        assert_eq!(truth["node"], session, "{record}");
    }
}

#[test]
fn refused_pods_ask_for_a_web_identity_first() {
    for (cause, code) in [
        ("trust_denied", "AccessDenied"),
        ("oidc_provider_missing", "InvalidIdentityToken"),
    ] {
        let all = six();
        let asked: BTreeMap<&str, &str> = (all.records.iter())
            .filter(|(_, record)| {
                text(record, "/eventName") == "AssumeRoleWithWebIdentity"
                    && text(record, "/errorCode") == code
            })
            .map(|(event, record)| {
                let pod = all.memory.truth[event]["pod_uid"].as_str().unwrap();
                (pod, text(record, "/eventTime"))
            })
            .collect();
        let gap = |record: &Value| text(record, "/recipientAccountId") == "111122223333";
        for (record, truth) in calls(cause).filter(|(record, _)| !gap(record)) {
            assert!(
                asked.contains_key(truth["pod_uid"].as_str().unwrap()),
                "{record}"
            );
        }
    }
}

#[test]
fn nodes_without_the_agent_never_ask_for_a_pod() {
    let lacking: BTreeSet<_> = calls("association_missing_agent")
        .map(|(_, truth)| truth["node"].as_str().unwrap())
        .collect();
    assert!(lacking.len() >= 2);
    for record in six().records.values() {
        if text(record, "/eventName") == "AssumeRoleForPodIdentity" {
            let (_, node) = text(record, "/userIdentity/arn").rsplit_once('/').unwrap();
            assert!(!lacking.contains(node), "{record}");
        }
    }
}

#[test]
fn old_sdks_say_so_and_new_ones_tell_where_credentials_came_from() {
    let agents = |cause| -> BTreeSet<&str> {
        calls(cause)
            .filter(|(record, _)| record.get("tlsDetails").is_some())
            .map(|(record, _)| text(record, "/userAgent").trim_start_matches('['))
            .collect()
    };
    for agent in agents("sdk_too_old") {
        let old = [
            "aws-sdk-java/1.11.690 ",
            "aws-sdk-java/2.20.74 ",
            "aws-sdk-nodejs/2.1390.0 ",
        ];
        assert!(
            old.iter().any(|old| agent.starts_with(old)) || agent.starts_with("Boto3/1.9.143 "),
            "{agent}"
        );
    }
    let codes =
        |agents: &BTreeSet<&str>| agents.iter().filter(|agent| agent.contains(" m/")).count();
    let unbound = agents("no_binding");
    assert!(codes(&unbound) > 3 && codes(&unbound) < unbound.len());
    for agent in unbound.iter().filter_map(|agent| agent.split(" m/").nth(1)) {
        let codes = agent.split([' ', ']']).next().unwrap();
        assert!(
            codes.split(',').any(|code| code == "0") || codes == "C,E",
            "{agent}"
        );
    }
}

#[test]
fn pods_on_the_hosts_network_show_the_address_of_the_node() {
    let kinds = |cause| -> BTreeSet<&str> {
        calls(cause)
            .filter(|(record, _)| record.get("vpcEndpointId").is_some())
            .map(|(_, truth)| truth["address_kind"].as_str().unwrap())
            .collect()
    };
    assert_eq!(kinds("host_network"), BTreeSet::from(["node"]));
    assert_eq!(kinds("no_binding"), BTreeSet::from(["node", "pod"]));
}

#[test]
fn a_hop_limit_of_one_ends_all_fallbacks_but_those_on_the_hosts_network() {
    let cut = (six().records.values())
        .filter(|record| text(record, "/eventName") == "ModifyInstanceMetadataOptions")
        .map(|record| text(record, "/eventTime"))
        .max();
    let cut = cut.unwrap();
    let after = |cause| {
        let late = calls(cause).filter(|(record, truth)| {
            truth["cluster"] == "eks-006" && text(record, "/eventTime") > cut
        });
        late.map(|(record, _)| text(record, "/eventTime")).max()
    };
    // Credentials that a pod holds already live for some hours.
    assert!(after("no_binding").is_none_or(|last| last < "2026-08-20T07:00:00Z"));
    assert!(after("host_network").is_some_and(|last| last > "2026-08-20T11:00:00Z"));
}

#[test]
fn kube2iam_gives_its_sessions_to_pods() {
    let all = six();
    let (mut asked, mut used) = (0, 0);
    for (event, record) in &all.records {
        let truth = &all.memory.truth[event];
        if truth["component"] == "kube2iam" {
            let name = text(record, "/requestParameters/roleSessionName");
            let (hash, role) = name.split_once('-').unwrap();
            assert!(
                u32::from_str_radix(hash, 16).is_ok() && role == "eks-005-uploads",
                "{name}"
            );
            asked += 1;
        }
        if truth["access_path"] == "kube2iam" {
            assert!(truth["issuing_event_id"].is_string() && truth["hops"] == 0);
            used += 1;
        }
    }
    assert!(asked > 50 && used > 300, "{asked} {used}");
}

#[test]
fn sessions_without_tags_and_target_roles() {
    let all = six();
    let (mut untagged, mut targets) = (0, 0);
    for (event, record) in &all.records {
        if text(record, "/userIdentity/invokedBy") != "pods.eks.amazonaws.com" {
            continue;
        }
        let id = text(record, "/requestParameters/externalId");
        if !id.is_empty() {
            assert!(id.ends_with("/eks-004/payments/clearing"), "{id}");
            let truth = &all.memory.truth[event];
            assert_eq!(truth["service_account"], "clearing");
            assert_eq!(truth["role_arn"], record["requestParameters"]["roleArn"]);
            targets += 1;
        } else if record.pointer("/requestParameters/tags").is_none() {
            untagged += 1;
        }
    }
    assert!(targets > 10 && untagged > targets, "{targets} {untagged}");
}
