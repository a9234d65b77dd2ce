#![allow(clippy::unwrap_used)]
use super::*;

fn days(text: &str) -> Days {
    serde_json::from_str(text).unwrap()
}

#[test]
fn days_are_read_as_delta_writes_them() {
    let cases = [
        ("1970-01-01", Some(0)),
        ("1969-12-31", Some(-1)),
        ("2026-06-01", Some(20_605)),
        ("9999-12-31", Some(2_932_896)),
        ("0001-01-01", Some(-719_162)),
        ("yesterday", None),
        ("", None),
    ];
    for (text, day) in cases {
        assert_eq!(days_since_1970(text), day, "{text}");
    }
}

#[test]
fn days_with_the_same_files_are_in_common() {
    let one = days(r#"{"1":"a","2":"b","3":"c"}"#);
    let other = days(r#"{"2":"b","3":"d","4":"e"}"#);
    assert_eq!(one.in_common(&other), BTreeSet::from([2]));
    assert_eq!(other.in_common(&one), BTreeSet::from([2]));
    assert_eq!(one.in_common(&Days::default()), BTreeSet::new());
    assert_eq!(
        one.none_of(&BTreeSet::from([2])).to_string(),
        "event_date IS NULL OR event_date IN ([Date32(\"1970-01-02\"), Date32(\"1970-01-04\")])"
    );
}

/// What a day, or what has no day, is marked with.
type Mark = (Option<i32>, &'static str);

#[test]
fn days_with_the_same_files_and_other_marks_are_not_in_common() {
    let files = days(r#"{"1":"a","2":"b","3":"c"}"#);
    let marks = |of: &[Mark]| -> OfDays {
        let marks = of.iter().map(|(day, mark)| (*day, (*mark).to_owned()));
        marks.collect()
    };
    let before = files.marked(&marks(&[(Some(1), "x"), (Some(2), "y"), (None, "z")]));
    let cases: [(&[Mark], &[i32]); 5] = [
        (&[(Some(1), "x"), (Some(2), "y"), (None, "z")], &[1, 2, 3]),
        (&[(Some(1), "x"), (Some(2), "other"), (None, "z")], &[1, 3]),
        (&[(Some(2), "y"), (None, "z")], &[2, 3]),
        (&[(Some(1), "x"), (Some(2), "y"), (None, "other")], &[]),
        // A day that the table has not.
        (
            &[(Some(1), "x"), (Some(2), "y"), (Some(9), "w"), (None, "z")],
            &[1, 2, 3],
        ),
    ];
    for (now, same) in cases {
        let common = files.marked(&marks(now)).in_common(&before);
        assert_eq!(common, same.iter().copied().collect(), "{now:?}");
    }
    assert_eq!(
        Days::default().marked(&marks(&[(None, "z")])),
        Days::default()
    );
}
