use std::path::Path;

use super::*;

#[test]
fn a_seed_gives_the_same_history_for_ever() {
    assert_eq!(fingerprint(&options(7)), fingerprint(&options(7)));
    assert_ne!(fingerprint(&options(7)), fingerprint(&options(8)));
    // Changes only when somebody means to change what the demo shows.
    assert_eq!(
        format!("{:016x}", fingerprint(&options(7))),
        "f15f8ca2aaa44e27"
    );
}

#[test]
fn nothing_reads_the_clock_or_another_source_of_chance() {
    // The path of this file is relative to the package or to the workspace.
    let folder = Path::new(file!()).parent().unwrap().parent().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [".", "inventory"].map(|name| {
        let folder = folder.join(name);
        let found = root.ancestors().map(|root| root.join(&folder));
        found.filter(|folder| folder.is_dir()).last().unwrap()
    });
    let entries = (folders.iter()).flat_map(|folder| std::fs::read_dir(folder).unwrap());
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() || path.ends_with("tests.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for word in [
            "::now(",
            "SystemTime",
            "Instant",
            "HashMap",
            "HashSet",
            "getrandom",
        ] {
            assert!(!source.contains(word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn truth_has_one_row_for_each_event() {
    let history = day();
    let ids: BTreeSet<_> = history.records.keys().collect();
    assert_eq!(ids, history.memory.truth.keys().collect());
    assert_eq!(history.memory.rows.len(), ids.len());
    assert_eq!(history.summary.events, ids.len() as u64);
    assert_eq!(history.summary.records, history.copies.len() as u64);
    assert_eq!(history.summary.objects, history.memory.objects.len() as u64);
    assert!((9_000..=16_000).contains(&ids.len()), "{}", ids.len());
}

#[test]
fn truth_reads_back_into_its_type() {
    let history = history(&DemoOptions {
        duration: Duration::hours(2),
        ..options(1)
    });
    for row in &history.memory.rows {
        let truth: Truth<'_> = serde_json::from_str(row).unwrap();
        assert_eq!(&serde_json::to_string(&truth).unwrap(), row);
        assert_eq!(truth.access_path.is_none(), truth.outsider.is_some());
        assert_eq!(truth.cause.is_some(), {
            truth.access_path == Some("node_role") && truth.actor == Some("workload")
        });
        assert_eq!(truth.issuer.is_some(), truth.access_path == Some("irsa"));
    }
}

#[test]
fn every_record_is_complete() {
    let all = history(&DemoOptions {
        clusters: 2,
        events: Some(32_000),
        ..options(3)
    });
    for record in all.records.values().chain(six().records.values()) {
        for member in [
            "eventVersion",
            "userIdentity",
            "eventTime",
            "eventSource",
            "eventName",
            "awsRegion",
            "sourceIPAddress",
            "userAgent",
            "requestParameters",
            "responseElements",
            "requestID",
            "eventID",
            "readOnly",
            "eventType",
            "managementEvent",
            "recipientAccountId",
            "eventCategory",
        ] {
            assert!(record.get(member).is_some(), "{member} missing in {record}");
        }
        let event = id(record);
        assert_eq!((event.len(), &event[14..15]), (36, "4"), "{record}");
        assert_eq!(text(record, "/recipientAccountId").len(), 12);
        let data = text(record, "/eventCategory") == "Data";
        assert_eq!(record["managementEvent"], Value::Bool(!data));
        let service = text(record, "/sourceIPAddress").ends_with(".amazonaws.com")
            || text(record, "/sourceIPAddress") == "AWS Internal";
        assert_eq!(record.get("tlsDetails").is_none(), service, "{record}");
    }
}

#[test]
fn the_number_of_events_is_met_and_sessions_grow_slower() {
    let (small, few) = memory(&DemoOptions {
        events: Some(30_000),
        inventory_every: None,
        ..options(14)
    });
    let (large, many) = memory(&DemoOptions {
        events: Some(120_000),
        inventory_every: None,
        ..options(14)
    });
    for (got, want) in [(small.events, 30_000), (large.events, 120_000)] {
        assert!(got.abs_diff(want) < want / 33, "{got} of {want}");
    }
    let sessions = |memory| counts(memory, "\"sessionToken\"").iter().sum::<usize>();
    assert!(sessions(&many) < 2 * sessions(&few));
}

#[test]
fn objects_can_be_large() {
    let large = Some(50);
    let options = DemoOptions {
        records_per_file: large,
        events: Some(30_000),
        ..options(15)
    };
    let sizes = counts(&memory(&options).1, "\"eventVersion\"");
    assert!(sizes.iter().all(|&size| size <= 50));
    assert!(sizes.iter().filter(|&&size| size == 50).count() > sizes.len() / 4);
}

#[test]
fn more_clusters_live_in_other_accounts_and_regions() {
    let all = history(&DemoOptions {
        clusters: 3,
        ..options(16)
    });
    let clusters: BTreeSet<_> = all
        .memory
        .truth
        .values()
        .filter_map(|row| row["cluster"].as_str())
        .collect();
    assert_eq!(clusters, BTreeSet::from(["eks-002", "eks-003", "myeks"]));
    let regions: BTreeSet<_> = all
        .records
        .values()
        .map(|record| text(record, "/awsRegion"))
        .collect();
    assert!(regions.len() >= 3, "{regions:?}");
    let ids: BTreeMap<_, BTreeSet<_>> =
        all.records
            .values()
            .fold(BTreeMap::new(), |mut ids, record| {
                let issuer = "/userIdentity/sessionContext/sessionIssuer";
                let arn = text(record, &format!("{issuer}/arn"));
                if !arn.is_empty() {
                    let id = text(record, &format!("{issuer}/principalId"));
                    ids.entry(arn).or_insert_with(BTreeSet::new).insert(id);
                }
                ids
            });
    assert!(ids.values().all(|ids| ids.len() == 1), "a role has one id");
}

#[test]
fn an_output_that_fails_ends_the_generation() {
    struct Full;
    impl DemoOutput for Full {
        fn trail_object(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
            Err(io::Error::other("disk full"))
        }
        fn inventory_file(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn truth(&mut self, _: &Truth<'_>) -> io::Result<()> {
            Ok(())
        }
    }
    let error = generate(&options(1), &mut Full).unwrap_err();
    assert!(matches!(error, DemoError::Object { .. }), "{error}");
}

#[test]
fn a_history_without_length_is_empty() {
    let all = history(&DemoOptions {
        duration: Duration::zero(),
        ..options(1)
    });
    assert_eq!(all.summary, DemoSummary::default());
}

#[test]
fn the_cast_is_complete() {
    let all = day();
    let seen: BTreeSet<_> = all
        .memory
        .truth
        .values()
        .map(|row| {
            [
                "access_path",
                "actor",
                "component",
                "service_account",
                "outsider",
            ]
            .map(|name| row[name].as_str().unwrap_or("-"))
        })
        .collect();
    for want in [
        ["node_role", "workload", "-", "default", "-"],
        ["irsa", "workload", "-", "my-sa", "-"],
        ["irsa", "workload", "-", "aws-load-balancer-controller", "-"],
        ["pod_identity", "workload", "-", "s3-sa", "-"],
        ["node_role", "node_agent", "kubelet", "-", "-"],
        ["node_role", "node_agent", "vpc-cni", "-", "-"],
        ["node_role", "node_agent", "ssm-agent", "-", "-"],
        ["node_role", "node_agent", "image-pull", "-", "-"],
        ["node_role", "node_agent", "nodeadm", "-", "-"],
        ["node_role", "node_agent", "instance-credentials", "-", "-"],
        [
            "cluster_role",
            "control_plane",
            "cloud-controller-manager",
            "-",
            "-",
        ],
        [
            "eks_service_linked_role",
            "control_plane",
            "eks-nodegroup",
            "-",
            "-",
        ],
        ["-", "-", "-", "-", "ci"],
        ["-", "-", "-", "-", "ecs_task"],
        ["-", "-", "-", "-", "lambda"],
        ["-", "-", "-", "-", "ec2_instance"],
        ["-", "-", "-", "-", "person"],
    ] {
        assert!(seen.contains(&want), "{want:?}");
    }
}
