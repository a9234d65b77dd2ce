use super::*;

#[test]
fn calls_carry_the_time_at_which_their_key_was_issued() {
    let all = day();
    let mut issued: BTreeMap<&str, &Value> = BTreeMap::new();
    for record in all.records.values() {
        if let Some(key) = issued_key(record) {
            assert!(text(record, "/responseElements/credentials/sessionToken").starts_with("IQoJ"));
            issued.insert(key, record);
        }
    }
    let mut joined = 0;
    for record in all.records.values() {
        let Some(by) = issued.get(text(record, "/userIdentity/accessKeyId")) else {
            continue;
        };
        joined += 1;
        let created = text(
            record,
            "/userIdentity/sessionContext/attributes/creationDate",
        );
        assert_eq!(created, text(by, "/eventTime"), "{record}");
        assert!(text(record, "/eventTime") >= created);
        let expires = text(by, "/responseElements/credentials/expiration");
        let expires = NaiveDateTime::parse_from_str(expires, "%b %d, %Y, %I:%M:%S %p").unwrap();
        let expires = expires.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        assert!(text(record, "/eventTime") <= expires.as_str(), "{record}");
        let truth = &all.memory.truth[&id(record)];
        if truth["access_path"].is_string() {
            let copy = &all.records[truth["issuing_event_id"].as_str().unwrap()];
            assert_eq!(issued_key(copy), issued_key(by));
        }
    }
    assert!(joined > 3_000, "{joined}");
}

#[test]
fn forwarded_calls_have_fresh_keys_and_the_session_of_a_direct_call() {
    let all = day();
    let session = |record: &Value| {
        let created = "/userIdentity/sessionContext/attributes/creationDate";
        (
            text(record, "/userIdentity/arn").to_owned(),
            text(record, created).to_owned(),
        )
    };
    let (forwarded, direct): (Vec<_>, Vec<_>) = all
        .records
        .values()
        .filter(|record| text(record, "/userIdentity/type") == "AssumedRole")
        .partition(|record| {
            text(record, "/userIdentity/invokedBy") == "secretsmanager.amazonaws.com"
        });
    let keys: BTreeSet<_> = direct
        .iter()
        .map(|record| text(record, "/userIdentity/accessKeyId"))
        .collect();
    let sessions: BTreeSet<_> = direct.iter().map(|record| session(record)).collect();
    assert!(forwarded.len() > 50);
    for record in forwarded {
        assert!(!keys.contains(text(record, "/userIdentity/accessKeyId")));
        assert!(sessions.contains(&session(record)));
        let path = &all.memory.truth[&id(record)]["access_path"];
        assert!(["irsa", "node_role"].contains(&path.as_str().unwrap()));
    }
}

#[test]
fn instance_credentials_are_delivered_in_pairs() {
    let all = day();
    let mut pairs: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for record in all.records.values() {
        if text(record, "/userIdentity/invokedBy") == "ec2.amazonaws.com" {
            assert!(
                record
                    .pointer("/responseElements/assumedRoleUser")
                    .is_none()
            );
            assert!(
                record
                    .pointer("/requestParameters/durationSeconds")
                    .is_none()
            );
            pairs
                .entry(text(record, "/requestID"))
                .or_default()
                .push(record);
        }
    }
    assert!(pairs.len() >= 12, "{}", pairs.len());
    for pair in pairs.values() {
        let [one, two] = pair[..] else {
            panic!("no pair: {pair:?}")
        };
        for same in ["/eventTime", "/requestParameters/roleSessionName"] {
            assert_eq!(text(one, same), text(two, same));
        }
        assert_ne!(issued_key(one), issued_key(two));
        assert_ne!(text(one, "/sharedEventID"), text(two, "/sharedEventID"));
    }
}

#[test]
fn the_other_account_has_a_copy_of_each_cross_account_assumption() {
    let all = day();
    let mut shared: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for record in all.records.values() {
        if text(record, "/eventName") == "AssumeRole" {
            shared
                .entry(text(record, "/sharedEventID"))
                .or_default()
                .push(record);
        }
    }
    let mut copies = 0;
    for group in shared.values() {
        let [a, b] = group[..] else { continue };
        copies += 1;
        let types = [a, b].map(|record| text(record, "/userIdentity/type"));
        assert!(
            types.contains(&"AssumedRole") && types.contains(&"AWSAccount"),
            "{types:?}"
        );
        assert_eq!(issued_key(a), issued_key(b));
        assert_ne!(
            text(a, "/recipientAccountId"),
            text(b, "/recipientAccountId")
        );
        let pods = [a, b].map(|record| &all.memory.truth[&id(record)]["pod"]);
        assert_eq!(pods[0], pods[1]);
    }
    assert!(copies > 20, "{copies}");
    let hops: BTreeSet<_> = all
        .memory
        .truth
        .values()
        .filter_map(|row| row["hops"].as_u64())
        .collect();
    assert_eq!(hops, BTreeSet::from([0, 1, 2]));
}

#[test]
fn pod_identity_names_the_pod_and_the_agent_does_not() {
    let all = day();
    let mut pods = BTreeSet::new();
    for record in all.records.values() {
        let truth = &all.memory.truth[&id(record)];
        if text(record, "/userIdentity/invokedBy") == "pods.eks.amazonaws.com" {
            let tags = record["requestParameters"]["tags"].as_array().unwrap();
            let tag = |name: &str| {
                tags.iter()
                    .find(|tag| tag["key"] == name)
                    .map(|tag| &tag["value"])
                    .unwrap()
            };
            assert_eq!(tags.len(), 6);
            assert_eq!(tag("kubernetes-pod-uid"), &truth["pod_uid"]);
            assert_eq!(tag("kubernetes-service-account"), &truth["service_account"]);
            assert_eq!(truth["access_path"], "pod_identity");
            pods.insert(truth["pod_uid"].to_string());
        }
        if text(record, "/eventName") == "AssumeRoleForPodIdentity" {
            assert_eq!(truth["component"], "eks-pod-identity-agent");
            assert!(record["responseElements"].is_null() && truth["pod"].is_null());
        }
    }
    assert!(
        pods.len() > 5,
        "pods are replaced over the day: {}",
        pods.len()
    );
}

#[test]
fn some_sessions_have_no_issuing_record() {
    let all = day();
    let without = all.records.values().filter(|record| {
        let truth = &all.memory.truth[&id(record)];
        text(record, "/userIdentity/type") == "AssumedRole"
            && truth["access_path"].is_string()
            && truth["issuing_event_id"].is_null()
    });
    assert!(without.count() > 0);
    let gap = |name: &str| {
        all.records
            .values()
            .find(|r| text(r, "/eventName") == name)
            .map(|r| text(r, "/eventTime"))
    };
    let (from, to) = (gap("StopLogging").unwrap(), gap("StartLogging").unwrap());
    let inside = all.records.values().filter(|record| {
        text(record, "/recipientAccountId") == "111122223333"
            && (from < text(record, "/eventTime") && text(record, "/eventTime") < to)
    });
    assert!(inside.count() < 10, "only the seconds before logging stops");
}
