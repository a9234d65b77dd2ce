use super::*;

#[test]
fn delivery_looks_like_the_real_one() {
    let all = history(&DemoOptions {
        events: Some(25_000),
        ..options(12)
    });
    let twice = 1000 * (all.copies.len() - all.records.len()) / all.records.len();
    assert!((15..25).contains(&twice), "{twice} of a thousand");
    let mut objects = vec![Vec::new(); all.memory.objects.len()];
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (object, record) in &all.copies {
        assert_eq!(record, &all.records[&id(record)], "copies are identical");
        objects[*object].push(text(record, "/eventTime"));
        first.entry(id(record)).or_insert(*object);
    }
    let disorder = objects.iter().filter(|times| !times.is_sorted()).count();
    let share = 100 * disorder / objects.len();
    assert!((20..40).contains(&share), "{share} percent");
    let early = first.iter().filter(|(event, object)| {
        let by = all.memory.truth[*event]["issuing_event_id"].as_str();
        by.is_some_and(|by| first[by] > **object)
    });
    assert!(
        early.count() > 10,
        "calls delivered before the record that names them"
    );
    let global = all.records.values().filter(|record| {
        text(record, "/eventName") == "AssumeRoleWithWebIdentity"
            && text(record, "/awsRegion") == "us-east-1"
    });
    assert!(global.count() > 10, "global STS");
    for (key, _) in &all.memory.objects {
        let (folder, name) = key.rsplit_once('/').unwrap();
        let parts: Vec<_> = name.split('_').collect();
        let day = parts[3][..8].to_owned();
        assert!(folder.ends_with(&format!("{}/{}/{}", &day[..4], &day[4..6], &day[6..])));
        assert!(folder.starts_with(&format!("AWSLogs/{}/CloudTrail/{}/", parts[0], parts[2])));
        assert_eq!(parts[4].len(), "0123456789abcdef.json.gz".len());
    }
}
