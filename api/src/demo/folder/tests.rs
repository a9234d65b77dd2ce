use super::*;

#[test]
fn writes_the_layout_of_a_trail_bucket() {
    let folder = std::env::temp_dir().join(format!("podtrail-demo-{}", std::process::id()));
    let mut out = FolderOutput::create(&folder).unwrap();
    let key = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/08/20/a.json.gz";
    out.trail_object(key, b"gz").unwrap();
    out.truth(&Truth {
        event_id: "e-1",
        ..Truth::default()
    })
    .unwrap();
    let listed = "myeks/pods-20260820T120000Z.json";
    out.inventory_file(listed, b"{}").unwrap();
    out.finish().unwrap();
    assert_eq!(
        fs::read(folder.join("inventory").join(listed)).unwrap(),
        b"{}"
    );
    assert_eq!(fs::read(folder.join("trail").join(key)).unwrap(), b"gz");
    let truth = fs::read_to_string(folder.join("truth/truth.ndjson")).unwrap();
    assert!(
        truth.starts_with(r#"{"event_id":"e-1","access_path":null,"#),
        "{truth}"
    );
    assert_eq!(truth.lines().count(), 1);
    fs::remove_dir_all(&folder).unwrap();
}
