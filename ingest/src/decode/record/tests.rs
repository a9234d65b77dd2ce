use super::*;

#[test]
fn slots_take_one_value() {
    let mut text = None;
    assert!(set_id(&mut text, "\"\"") && text.is_none());
    assert!(set_text(&mut text, "null") && text.is_none());
    assert!(set_text(&mut text, "1.50") && text.as_deref() == Some("1.50"));
    assert!(!set_text(&mut text, "\"b\"") && text.as_deref() == Some("1.50"));
    let mut flag = None;
    assert!(
        set_bool(&mut flag, "null")
            && !set_bool(&mut flag, "1")
            && set_bool(&mut flag, "\"False\"")
    );
    assert_eq!(flag, Some(false));
    let mut time = None;
    assert!(
        !set_time(&mut time, "\"...\"")
            && !set_time(&mut time, "[]")
            && set_time(&mut time, "1527535003.208")
    );
    assert_eq!(time, Some(1_527_535_003_208_000));
}
