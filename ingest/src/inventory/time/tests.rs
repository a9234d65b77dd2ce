use serde_json::json;

use super::*;

#[test]
fn times_are_read_in_every_form_the_tools_print() {
    let noon = 1_748_779_200_000_000;
    for (value, expected) in [
        (json!("2025-06-01T12:00:00Z"), Some(noon)),
        (json!("2025-06-01T14:00:00+02:00"), Some(noon)),
        (json!("2025-06-01T14:00:00.5+0200"), Some(noon + 500_000)),
        (json!("2025-06-01T12:00:00.000001Z"), Some(noon + 1)),
        (json!("2025-06-01 12:00:00.250000000"), Some(noon + 250_000)),
        (json!("2025-06-01T12:00:00"), Some(noon)),
        (json!(1_748_779_200), Some(noon)),
        (json!(1_748_779_200.25), Some(noon + 250_000)),
        (json!(1_748_779_200_250_i64), Some(noon + 250_000)),
        (json!("yesterday"), None),
        (json!(-5), None),
        (json!(1e300), None),
        (json!(null), None),
    ] {
        assert_eq!(of(&value), expected, "{value}");
    }
    assert_eq!(text(noon).unwrap(), "2025-06-01T12:00:00Z");
    assert_eq!(text(noon + 1).unwrap(), "2025-06-01T12:00:00.000001Z");
    assert_eq!(text(i64::MAX), None);
}

#[test]
fn file_names_may_hold_a_time() {
    let noon = Some(1_748_779_200_000_000);
    for (name, expected) in [
        ("pods-20250601T120000Z.json", noon),
        ("20250601T120000Z", noon),
        ("é20250601T120000Zé", noon),
        ("20251301T120000Z-20250601T120000Z.gz", noon),
        ("120250601T120000Z", None),
        ("20250601T1200Z", None),
        ("20250601T120000", None),
        ("ééééééééé", None),
    ] {
        assert_eq!(in_file_name(name), expected, "{name}");
    }
}
