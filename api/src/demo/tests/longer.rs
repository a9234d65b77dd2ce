use super::*;

/// A short history with the clusters that have a longer one beside it.
fn both() -> &'static History {
    static BOTH: LazyLock<History> = LazyLock::new(|| {
        history(&DemoOptions {
            duration: Duration::hours(3),
            longer: Some(Duration::days(9)),
            ..options(7)
        })
    });
    &BOTH
}

/// Rows of the truth of a cluster, each with its record.
fn of_cluster(cluster: &str) -> impl Iterator<Item = (&'static Value, &'static Value)> {
    let truth = both().memory.truth.iter();
    truth
        .filter(move |(_, row)| row["cluster"] == cluster)
        .map(|(id, row)| (row, &both().records[id]))
}

#[test]
fn longer_histories_change_nothing_of_the_rest() {
    let (summary, alone) = memory(&DemoOptions {
        duration: Duration::hours(3),
        ..options(7)
    });
    let both = both();
    assert_eq!(both.memory.objects[..alone.objects.len()], alone.objects);
    assert_eq!(both.memory.rows[..alone.rows.len()], alone.rows);
    for (path, text) in &alone.inventory {
        assert_eq!(both.memory.inventory.get(path), Some(text), "{path}");
    }
    assert_eq!(both.summary.events, both.memory.rows.len() as u64);
    assert_eq!(both.memory.truth.len(), both.memory.rows.len());
    let more = both.summary.events - summary.events;
    assert!((300..3_000).contains(&more), "{more}");
    assert_eq!(both.summary.objects, both.memory.objects.len() as u64);
}

#[test]
fn an_old_cluster_is_seen_for_more_than_a_week_and_a_young_one_for_less() {
    let week = 7 * 24 * 3_600;
    for (cluster, old) in [("payments", true), ("staging", false)] {
        let node_calls = of_cluster(cluster)
            .filter(|(row, _)| row["access_path"] == "node_role" && row["component"] == "vpc-cni");
        let times: BTreeSet<i64> = node_calls
            .map(|(_, record)| {
                let at: DateTime<Utc> = text(record, "/eventTime").parse().unwrap();
                at.timestamp()
            })
            .collect();
        let seen = times.last().unwrap() - times.first().unwrap();
        assert_eq!(seen > week, old, "{cluster}: {seen}");
    }
}

#[test]
fn no_pod_beside_is_on_its_node_role() {
    let workloads = ["payments", "staging"]
        .into_iter()
        .flat_map(of_cluster)
        .filter(|(row, _)| row["actor"] == "workload");
    let mut data = 0;
    let mut issued = 0;
    for (row, record) in workloads {
        assert_eq!(row["access_path"], "irsa", "{row}");
        data += usize::from(text(record, "/eventCategory") == "Data");
        issued += usize::from(issued_key(record).is_some());
    }
    assert!(data > 50 && issued > 50, "{data} {issued}");
}

#[test]
fn one_role_lets_in_a_whole_namespace() {
    let roles = files(both(), "payments", "account-authorization-details")
        .into_values()
        .next()
        .unwrap();
    let subject = |role: &Value| {
        let conditions = &role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"];
        let tests = conditions.as_object().into_iter().flatten();
        tests
            .flat_map(|(operator, test)| {
                let test = test.as_object().into_iter().flatten();
                test.map(move |(key, value)| (operator.clone(), key.clone(), value.clone()))
            })
            .find(|(_, key, _)| key.ends_with(":sub"))
            .map(|(operator, _, value)| (operator, value.as_str().unwrap().to_owned()))
    };
    let all = roles[0]["RoleDetailList"].as_array().unwrap();
    let subjects: BTreeSet<(String, String)> = all.iter().filter_map(subject).collect();
    let expected = [
        ("StringEquals", "system:serviceaccount:payments:settlement"),
        ("StringLike", "system:serviceaccount:batch:*"),
    ];
    let expected = expected.map(|(operator, subject)| (operator.to_owned(), subject.to_owned()));
    assert_eq!(subjects, BTreeSet::from(expected));
}
