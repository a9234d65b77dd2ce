use super::*;

#[test]
fn a_value_is_kept_and_shown() {
    let mut settings = Settings::default();
    assert_eq!(settings.set("extra_float_digits", Some("3")).unwrap(), None);
    assert_eq!(
        settings.set("APPLICATION_NAME", Some("psql")).unwrap(),
        Some(("application_name", "psql".to_owned()))
    );
    assert_eq!(settings.show("extra_float_digits").unwrap().1, "3");
    assert_eq!(
        settings.show("timezone").unwrap(),
        ("TimeZone", "UTC".to_owned())
    );
    settings.reset();
    assert_eq!(settings.show("extra_float_digits").unwrap().1, "1");
}

#[test]
fn only_values_that_podtrail_answers_by_are_taken() {
    let cases = [
        ("timezone", "Europe/Berlin", false),
        ("timezone", "Etc/UTC", true),
        ("client_encoding", "UNICODE", true),
        ("client_encoding", "LATIN1", false),
        ("DateStyle", "ISO, MDY", true),
        ("DateStyle", "German", false),
        ("search_path", "public, pg_catalog", true),
        ("search_path", "other", false),
        ("default_transaction_read_only", "off", false),
        ("transaction_read_only", "on", true),
        ("server_version", "9.6", false),
        ("statement_timeout", "soon", false),
        ("work_mem", "64MB", true),
        ("idle_session_timeout", "10min", true),
        ("nothing_such", "1", false),
    ];
    for (name, value, taken) in cases {
        let result = Settings::default().set(name, Some(value));
        assert_eq!(result.is_ok(), taken, "{name} = {value}");
    }
    let long = "x".repeat(MOST_BYTES + 1);
    assert!(
        Settings::default()
            .set("application_name", Some(&long))
            .is_err()
    );
}

#[test]
fn a_timeout_has_a_unit() {
    let cases = [
        ("0", None),
        ("250", Some(Duration::from_millis(250))),
        ("3s", Some(Duration::from_secs(3))),
        ("2 min", Some(Duration::from_mins(2))),
        ("1h", Some(Duration::from_hours(1))),
        ("1500us", Some(Duration::from_millis(2))),
    ];
    for (value, expected) in cases {
        let mut settings = Settings::default();
        settings.set("statement_timeout", Some(value)).unwrap();
        assert_eq!(settings.timeout(), expected, "{value}");
    }
    assert_eq!(milliseconds("99999999999999999999"), None);
    assert_eq!(milliseconds("18446744073709551615 d"), None);
}
