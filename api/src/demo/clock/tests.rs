use super::*;

#[test]
fn forms_of_a_time() {
    for (at, iso, english_form) in [
        (
            1_710_318_933,
            "2024-03-13T08:35:33Z",
            "Mar 13, 2024, 8:35:33 AM",
        ),
        (
            1_710_288_000,
            "2024-03-13T00:00:00Z",
            "Mar 13, 2024, 12:00:00 AM",
        ),
        (
            1_710_331_200,
            "2024-03-13T12:00:00Z",
            "Mar 13, 2024, 12:00:00 PM",
        ),
        (
            1_735_689_599,
            "2024-12-31T23:59:59Z",
            "Dec 31, 2024, 11:59:59 PM",
        ),
    ] {
        let mut out = String::new();
        write_iso(&mut out, at);
        assert_eq!((out.as_str(), english(at).as_str()), (iso, english_form));
    }
    assert_eq!(folder(1_710_318_900), "2024/03/13");
    assert_eq!(slot(1_710_318_900), "20240313T0835Z");
    assert_eq!(stamp(1_710_318_933), "20240313T083533Z");
    assert_eq!(offset(1_710_318_933), "2024-03-13T08:35:33+00:00");
}
